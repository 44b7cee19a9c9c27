import * as Y from "yjs";
import {
  type Capability,
  type ErrorCode,
  errorCodeOf,
  RoomProvider,
  type RoomProviderOptions,
  subjectOf,
} from "../../client/index.ts";
import { Board } from "../model/board.ts";
import type { NewShape } from "../model/commands.ts";
import { History } from "../model/history.ts";
import { cutOff, type Refusal, refusalOf } from "./refusal.ts";
import { waitWords } from "./refusal-words.ts";
import { type Facts, type ReadOnlyReason, type Status, statusOf } from "./status.ts";

/** How long a lost connection is "reconnecting" before it is "offline". */
const BRIEF_MS = 4_000;

export interface RoomAddress {
  /** Ends in `/rooms`. */
  readonly serverUrl: string;
  readonly room: string;
  readonly token?: string;
}

/** One document, and what belongs to it. After a refused edit there is another one. */
export interface OpenBoard {
  readonly board: Board;
  readonly history: History;
  readonly provider: RoomProvider;
}

/** State of the session, which the page shows. Another object after each change. */
export interface SessionState {
  readonly open: OpenBoard;
  readonly status: Status;
  readonly canEdit: boolean;
  readonly refusal: Refusal | null;
}

/** A board's connection to its room: what is saved, what may be edited, and the way on after an edit was refused. */
export class Session {
  readonly #address: RoomAddress;
  readonly #listeners = new Set<() => void>();
  #facts: Omit<Facts, "saved" | "isConnected"> = {
    wasConnected: false,
    isBrief: navigator.onLine,
    isKept: true,
    readOnly: null,
    isFull: false,
    turnedAway: null,
    ending: null,
  };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: SessionState;

  constructor(address: RoomAddress) {
    this.#address = address;
    this.#facts = { ...this.#facts, isKept: isKept(address) };
    const open = this.#open(new Y.Doc());
    this.#state = { open, status: { type: "connecting" }, canEdit: true, refusal: null };
    this.#waitForConnection();
    addEventListener("online", this.#onNetwork);
    addEventListener("offline", this.#onNetwork);
    addEventListener("beforeunload", this.#onLeave);
  }

  get address(): RoomAddress {
    return this.#address;
  }

  get state(): SessionState {
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** After the room closed for good: tries once more. */
  retry(): void {
    this.#know({ ending: null, turnedAway: null, isBrief: true });
    this.#state.open.provider.connect();
    this.#waitForConnection();
  }

  /** Something was being drawn when the right to draw was taken: it is kept to be copied. */
  setAside(shape: NewShape): void {
    this.#state = { ...this.#state, refusal: cutOff(shape, this.#state.open.board) };
    this.#tell();
  }

  dismissRefusal(): void {
    this.#state = { ...this.#state, refusal: null };
    this.#tell();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    removeEventListener("online", this.#onNetwork);
    removeEventListener("offline", this.#onNetwork);
    removeEventListener("beforeunload", this.#onLeave);
    close(this.#state.open);
    this.#listeners.clear();
  }

  #open(doc: Y.Doc): OpenBoard {
    const { serverUrl, room } = this.#address;
    const provider = new RoomProvider(serverUrl, room, doc, optionsOf(this.#address));
    const board = new Board(doc);
    const open = { board, history: new History(board), provider };
    provider.on("status", ({ status }) => {
      if (status === "connected") this.#know({ wasConnected: true });
      if (status === "disconnected") this.#waitForConnection();
    });
    provider.connection.on("welcome", ({ capabilities }) => {
      clearTimeout(this.#timer);
      this.#know({ isBrief: navigator.onLine, turnedAway: null, readOnly: readOnlyBy(capabilities) });
    });
    provider.connection.on("capabilities", (capabilities) => {
      // A damaged room is told once on a connection, and no right mends it.
      if (this.#facts.readOnly !== "room-damaged") this.#know({ readOnly: readOnlyBy(capabilities) });
    });
    provider.on("connection-close", (event) => {
      const code = errorCodeOf(new Error(event?.reason ?? ""));
      this.#know({ turnedAway: code !== undefined && waitWords(code) !== null ? code : null });
    });
    provider.on("saved-state", ({ state }) => {
      // The room takes edits again: somebody made room.
      if (state === "saved" && this.#facts.isFull && this.#hasEdited) this.#know({ isFull: false });
      else this.#know({});
    });
    provider.on("problem", (problem) => {
      if (problem.source === "storage") this.#know({ isKept: false });
      if (problem.source === "room") this.#knowCode(problem.code);
    });
    provider.on("closed", ({ reason }) =>
      this.#know({ turnedAway: null, ending: { code: errorCodeOf(new Error(reason)), reason } }),
    );
    provider.on("rejected", ({ code, message }) => void this.#goOn(open, code, message));
    board.meta.observe(() => this.#know({}));
    doc.on("afterTransaction", ({ origin }: Y.Transaction) => {
      if (origin === board.origin) this.#hasEdited = true;
    });
    return open;
  }

  /** Whether anything was edited in the present document. */
  #hasEdited = false;

  /** The document that the room refused is of no more use: the board goes on with one that is rebuilt from the room. */
  async #goOn(refused: OpenBoard, code: ErrorCode, message: string): Promise<void> {
    this.#knowCode(code);
    // Waits for a connection, if need be; whoever leaves the page meanwhile destroys the provider.
    const rebuilt = await refused.provider.rebuilt().catch(() => null);
    if (rebuilt === null || this.#state.open !== refused) return;
    const fresh = new Board(rebuilt.doc);
    const refusal = refusalOf(refused.board, fresh, code, message);
    fresh.destroy();
    const { state, local } = refused.provider.connection.call;
    close(refused);
    this.#hasEdited = false;
    const open = this.#open(rebuilt.doc);
    if (state.type !== "idle" && state.type !== "refused") goOnCalling(open, local.isMuted);
    this.#state = { ...this.#state, open, refusal };
    this.#know({});
  }

  #knowCode(code: ErrorCode): void {
    if (code === "document-full") this.#know({ isFull: true });
    if (code === "room-damaged" || code === "room-too-new") this.#know({ readOnly: "room-damaged" });
  }

  #waitForConnection(): void {
    clearTimeout(this.#timer);
    this.#know({ isBrief: navigator.onLine });
    this.#timer = setTimeout(() => this.#know({ isBrief: false }), BRIEF_MS);
  }

  readonly #onNetwork = (): void => this.#waitForConnection();

  /** The browser asks before it closes a page whose edits would be lost. */
  readonly #onLeave = (event: BeforeUnloadEvent): void => {
    if (this.#state.open.provider.saved.unsaved > 0 && !this.#facts.isKept) event.preventDefault();
  };

  #know(facts: Partial<Omit<Facts, "saved" | "isConnected">>): void {
    this.#facts = { ...this.#facts, ...facts };
    if (this.#state === undefined) return;
    const { board, provider } = this.#state.open;
    const readOnly: ReadOnlyReason | null = board.isNewer ? "newer-board" : this.#facts.readOnly;
    const known = { ...this.#facts, readOnly, saved: provider.saved, isConnected: provider.wsconnected };
    this.#state = { ...this.#state, status: statusOf(known), canEdit: readOnly === null && known.ending === null };
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function readOnlyBy(capabilities: readonly Capability[]): ReadOnlyReason | null {
  return capabilities.includes("write") ? null : "no-right";
}

/** The call belongs to the connection, which is another one now. */
function goOnCalling({ provider }: OpenBoard, isMuted: boolean): void {
  const { call } = provider.connection;
  if (isMuted) call.mute();
  // What went wrong is shown by the call's own state.
  void call.join().catch(() => null);
}

function close({ board, history, provider }: OpenBoard): void {
  history.destroy();
  board.destroy();
  provider.destroy();
  board.doc.destroy();
}

/** With a token that names nobody, nothing is kept: it might be shown to the browser's next user. */
function isKept({ token }: RoomAddress): boolean {
  return token === undefined || subjectOf(token) !== undefined;
}

function optionsOf(address: RoomAddress): RoomProviderOptions {
  const { token } = address;
  if (token === undefined) return { offline: true };
  const subject = subjectOf(token);
  return subject === undefined ? { token } : { token, subject, offline: true };
}
