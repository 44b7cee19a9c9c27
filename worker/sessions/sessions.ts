import type { Admission } from "../access/admission.ts";
import type { SubjectRule } from "../access/rules.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Log, logFailure } from "../runtime/logging.ts";
import { Pacer } from "../runtime/pacer.ts";
import type { Identity, PresenceStore } from "./attachment.ts";
import { type Ending, Session, type SessionMarks } from "./session.ts";

/**
 * Milliseconds after which a change is in the socket's attachment, unless it needs a row. Meanwhile a timer is pending,
 * and the platform lets no object hibernate that waits for one; whatever else ends an object ends its sockets, and with
 * them what they had.
 */
export const SAVE_MS = 1_000;

/** Milliseconds between two writes of presence rows, which cost money. */
export const ROW_MS = 5_000;

/** Milliseconds that a frame to one socket takes on a slow machine: more than twice of what `prices.ts` charges for it. */
const SEND_MS = 0.03;

interface SessionsOptions {
  readonly store: PresenceStore;
  /** Bytes that may be sent to a client that does not prove to have read them. */
  readonly maxUnreadBytes: number;
  readonly log: Log;
  readonly clock: Clock;
}

/** A mark of a session, for the room to act on. */
export type Mark =
  | { readonly type: "ended"; readonly session: Session; readonly ending: Ending }
  | { readonly type: "rights-changed"; readonly session: Session }
  | { readonly type: "unproved"; readonly session: Session };

/** The sessions of all sockets that are open. Saves those that change, and collects those that are marked. */
export class Sessions implements Iterable<Session>, SessionMarks {
  readonly maxUnreadBytes: number;
  readonly #bySocket = new Map<WebSocket, Session>();
  readonly #closed = new WeakSet<WebSocket>();
  readonly #changed = new Set<Session>();
  readonly #changedWithRow = new Set<Session>();
  readonly #ended = new Map<Session, Ending>();
  readonly #rightsChanged = new Set<Session>();
  readonly #unproved = new Set<Session>();
  readonly #store: PresenceStore;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #rows: Pacer;

  /** @param sockets those that outlived the object */
  constructor(sockets: readonly WebSocket[], { store, maxUnreadBytes, log, clock }: SessionsOptions) {
    this.maxUnreadBytes = maxUnreadBytes;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#rows = new Pacer(ROW_MS, () => this.#saveRows(), clock);
    for (const socket of sockets) {
      // One that the room closed and whose peer has not answered yet.
      if (socket.readyState !== WebSocket.OPEN) continue;
      const session = Session.restore(socket, store, this);
      if (session === null) socket.close(1012, "the room was updated");
      else this.#bySocket.set(socket, session);
    }
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#bySocket.values();
  }

  /** How many are stock clients. */
  get stockCount(): number {
    let count = 0;
    for (const session of this) if (session.isStock) count++;
    return count;
  }

  get size(): number {
    return this.#bySocket.size;
  }

  /** Milliseconds that a frame to everybody takes, about, as if all wanted the document. */
  get broadcastMs(): number {
    return this.size * SEND_MS;
  }

  of(socket: WebSocket): Session | undefined {
    return this.#bySocket.get(socket);
  }

  /** Opens the session of a socket that was just accepted. */
  open(socket: WebSocket, admission: Admission, rule: SubjectRule, identity: Identity): Session {
    const session = Session.open(socket, admission, rule, identity, this);
    this.#bySocket.set(socket, session);
    return session;
  }

  /** How many are open, of this subject or of all. */
  openCount(subject?: string): number {
    let count = 0;
    for (const session of this) {
      if (session.isOpen && (subject === undefined || session.state.grant.subject === subject)) count++;
    }
    return count;
  }

  /**
   * Forgets a socket that closed. When its close is what woke the object, the platform no longer counts it among the
   * sockets, and only its attachment tells whose it was.
   * @returns its session, the first time
   */
  remove(socket: WebSocket): Session | null {
    if (this.#closed.has(socket)) return null;
    const session = this.#bySocket.get(socket) ?? Session.restore(socket, this.#store, this);
    this.#forget(socket);
    return session;
  }

  markEnded(session: Session, ending: Ending): void {
    // One that left by itself is gone already.
    if (this.of(session.socket) !== session) return;
    this.#forget(session.socket);
    this.#ended.set(session, ending);
  }

  markRightsChanged(session: Session): void {
    this.#rightsChanged.add(session);
  }

  markUnproved(session: Session): void {
    this.#unproved.add(session);
  }

  /** Sessions that ended, and that the room has not let go of yet. */
  get ended(): Iterable<Session> {
    return this.#ended.keys();
  }

  /** Whether nobody is left, and everybody who ended was let go of. */
  get isEmpty(): boolean {
    return this.size === 0 && this.#ended.size === 0;
  }

  /** Hands over one mark, endings first. @returns `null` when there is none */
  takeMark(): Mark | null {
    for (const [session, ending] of this.#ended) {
      this.#ended.delete(session);
      return { type: "ended", session, ending };
    }
    const changed = this.#takeOpen(this.#rightsChanged);
    if (changed !== null) return { type: "rights-changed", session: changed };
    const unproved = this.#takeOpen(this.#unproved);
    return unproved === null ? null : { type: "unproved", session: unproved };
  }

  #takeOpen(marked: Set<Session>): Session | null {
    for (const session of marked) {
      marked.delete(session);
      // A session that is gone meanwhile has nothing to be told.
      if (this.of(session.socket) === session) return session;
    }
    return null;
  }

  #forget(socket: WebSocket): void {
    this.#closed.add(socket);
    this.#bySocket.delete(socket);
  }

  markChanged(session: Session): void {
    if (this.#changed.size === 0) this.#clock.setTimeout(() => this.#saveChanged(), SAVE_MS);
    this.#changed.add(session);
  }

  #saveChanged(): void {
    for (const session of this.#changed) {
      if (session.needsRow) this.#changedWithRow.add(session);
      else this.#save(session);
    }
    this.#changed.clear();
    if (this.#changedWithRow.size > 0) this.#rows.request();
  }

  #saveRows(): void {
    for (const session of this.#changedWithRow) this.#save(session);
    this.#changedWithRow.clear();
  }

  /** A session that can't be saved is sent away, to come again. */
  #save(session: Session): void {
    try {
      session.save(this.#store);
    } catch (cause) {
      logFailure(this.#log, cause);
      session.end("storage-failed");
    }
  }
}
