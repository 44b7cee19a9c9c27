import { errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import { encodePermissionDenied, encodeUpdate } from "../../shared/frames.ts";
import type { Applied } from "../../shared/rpc.ts";
import type { RoomLimits } from "../access/room-limits.ts";
import { RoomDocument } from "../document/document.ts";
import { type Edit, needsDocument, type Outcome, type Window, type Work } from "../document/edit.ts";
import type { Limiter, Payer } from "../metering/limiter.ts";
import { answerCost, comparisonCost, editCost, frameCost, refusalCost } from "../metering/prices.ts";
import type { Refusals } from "../metering/refusals.ts";
import type { Clock } from "../runtime/clock.ts";
import { explain, type Log } from "../runtime/logging.ts";
import { Pacer } from "../runtime/pacer.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Settings } from "../settings/settings.ts";
import type { Store } from "../storage/store.ts";
import type { StoredSnapshot } from "../storage/stored-document.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { CatchUp } from "./catch-up.ts";
import { Persistence } from "./persistence.ts";

/** A sync frame that waits for the window to close. */
interface QueuedFrame {
  readonly session: Session;
  /** Its number on its socket. */
  readonly number: number;
  /** Whether it answers a step 1 of the room. */
  readonly isAnswer: boolean;
  /** The update that it carries, or why it could not be read. */
  readonly content: Uint8Array | RoomfulError;
  readonly bytes: number;
}

/** Bytes that may wait for the window, so that neither it nor the frame that it becomes can grow without bound. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/** Milliseconds that a window takes, about, besides sending. */
const WINDOW_COST_MS = 0.1;

/** Milliseconds that a window takes for each client of the document: Yjs makes five maps of them in each transaction. */
const WINDOW_COST_MS_PER_CLIENT = 0.001;

/**
 * The next window opens so many times the cost of this one later, for each edit that was in it; COALESCE_MS later at most, and
 * what sending took. So an edit now and then waits for nothing, and a burst is gathered whole.
 */
const GATHERED_PER_COST = 10;

/** The part of its limit below which a document that was nearly full is so no more. */
const FAR_FROM_FULL = 0.8;

/** Bytes that may wait for a commit. */
const COMMIT_BYTES = 1024 * 1024;

interface SyncOptions {
  readonly settings: Settings;
  readonly limits: RoomLimits;
  readonly log: Log;
  readonly limiter: Limiter;
  readonly refusals: Refusals;
  readonly clock: Clock;
}

/**
 * The way of an edit: gathered in a window, applied in one transaction, broadcast as one frame, committed as one row,
 * acknowledged. Broadcast, then write, then acknowledge: the platform's output gate holds back what is sent after a
 * write until the write is durable, so the acknowledgement is a proof and the broadcast is not delayed, but by a commit before
 * it that is still under way.
 */
export class Sync {
  readonly #sessions: Sessions;
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #limiter: Limiter;
  readonly #refusals: Refusals;
  readonly #document: RoomDocument;
  readonly #persistence: Persistence;
  readonly #catchUp: CatchUp;
  readonly #acknowledgements = new Acknowledgements();
  readonly #windows: Pacer;
  readonly #commits: Pacer;
  #queue: QueuedFrame[] = [];
  #queuedBytes = 0;
  #receivedBytes = 0;
  #taints = 0;
  /** Whether everybody who writes was warned that the document is nearly full. */
  #warnedOfSize = false;

  constructor(sessions: Sessions, store: Store, options: SyncOptions) {
    const { settings, limits, log, limiter, refusals, clock } = options;
    this.#sessions = sessions;
    this.#settings = settings;
    this.#log = log;
    this.#limiter = limiter;
    this.#refusals = refusals;
    this.#document = new RoomDocument({
      read: () => this.#persistence.read(),
      reportUnreadable: (cause) => this.#persistence.makeReadOnly(explain(cause)),
      maxBytes: () => limits.documentBytes,
    });
    this.#persistence = new Persistence(store, {
      encode: () => (this.#document.loaded ? this.#encodeSnapshot() : null),
      quietMs: settings.SNAPSHOT_QUIET_MS,
      whenQuiet: () => this.settle(),
      log,
      clock,
    });
    this.#catchUp = new CatchUp({ sessions, document: this.#document, persistence: this.#persistence, limiter });
    this.#windows = new Pacer(0, () => this.#orFail(() => this.#closeWindow()), clock);
    this.#commits = new Pacer(settings.COMMIT_MS, () => this.#orFail(() => this.#commit()), clock);
  }

  /** Applies, broadcasts and charges what has arrived, but for what takes too long for one window. @returns the document with it */
  applyPending(): RoomDocument {
    if (this.#queue.length > 0) this.#windows.runNow();
    return this.#document;
  }

  /** Applies, broadcasts and charges all that has arrived, however long it takes. @returns the document with it */
  #applyAll(): RoomDocument {
    while (this.#queue.length > 0) this.#windows.runNow();
    return this.#document;
  }

  get isLoaded(): boolean {
    return this.#document.loaded;
  }

  get loads(): number {
    return this.#document.loads;
  }

  /** Times an edit threw when it was applied. */
  get taints(): number {
    return this.#taints;
  }

  /** Bytes of updates that sockets sent, taken or not. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Why no edit is taken, or `null`. Known once the document was loaded. */
  get readOnly(): "room-damaged" | null {
    return this.#persistence.readOnly;
  }

  get damage(): readonly string[] {
    return this.#persistence.damage;
  }

  #encodeSnapshot(): StoredSnapshot {
    return { state: this.#document.encode(), stateVector: this.#document.encodeStateVector() };
  }

  /** Brings a client that asked by step 1 what it lacks. @throws RoomfulError `forbidden`, `storage-failed` */
  answerStep1(session: Session, stateVector: Uint8Array): void {
    session.demand("read");
    this.applyPending();
    if (!this.#catchUp.answerStep1(session, stateVector)) return;
    if (this.readOnly !== null) tellReadOnly(session, this.readOnly);
    if (this.#warnedOfSize) warnOfSize(session);
  }

  /**
   * Encodes what who has this state vector lacks, as an answer to step 1 brings it, for a caller who pays for it.
   * @throws RoomfulError `malformed-frame`, `storage-failed`
   */
  encodeMissing(stateVector: Uint8Array, pay: Payer): Uint8Array {
    const size = { participants: this.#sessions.size, documentBytes: this.applyPending().bytes };
    pay("joins", comparisonCost(size));
    const update = this.#catchUp.missing(stateVector);
    pay("joins", answerCost(update.length));
    return update;
  }

  /** Asks a session whose rights changed for what the room lacks, if it may write now. @throws RoomfulError `storage-failed` */
  askForEdits(session: Session): void {
    if (!session.may("write") || !session.state.wantsDocument) return;
    this.applyPending();
    this.#catchUp.askForEdits(session);
  }

  /** Asks a session to prove that it reads: a stock client does so by its answer to a step 1. @throws RoomfulError `storage-failed` */
  askForProof(session: Session): void {
    if (!session.isStock) session.probe();
    else {
      this.applyPending();
      this.#catchUp.sendStep1(session);
    }
  }

  /** Takes the update of a sync frame. @param isAnswer whether it answers a step 1 of the room */
  queueUpdate(session: Session, update: Uint8Array, isAnswer: boolean): void {
    this.#receivedBytes += update.length;
    this.#enqueue(session, isAnswer, update, update.length);
  }

  /** Takes a sync frame that can't be read; it has a number all the same. */
  queueUnreadable(session: Session, refusal: RoomfulError, bytes: number): void {
    this.#enqueue(session, false, refusal, bytes);
  }

  #enqueue(session: Session, isAnswer: boolean, content: QueuedFrame["content"], bytes: number): void {
    session.state.framesReceived++;
    this.#queue.push({ session, number: session.state.framesReceived, isAnswer, content, bytes });
    if (content instanceof Uint8Array) this.#queuedBytes += bytes;
    if (this.#queuedBytes >= WINDOW_BYTES) this.#windows.runNow();
    else this.#windows.request();
  }

  /**
   * Applies an update that no socket sent; durable when it returns.
   * @param pay for the work that it made, refused or not
   * @throws RoomfulError when it is refused; nothing of it was kept then
   */
  applyNow(update: Uint8Array, pay?: Payer): Applied {
    this.applyPending().ensureLoaded();
    const { outcomes, works, updates } = this.#orFailAndThrow(() => {
      const window = this.#apply([{ author: this, update, denied: null, whole: true }]);
      this.#publish(window.updates, undefined);
      this.#commit();
      return window;
    });
    const [outcome] = outcomes;
    pay?.(...this.#priceOf(update.length, outcome, works[0]));
    if (outcome?.kind === "refused") {
      this.#refusals.count(outcome.refusal.code);
      throw outcome.refusal;
    }
    return { changed: updates.length > 0 };
  }

  /** Applies and commits what has arrived, and writes a snapshot if the log has grown enough for a quiet room. */
  settle(): void {
    this.#applyAll();
    this.#commits.runNow();
    this.#persistence.snapshotIfDue();
  }

  /**
   * Applies and commits what has arrived, and folds the whole log into a snapshot.
   * @throws RoomfulError `room-damaged`, `room-too-new`, `storage-failed`
   */
  flush(): void {
    this.#applyAll().ensureLoaded();
    this.#orFailAndThrow(() => this.#commit());
    this.#persistence.writeSnapshot();
  }

  #closeWindow(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    if (queue.length === 0) return;
    const edits = queue.map(({ session, content }) => this.#editOf(session, content));
    const { outcomes, works, updates } = this.#apply(edits);
    for (const { movedStructs } of works) this.#persistence.countReplay(movedStructs);
    const authors = new Set<Session>();
    const rejections: (() => void)[] = [];
    for (const [index, { session, number, isAnswer }] of queue.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error("an edit without an outcome");
      if (outcome.kind === "postponed") continue;
      if (outcome.kind === "refused") {
        rejections.push(() => this.#refusals.rejectFrame(session, number, outcome.refusal));
      } else authors.add(session);
      this.#catchUp.followUp(session, number, isAnswer, outcome);
      this.#acknowledgements.owe(session, number);
      session.markChanged();
    }
    const [author] = authors;
    this.#publish(updates, authors.size === 1 ? author : undefined);
    this.#windows.delayNextRun(this.#untilNextWindow(queue.length, updates.length));
    for (const reject of rejections) reject();
    // Edits that changed nothing are saved as soon as everything before them is.
    const { uncommittedBytes } = this.#persistence;
    if (uncommittedBytes === 0) this.#acknowledgements.payAll();
    if (uncommittedBytes >= COMMIT_BYTES) this.#commits.runNow();
    else if (updates.length > 0) this.#commits.request();
    this.#warnOfSize();
    for (const [index, frame] of queue.entries()) this.#charge(frame, outcomes[index], works[index]);
    this.#postpone(queue.filter((_, index) => outcomes[index]?.kind === "postponed"));
  }

  /** Leaves frames for the next window, which others' messages may come before. Those of sessions that were ended are dropped. */
  #postpone(frames: readonly QueuedFrame[]): void {
    if (frames.length === 0) return;
    this.#queue = [...frames.filter(({ session }) => !session.isEnded), ...this.#queue];
    this.#queuedBytes = this.#queue.reduce(
      (sum, { content, bytes }) => sum + (content instanceof Uint8Array ? bytes : 0),
      0,
    );
    if (this.#queue.length > 0) this.#windows.requestLater();
  }

  /** Milliseconds from the start of a window to the next one's, at least. */
  #untilNextWindow(edits: number, updates: number): number {
    const { broadcastMs } = this.#sessions;
    const { COALESCE_MS, STRICT } = this.#settings;
    // In strict mode a window is a commit as well, which is worth more than all frames.
    const gatherMs = STRICT ? COALESCE_MS : edits * GATHERED_PER_COST * (WINDOW_COST_MS + broadcastMs);
    // A window in a document of very many clients is as long as the pause after it.
    const clientsMs = WINDOW_COST_MS_PER_CLIENT * this.#document.clients;
    return updates * broadcastMs + clientsMs + Math.min(COALESCE_MS, gatherMs);
  }

  /** Takes room time for an edit, once everything else is done: a session that has none left is ended. */
  #charge({ session, bytes }: QueuedFrame, outcome: Outcome | undefined, work: Work | undefined): void {
    if (outcome?.kind === "postponed") return;
    this.#limiter.spend(session, ...this.#priceOf(bytes, outcome, work));
  }

  #priceOf(bytes: number, outcome: Outcome | undefined, work: Work | undefined): Parameters<Payer> {
    if (outcome === undefined || work === undefined) throw new Error("an edit without an outcome");
    const size = { participants: this.#sessions.size, documentBytes: this.#document.bytes };
    const frame = frameCost("edits", bytes);
    if (outcome.kind === "refused") {
      return ["refusals", frame + editCost(work, 0, size) + refusalCost(outcome.refusal.code)];
    }
    return ["edits", frame + editCost(work, bytes, size)];
  }

  /** Warns everybody who writes when the document comes near its limit; again when it was smaller meanwhile. */
  #warnOfSize(): void {
    if (this.#warnedOfSize) {
      this.#warnedOfSize = this.#document.fullness > FAR_FROM_FULL;
      return;
    }
    if (!this.#document.isNearlyFull) return;
    this.#warnedOfSize = true;
    for (const session of this.#sessions) if (session.state.wantsDocument) warnOfSize(session);
  }

  #editOf(session: Session, content: QueuedFrame["content"]): Edit {
    // After a rejection, what refers to the rejected edit can't be made good by asking: the client would send it again.
    const common = { author: session, whole: session.state.wasRejected };
    if (content instanceof RoomfulError) return { ...common, refusal: content };
    return { ...common, update: content, denied: session.may("write") ? null : "forbidden" };
  }

  #apply(edits: readonly Edit[]): Window {
    // Whether the room can be edited is known once it was read.
    if (edits.some(needsDocument)) this.#document.ensureLoaded();
    const { readOnly } = this;
    const window = this.#document.apply(
      readOnly === null
        ? edits
        : edits.map((edit) => ("update" in edit ? { ...edit, denied: edit.denied ?? readOnly } : edit)),
    );
    if (window.taints > 0) {
      this.#taints += window.taints;
      this.#log("error", "taint", { taints: window.taints, edits: edits.length });
    }
    return window;
  }

  /** Sends updates to everybody who wants the document, but not back to their only author. */
  #publish(updates: readonly Uint8Array[], author: Session | undefined): void {
    this.#persistence.add(updates);
    if (this.#settings.STRICT) this.#persistence.commit();
    for (const update of updates) {
      const frame = encodeUpdate(update);
      for (const session of this.#sessions) {
        if (session.state.wantsDocument && session !== author) session.send(frame);
      }
    }
    if (updates.length > 0) this.#catchUp.askAwaited();
  }

  #commit(): void {
    this.#persistence.commit();
    this.#acknowledgements.payAll();
    this.#persistence.planSnapshot();
  }

  /** Runs work that nobody waits for. */
  #orFail(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Runs work whose caller is told of its failure. */
  #orFailAndThrow<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (cause) {
      this.#fail(cause);
      throw cause;
    }
  }

  /**
   * Storage can't be read or written. Everybody is sent away to try again; memory is dropped, so that nobody is shown
   * what is not kept. What was not acknowledged the clients send again.
   */
  #fail(cause: unknown): void {
    const code = errorCodeOf(cause) ?? "internal";
    this.#log("error", "failed", { code, detail: explain(cause) });
    this.#refusals.count(code);
    this.discard();
    for (const session of this.#sessions) session.end(code);
  }

  /** Drops what memory holds, and what was not committed. */
  discard(): void {
    this.#windows.cancel();
    this.#commits.cancel();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#persistence.dropUncommitted();
    this.#acknowledgements.forget();
    this.#catchUp.forget();
    this.#document.discard();
  }
}

function tellReadOnly(session: Session, code: "room-damaged"): void {
  const { message } = new RoomfulError(code);
  if (session.isStock) session.send(encodePermissionDenied(message));
  else session.tell({ type: "error", code, message });
}

function warnOfSize(session: Session): void {
  if (session.may("write")) session.warn("document-nearly-full", "the document is above 90 % of its size limit");
}
