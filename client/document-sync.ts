import * as Y from "yjs";
import { describe, type ErrorCode, RoomfulError } from "../shared/errors.ts";
import { decodeStateVector, encodeSyncStep1, encodeSyncStep2, encodeUpdate, type Frame } from "../shared/frames.ts";
import type { MessageFromRoom } from "../shared/messages.ts";
import type { Clock } from "./clock.ts";
import { Ledger } from "./ledger.ts";
import type { Rebuilt, Rejection, SavedState } from "./saved.ts";

/** Milliseconds for which other tabs' edits are gathered: those tabs send them too, so that this is a safety net. */
const FORWARD_MS = 1_000;

/** The state vector of nothing. */
const NOTHING = new Uint8Array([0]);

type Welcome = Extract<MessageFromRoom, { type: "welcome" }>;

/** How far the documents have been compared on the present socket. */
type Phase =
  | { readonly type: "closed" }
  /** Step 1 was sent; edits wait, since the answer to the room's step 1 will hold them. */
  | { readonly type: "comparing" }
  /** The room has been sent everything, and is sent each edit. Nothing is known of it until `answer` is acknowledged. */
  | { readonly type: "flowing"; readonly answer: number };

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

interface Rebuilding {
  readonly resolve: (rebuilt: Rebuilt<Y.Doc>) => void;
  readonly reject: (cause: unknown) => void;
}

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
  /** The saved state may have changed. */
  readonly changed: () => void;
}

/** Keeps the document equal to the room's, and knows what of it the room has committed. */
export class DocumentSync {
  readonly #doc: Y.Doc;
  readonly #options: DocumentSyncOptions;
  readonly ledger: Ledger;
  #phase: Phase = { type: "closed" };
  #welcome: Welcome | null = null;
  #refusal: Refusal | null = null;
  /** Where an update comes from that is being applied. */
  #source: "room" | "tab" | null = null;
  /** Whether that update may bring in more than it holds: what waited here for it, and the room may lack. */
  #mayRelease = false;
  /** What came from other tabs and is not sent yet. */
  #toForward: Uint8Array[] = [];
  #forwardTimer: unknown;
  /** The answers to step 1 that the room owes, in order: for this document, or for a new one. */
  readonly #owed: ("document" | Rebuilding)[] = [];
  /** Who asked for a new document while there was no connection. */
  #waiting: Rebuilding[] = [];

