import * as Y from "yjs";
import { describe, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import { decodeStateVector, encodeSyncStep2, encodeUpdate, type Frame } from "../../shared/frames.ts";
import type { MessageFromRoom } from "../../shared/messages.ts";
import type { Capability } from "../../shared/rooms.ts";
import { type Clock, throwLater } from "../base/clock.ts";
import { Ledger, type Unsaved } from "./ledger.ts";
import { RoomAnswers } from "./room-answers.ts";
import type { Rebuilt, Rejection, SavedState } from "./saved.ts";

/** Milliseconds for which other tabs' edits are gathered: those tabs send them too, so that this is a safety net. */
const FORWARD_MS = 1_000;

/** The number of a frame that is never acknowledged: a room that lost content takes none. */
const NEVER = Number.POSITIVE_INFINITY;

type Welcome = Extract<MessageFromRoom, { type: "welcome" }>;

/** How far the documents have been compared on the present socket. */
type Phase =
  | { readonly type: "closed" }
  /** Step 1 was sent; edits wait, since the answer to the room's step 1 will hold them. */
  | { readonly type: "comparing" }
  /**
   * The room has been sent everything, and is sent each edit. Nothing is known of it until frame `answer` is acknowledged,
   * and never if that is {@link NEVER}.
   */
  | { readonly type: "flowing"; readonly answer: number };

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Where an update comes from that is being applied. */
type Source =
  | "room"
  /** The room's; it may bring in more than it holds: what waited here for it, and the room may lack. */
  | "room-and-pending"
  | "tab";

export interface DocumentSyncOptions {
  readonly clock: Clock;
  /** The origin of transactions that apply what others did. */
  readonly origin: object;
  readonly send: (frame: Uint8Array<ArrayBuffer>) => void;
  /** An edit was made here, and other tabs may have it. */
  readonly publish: (update: Uint8Array) => void;
  /** The room's document is in this one. */
  readonly synced: () => void;
  readonly rejected: (rejection: Rejection) => void;
  /** More is unsaved, or less. When it is more by an edit, Yjs tells of its update afterwards. */
  readonly unsaved: (how: "grew" | "shrank") => void;
  /** The saved state may have changed. */
  readonly changed: () => void;
  /** Whether a transaction only brings what is stored: {@link DocumentSync.addStored} follows. */
  readonly isLoading: (origin: unknown) => boolean;
}

/** Keeps the document equal to the room's, and knows what of it the room has committed. */
export class DocumentSync {
  readonly #doc: Y.Doc;
  readonly #options: DocumentSyncOptions;
  readonly #ledger: Ledger;
  readonly #answers: RoomAnswers;
  #phase: Phase = { type: "closed" };
  #welcome: Welcome | null = null;
  #refusal: Refusal | null = null;
  /** What is being applied; `null` when it is an edit of this client. */
  #applying: Source | null = null;
  /** Whether a transaction was recorded whose update Yjs has not told yet; it never does when a listener before ours throws. */
  #expectsUpdate = false;
  /** What came from other tabs and is not sent yet. */
  #toForward: Uint8Array[] = [];
  #forwardTimer: unknown;

  constructor(doc: Y.Doc, options: DocumentSyncOptions) {
    this.#doc = doc;
    this.#options = options;
    this.#ledger = new Ledger(doc);
    this.#answers = new RoomAnswers(options.send);
    doc.on("afterTransactionCleanup", this.#onTransaction);
    doc.on("update", this.#onUpdate);
  }

  get savedState(): SavedState {
    const { unsaved } = this.#ledger;
    if (this.#refusal !== null) return { state: "rejected", unsaved, code: this.#refusal.code };
    if (this.#phase.type === "closed") return { state: "offline", unsaved };
    return this.isConfirmed && unsaved === 0 ? { state: "saved", unsaved } : { state: "saving", unsaved };
  }

  /** Whether the room has committed what this client had when the present socket opened. */
  get isConfirmed(): boolean {
    return this.#phase.type === "flowing" && this.#ledger.savedFrame >= this.#phase.answer;
  }

  get isRejected(): boolean {
    return this.#refusal !== null;
  }

  /** The number of the last edit. */
  get edits(): number {
    return this.#ledger.edits;
  }

  /** Every edit up to this number is saved. */
  get savedEdits(): number {
    return this.#ledger.savedEdits;
  }

  /** What the room has not acknowledged. */
  get unsaved(): Unsaved {
    return this.#ledger.content;
  }

  /** The stored document is in this one. @param unsaved how much of it */
  addStored(unsaved: Unsaved | "everything"): void {
    // Once the documents were compared, the room has been sent what it lacks.
    if (this.#phase.type === "flowing") return;
    if (unsaved === "everything") this.#ledger.addEverything();
    else this.#ledger.add(unsaved);
    this.#options.changed();
  }

  goOnline(): void {
    this.#ledger.restartFrames();
    this.#dropForwards();
    this.#phase = { type: "comparing" };
    this.#answers.askAgain(this.#doc);
    this.#options.changed();
  }

  goOffline(): void {
    this.#phase = { type: "closed" };
    this.#welcome = null;
    this.#dropForwards();
    this.#answers.postponeOwed();
    this.#options.changed();
  }

  destroy(): void {
    this.#doc.off("afterTransactionCleanup", this.#onTransaction);
    this.#doc.off("update", this.#onUpdate);
    this.goOffline();
    this.#answers.destroy();
  }

  setWelcome(welcome: Welcome): void {
    this.#welcome = welcome;
  }

  setCapabilities(capabilities: readonly Capability[]): void {
    if (this.#welcome !== null) this.#welcome = { ...this.#welcome, capabilities };
  }

  applyFrame(frame: Extract<Frame, { type: "sync-step-1" | "sync-step-2" | "update" }>): void {
    switch (frame.type) {
      case "sync-step-1":
        this.#answer(frame.stateVector);
        return;
      case "sync-step-2":
        if (this.#answers.isForDocument(frame.update)) this.#applyDocument(frame.update);
        return;
      case "update":
        this.#applyFromRoom(frame.update);
        return;
      default:
        frame satisfies never;
    }
  }

  /** Takes an edit from another tab. */
  applyFromTab(update: Uint8Array): void {
    this.#apply(update, "tab");
  }

  markSaved(frame: number): void {
    this.#ledger.markSaved(frame);
    this.#options.unsaved("shrank");
    this.#options.changed();
  }

  markRejected(frame: number, refusal: Refusal): void {
    this.#ledger.markRejected(frame);
    this.#refuse(refusal);
  }

  /** The room takes edits of nobody, and will not ask for any. What it once acknowledged may be what it lost. */
  markRoomReadOnly(): void {
    if (this.#phase.type === "closed" || this.#answers.owesDocument) return;
    this.#offerUnsaved();
    this.#phase = { type: "flowing", answer: NEVER };
    this.#options.changed();
  }

  /** A new document with what the room has, once there is a connection. */
  async rebuild(): Promise<Rebuilt<Y.Doc>> {
    const doc = await this.#answers.rebuild();
    return { doc, refused: this.#ledger.unsavedUpdate() };
  }

  #applyDocument(update: Uint8Array): void {
    this.#applyFromRoom(update);
    this.#options.synced();
    // Who may not write is asked for nothing. The room alone can tell whether it has what is unsaved here.
    if (this.#welcome !== null && !this.#welcome.capabilities.includes("write")) this.#offerUnsaved();
  }

  #offerUnsaved(): void {
    if (this.#phase.type !== "comparing" || this.#refusal !== null) return;
    if (this.#ledger.unsaved === 0) this.#phase = { type: "flowing", answer: 0 };
    else this.#sendAnswer(withoutPending(this.#doc, () => this.#ledger.unsavedUpdate()));
    this.#options.changed();
  }

  #answer(stateVector: Uint8Array): void {
    if (this.#refusal !== null) return;
    this.#ledger.compareWithRoom(decodeStateVector(stateVector));
    this.#options.unsaved("grew");
    this.#sendAnswer(withoutPending(this.#doc, () => Y.encodeStateAsUpdate(this.#doc, stateVector)));
    this.#options.changed();
  }

  #sendAnswer(update: Uint8Array): void {
    this.#dropForwards();
    this.#expectsUpdate = false;
    const frame = this.#send(encodeSyncStep2(update));
    // A later answer makes good what an earlier frame lacked; the first one is what the socket's word rests on.
    if (frame !== null && this.#phase.type === "comparing") this.#phase = { type: "flowing", answer: frame };
  }

  /** Sends all that is unsent. @returns the frame's number, or `null` when the room would refuse it */
  #send(frame: Uint8Array<ArrayBuffer>): number | null {
    const limit = this.#welcome?.limits.frameBytes ?? Number.POSITIVE_INFINITY;
    if (frame.length <= limit) {
      this.#options.send(frame);
      return this.#ledger.markSent();
    }
    const code = "frame-too-large";
    this.#refuse({ code, message: describe(code, `${frame.length} bytes, the limit is ${limit}`) });
    return null;
  }

  #applyFromRoom(update: Uint8Array): void {
    const { pendingStructs, pendingDs } = this.#doc.store;
    this.#apply(update, pendingStructs === null && pendingDs === null ? "room" : "room-and-pending");
  }

  #apply(update: Uint8Array, source: Source): void {
    const outer = this.#applying;
    this.#applying = source;
    const { clock, origin } = this.#options;
    let isApplied = false;
    const apply = () => {
      Y.applyUpdate(this.#doc, update, origin);
      isApplied = true;
    };
    try {
      Y.transact(this.#doc, apply, origin, false);
    } catch (thrown) {
      if (!isApplied) throw new RoomfulError("invalid-update", undefined, { cause: thrown });
      // An observer's: Yjs calls them when the update is in the document.
      throwLater(clock, thrown);
    } finally {
      this.#applying = outer;
    }
  }

  #sourceOf(origin: unknown): Source | null {
    return origin === this.#options.origin ? this.#applying : null;
  }

  /**
   * Counts before anybody is told of the update. When a listener of it throws, Yjs tells nobody of anything any more; the
   * edit is unsaved until the next connection compares the documents.
   */
  readonly #onTransaction = (transaction: Y.Transaction): void => {
    if (!hasChanges(transaction)) return;
    if (this.#sourceOf(transaction.origin) === "room") return;
    // Where the room has been sent everything, what is stored is news to it as any edit is.
    if (this.#phase.type !== "flowing" && this.#options.isLoading(transaction.origin)) return;
    this.#expectsUpdate = true;
    this.#ledger.record(transaction);
    this.#options.unsaved("grew");
    this.#options.changed();
  };

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (!this.#expectsUpdate) return;
    this.#expectsUpdate = false;
    const source = this.#sourceOf(origin);
    if (this.#phase.type === "flowing" && this.#refusal === null) {
      if (source === "tab") this.#forwardSoon(update);
      else this.#sendUpdate(update);
    }
    if (source === null && this.#refusal === null) this.#options.publish(update);
    this.#options.changed();
  };

  #sendUpdate(update: Uint8Array): void {
    // It may depend on what other tabs sent.
    const updates = [...this.#toForward, update];
    this.#dropForwards();
    this.#send(encodeUpdate(updates.length === 1 ? update : Y.mergeUpdates(updates)));
  }

  #forwardSoon(update: Uint8Array): void {
    this.#toForward.push(update);
    this.#forwardTimer ??= this.#options.clock.setTimeout(() => {
      this.#forwardTimer = undefined;
      const updates = this.#toForward;
      this.#dropForwards();
      // A frame would stand for what was counted and not told, too.
      if (updates.length > 0 && !this.#expectsUpdate) this.#send(encodeUpdate(Y.mergeUpdates(updates)));
      this.#options.changed();
    }, FORWARD_MS);
  }

  #dropForwards(): void {
    this.#toForward = [];
    if (this.#forwardTimer !== undefined) this.#options.clock.clearTimeout(this.#forwardTimer);
    this.#forwardTimer = undefined;
  }

  #refuse(refusal: Refusal): void {
    const isFirst = this.#refusal === null;
    this.#refusal ??= refusal;
    this.#dropForwards();
    if (isFirst) this.#options.rejected({ ...refusal, update: this.#ledger.unsavedUpdate() });
    this.#options.changed();
  }
}

/**
 * Encodes without what waits in the document for content of others that may never come: the room would not take it either,
 * and hold back its word on all the rest. When it is released it is recorded, and sent.
 */
function withoutPending(doc: Y.Doc, encode: () => Uint8Array): Uint8Array {
  const { store } = doc;
  const { pendingStructs, pendingDs } = store;
  store.pendingStructs = null;
  store.pendingDs = null;
  try {
    return encode();
  } finally {
    store.pendingStructs = pendingStructs;
    store.pendingDs = pendingDs;
  }
}

/** Whether Yjs tells of an update. */
function hasChanges({ beforeState, afterState, deleteSet }: Y.Transaction): boolean {
  if (deleteSet.clients.size > 0) return true;
  for (const [client, clock] of afterState) if (beforeState.get(client) !== clock) return true;
  return false;
}
