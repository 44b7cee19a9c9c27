import * as Y from "yjs";
import { describe, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import { decodeStateVector, encodeSyncStep2, encodeUpdate, type Frame } from "../../shared/frames.ts";
import type { MessageFromRoom } from "../../shared/messages.ts";
import type { Capability } from "../../shared/rooms.ts";
import { type Clock, throwLater } from "../base/clock.ts";
import { type ClaimedRun, Ledger, type Unsaved } from "./ledger.ts";
import { RoomAnswers } from "./room-answers.ts";
import type { Rebuilt, Rejection, SavedState } from "./saved.ts";

/** Milliseconds for which edits of other tabs are gathered. Those tabs send them too: forwarding is a safety net. */
const FORWARD_MS = 1_000;

/** The number of a frame that is never acknowledged: a room that lost content takes none. */
const NEVER = Number.POSITIVE_INFINITY;

type Welcome = Extract<MessageFromRoom, { type: "welcome" }>;

/** How far the documents have been compared on the present socket. */
type Phase =
  | { readonly type: "closed" }
  /** The client sent step 1. Edits wait: the answer to the room's step 1 will hold them. */
  | { readonly type: "comparing" }
  /**
   * The client sent everything, and sends each edit. The document is confirmed once the room acknowledged frame `answer`; a
   * frame {@link NEVER} is not acknowledged at all.
   */
  | { readonly type: "flowing"; readonly answer: number };

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The origin of the update that is being applied. */
type Source =
  | "room"
  /** The room's. It may release pending content of this document, which the room may lack. */
  | "room-and-pending"
  | "tab";

export interface DocumentSyncOptions {
  readonly clock: Clock;
  /** The origin of transactions that apply what others did. */
  readonly origin: object;
  readonly send: (frame: Uint8Array<ArrayBuffer>) => void;
  /** Publishes an edit of this tab to the others. */
  readonly publish: (update: Uint8Array) => void;
  /** The room's document is in this one. */
  readonly synced: () => void;
  readonly rejected: (rejection: Rejection) => void;
  /** The unsaved content grew or shrank. When an edit made it grow, Yjs emits the edit's update afterwards. */
  readonly unsaved: (how: "grew" | "shrank") => void;
  /** The saved state may have changed. */
  readonly savedChanged: () => void;
  /** Whether a transaction loads stored content: {@link DocumentSync.addStored} follows. */
  readonly isLoading: (origin: unknown) => boolean;
}

/** Keeps the document equal to the room's, and counts the content that the room has not committed. */
export class DocumentSync {
  readonly #doc: Y.Doc;
  readonly #options: DocumentSyncOptions;
  readonly #ledger: Ledger;
  readonly #answers: RoomAnswers;
  #phase: Phase = { type: "closed" };
  #welcome: Welcome | null = null;
  #refusal: Refusal | null = null;
  /** Unsaved content that the room claims to have. The answer repeats it, so that the room compares. */
  #claimed: readonly ClaimedRun[] = [];
  /**
   * Updates that the room sent after it deleted claimed content, until it acknowledges that content: the claimed clocks may be those of
   * somebody who forged them, and Yjs would delete what was written here.
   */
  #held: (() => void)[] | null = null;
  /** Whether the room refused what it claims to have. Nothing of its document is applied to this one any more. */
  #isContradicted = false;
  /** The origin of the update that is being applied; `null` while this client edits. */
  #applying: Source | null = null;
  /** Whether Yjs still has to emit the update of a recorded transaction. It never does if a listener before ours throws. */
  #expectsUpdate = false;
  /** Updates of other tabs that are not sent yet. */
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

  /** The number up to which every edit is saved. */
  get savedEdits(): number {
    return this.#ledger.savedEdits;
  }

  /** The content that the room has not acknowledged. */
  get unsaved(): Unsaved {
    return this.#ledger.content;
  }

  /** Counts the unsaved part of the stored document, which is in this one now. */
  addStored(unsaved: Unsaved | "everything"): void {
    // Once the documents were compared, the client has sent what the room lacks.
    if (this.#phase.type === "flowing") return;
    if (unsaved === "everything") this.#ledger.addEverything();
    else this.#ledger.add(unsaved);
    this.#options.savedChanged();
  }

  goOnline(): void {
    this.#ledger.restartFrames();
    this.#dropForwards();
    this.#phase = { type: "comparing" };
    this.#answers.goOnline(this.#doc);
    this.#options.savedChanged();
  }

  goOffline(): void {
    this.#phase = { type: "closed" };
    this.#welcome = null;
    this.#claimed = [];
    this.#held = null;
    this.#dropForwards();
    this.#answers.goOffline();
    this.#options.savedChanged();
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
        this.#applyUpdate(frame.update);
        return;
      default:
        frame satisfies never;
    }
  }

  /** Applies an edit of another tab. */
  applyFromTab(update: Uint8Array): void {
    this.#apply(update, "tab");
  }

  markSaved(frame: number): void {
    this.#ledger.markSaved(frame);
    if (this.isConfirmed) this.#releaseHeld();
    this.#options.unsaved("shrank");
    this.#options.savedChanged();
  }

  markRejected(frame: number, refusal: Refusal): void {
    this.#ledger.markRejected(frame);
    if (this.#held !== null && refusal.code === "invalid-update") {
      this.#isContradicted = true;
      this.#held = null;
    }
    this.#refuse(refusal);
    this.#releaseHeld();
  }

  /** The room answers no step 1 of this client: without the room's document, nothing can be saved or shown as saved. */
  markStep1Refused(refusal: Refusal): void {
    if (this.#answers.refuse(new RoomfulError(refusal.code, refusal.message))) this.#refuse(refusal);
  }

  /** A damaged room accepts no edits and asks for none. It may have lost edits that it acknowledged. */
  markRoomReadOnly(): void {
    if (this.#phase.type === "closed" || this.#answers.owesDocument) return;
    // It acknowledges nothing, so that nothing is to be waited for.
    this.#releaseHeld();
    this.#offerUnsaved();
    this.#phase = { type: "flowing", answer: NEVER };
    this.#options.savedChanged();
  }

  /** Resolves to a new document with the room's content, once there is a connection. */
  async rebuild(): Promise<Rebuilt<Y.Doc>> {
    const doc = await this.#answers.rebuild();
    return { doc, refused: this.#ledger.unsavedUpdate() };
  }

  #applyDocument(update: Uint8Array): void {
    if (this.#isHeldBack(update, () => this.#applyDocument(update))) return;
    this.#applyFromRoom(update);
    this.#options.synced();
    // The room sends no step 1 to a reader. Only its answer tells whether it has the content that is unsaved here.
    if (this.#welcome !== null && !this.#welcome.capabilities.includes("write")) this.#offerUnsaved();
  }

  #offerUnsaved(): void {
    if (this.#phase.type !== "comparing" || this.#refusal !== null) return;
    if (this.#ledger.unsaved === 0) this.#phase = { type: "flowing", answer: 0 };
    else this.#sendAnswer(withoutPending(this.#doc, () => this.#ledger.unsavedUpdate()));
    this.#options.savedChanged();
  }

  #answer(stateVector: Uint8Array): void {
    if (this.#refusal !== null) return;
    const known = decodeStateVector(stateVector);
    this.#claimed = this.#ledger.claimedBy(known);
    this.#ledger.compareWithRoom(known);
    this.#options.unsaved("grew");
    for (const { client, clock } of this.#claimed) known.set(client, clock);
    const lacking = this.#claimed.length === 0 ? stateVector : Y.encodeStateVector(known);
    this.#sendAnswer(withoutPending(this.#doc, () => Y.encodeStateAsUpdate(this.#doc, lacking)));
    this.#options.savedChanged();
  }

  #sendAnswer(update: Uint8Array): void {
    this.#dropForwards();
    this.#expectsUpdate = false;
    const frame = this.#send(encodeSyncStep2(update));
    // A later answer may repeat what an earlier frame lacked; the first one decides when the document is confirmed.
    if (frame !== null && this.#phase.type === "comparing") this.#phase = { type: "flowing", answer: frame };
  }

  /** Sends all unsent content. @returns the frame's number, or `null` when the room would refuse it */
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

  #applyUpdate(update: Uint8Array): void {
    if (!this.#isHeldBack(update, () => this.#applyUpdate(update))) this.#applyFromRoom(update);
  }

  #isHeldBack(update: Uint8Array, applyLater: () => void): boolean {
    if (this.#isContradicted) return true;
    if (this.#held === null && !deletesAny(update, this.#claimed)) return false;
    this.#held ??= [];
    this.#held.push(applyLater);
    return true;
  }

  /** The room has what it claims to have. */
  #releaseHeld(): void {
    const held = this.#held ?? [];
    this.#claimed = [];
    this.#held = null;
    for (const apply of held) apply();
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
      // An observer threw: Yjs calls observers when the update is in the document.
      throwLater(clock, thrown);
    } finally {
      this.#applying = outer;
    }
  }

  #sourceOf(origin: unknown): Source | null {
    return origin === this.#options.origin ? this.#applying : null;
  }

  /**
   * Counts an edit before Yjs emits its update. When another listener throws, Yjs does not emit the update at all; the edit
   * stays unsaved until the next connection compares the documents.
   */
  readonly #onTransaction = (transaction: Y.Transaction): void => {
    if (!hasChanges(transaction)) return;
    if (this.#sourceOf(transaction.origin) === "room") return;
    // After the comparison, stored content is news to the room as any edit is.
    if (this.#phase.type !== "flowing" && this.#options.isLoading(transaction.origin)) return;
    this.#expectsUpdate = true;
    this.#ledger.record(transaction);
    this.#options.unsaved("grew");
    this.#options.savedChanged();
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
    this.#options.savedChanged();
  };

  #sendUpdate(update: Uint8Array): void {
    // The edit may depend on updates of other tabs.
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
      // The ledger would count a recorded edit as sent by this frame, although Yjs has not emitted its update.
      if (updates.length > 0 && !this.#expectsUpdate) this.#send(encodeUpdate(Y.mergeUpdates(updates)));
      this.#options.savedChanged();
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
    this.#options.savedChanged();
  }
}

function deletesAny(update: Uint8Array, runs: readonly ClaimedRun[]): boolean {
  if (runs.length === 0) return false;
  const { clients } = Y.decodeUpdate(update).ds;
  return runs.some(({ client, clock, end }) =>
    clients.get(client)?.some((deletion) => deletion.clock < end && deletion.clock + deletion.len > clock),
  );
}

/**
 * Encodes without pending content, which waits for content of others that may never come: the room could not apply it
 * either, and would acknowledge nothing of the frame. Pending content is recorded and sent when it is released.
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

/** Whether Yjs emits an update for a transaction. */
function hasChanges({ beforeState, afterState, deleteSet }: Y.Transaction): boolean {
  if (deleteSet.clients.size > 0) return true;
  for (const [client, clock] of afterState) if (beforeState.get(client) !== clock) return true;
  return false;
}