  constructor(doc: Y.Doc, options: DocumentSyncOptions) {
    this.#doc = doc;
    this.#options = options;
    this.ledger = new Ledger(doc);
    doc.on("update", this.#onUpdate);
  }

  get savedState(): SavedState {
    const { unsaved } = this.ledger;
    if (this.#refusal !== null) return { state: "rejected", unsaved, code: this.#refusal.code };
    if (this.#phase.type === "closed") return { state: "offline", unsaved };
    const isConfirmed = this.#phase.type === "flowing" && this.ledger.savedFrame >= this.#phase.answer;
    return isConfirmed && unsaved === 0 ? { state: "saved", unsaved } : { state: "saving", unsaved };
  }

  get isRejected(): boolean {
    return this.#refusal !== null;
  }

  opened(): void {
    this.ledger.opened();
    this.#dropForwards();
    this.#phase = { type: "comparing" };
    this.#ask("document", Y.encodeStateVector(this.#doc));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const rebuilding of waiting) this.#ask(rebuilding, NOTHING);
    this.#options.changed();
  }

  closed(): void {
    this.#phase = { type: "closed" };
    this.#welcome = null;
    this.#dropForwards();
    for (const owed of this.#owed.splice(0)) if (owed !== "document") this.#waiting.push(owed);
    this.#options.changed();
  }

  destroy(): void {
    this.#doc.off("update", this.#onUpdate);
    this.closed();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the provider was destroyed"));
  }

  welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
  }

  receive(frame: Extract<Frame, { type: "sync-step-1" | "sync-step-2" | "update" }>): void {
    switch (frame.type) {
      case "sync-step-1":
        this.#answer(frame.stateVector);
        return;
      case "sync-step-2": {
        const owed = this.#owed.shift();
        if (owed !== undefined && owed !== "document") this.#finishRebuilding(owed, frame.update);
        else this.#receiveDocument(frame.update);
        return;
      }
      case "update":
        this.#apply(frame.update, "room");
        return;
      default:
        frame satisfies never;
    }
  }

  /** Takes an edit from another tab. */
  receiveFromTab(update: Uint8Array): void {
    this.#apply(update, "tab");
  }

  saved(frame: number): void {
    this.ledger.saved(frame);
    this.#options.changed();
  }

  rejected(frame: number, refusal: Refusal): void {
    this.ledger.rejected(frame);
    this.#refuse(refusal);
  }

  /** The room takes edits of nobody, and will not ask for any. */
  roomIsReadOnly(): void {
    if (this.#phase.type === "comparing" && !this.#owed.includes("document")) this.#offerUnsaved();
  }

  /** A new document with what the room has, once there is a connection. */
  rebuild(): Promise<Rebuilt<Y.Doc>> {
    return new Promise((resolve, reject) => {
      const rebuilding = { resolve, reject };
      if (this.#phase.type === "closed") this.#waiting.push(rebuilding);
      else this.#ask(rebuilding, NOTHING);
    });
  }

  #ask(asker: "document" | Rebuilding, stateVector: Uint8Array): void {
    this.#owed.push(asker);
    this.#options.send(encodeSyncStep1(stateVector));
  }

  #finishRebuilding({ resolve, reject }: Rebuilding, update: Uint8Array): void {
    const doc = new Y.Doc();
    try {
      Y.applyUpdate(doc, update);
      resolve({ doc, refused: this.ledger.unsavedUpdate() });
    } catch (cause) {
      reject(cause);
    }
  }

  #receiveDocument(update: Uint8Array): void {
    this.#apply(update, "room");
    this.#options.synced();
    // Who may not write is asked for nothing. The room alone can tell whether it has what is unsaved here.
    if (this.#welcome !== null && !this.#welcome.capabilities.includes("write")) this.#offerUnsaved();
  }

  #offerUnsaved(): void {
    if (this.#phase.type !== "comparing" || this.#refusal !== null) return;
    if (this.ledger.unsaved === 0) this.#phase = { type: "flowing", answer: 0 };
    else this.#sendAnswer(this.ledger.unsavedUpdate());
    this.#options.changed();
  }

  #answer(stateVector: Uint8Array): void {
    if (this.#refusal !== null) return;
    this.ledger.roomHas(decodeStateVector(stateVector));
    this.#sendAnswer(Y.encodeStateAsUpdate(this.#doc, stateVector));
    this.#options.changed();
  }

  #sendAnswer(update: Uint8Array): void {
    this.#dropForwards();
    const frame = this.#send(encodeSyncStep2(update));
    // A later answer makes good what an earlier frame lacked; the first one is what the socket's word rests on.
    if (frame !== null && this.#phase.type === "comparing") this.#phase = { type: "flowing", answer: frame };
  }

  /** Sends all that is unsent. @returns the frame's number, or `null` when the room would refuse it */
  #send(frame: Uint8Array<ArrayBuffer>): number | null {
    const limit = this.#welcome?.limits.frameBytes ?? Number.POSITIVE_INFINITY;
    if (frame.length <= limit) {
      this.#options.send(frame);
      return this.ledger.sent();
    }
    const code = "frame-too-large";
    this.#refuse({ code, message: describe(code, `${frame.length} bytes, the limit is ${limit}`) });
    return null;
  }

  #apply(update: Uint8Array, source: "room" | "tab"): void {
    const outer = this.#source;
    this.#source = source;
    const { pendingStructs, pendingDs } = this.#doc.store;
    this.#mayRelease = pendingStructs !== null || pendingDs !== null;
    try {
      Y.applyUpdate(this.#doc, update, this.#options.origin);
    } catch (cause) {
      throw new RoomfulError("invalid-update", undefined, { cause });
    } finally {
      this.#source = outer;
    }
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction): void => {
    const source = origin === this.#options.origin ? this.#source : null;
    if (source === "room" && !this.#mayRelease) return;
    this.ledger.record(transaction);
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
      if (updates.length > 0) this.#send(encodeUpdate(Y.mergeUpdates(updates)));
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
    if (isFirst) this.#options.rejected({ ...refusal, update: this.ledger.unsavedUpdate() });
    this.#options.changed();
  }
}
