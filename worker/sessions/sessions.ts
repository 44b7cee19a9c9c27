import { errorCodeOf } from "../../shared/errors.ts";
import type { Admission } from "../access/admission.ts";
import type { SubjectRule } from "../access/rules.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { explain, type Log } from "../runtime/logging.ts";
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
  readonly clock?: Clock;
}

/** Sessions that were marked, for the room to act on. */
export interface Marked {
  readonly ended: readonly (readonly [session: Session, ending: Ending])[];
  readonly rightsChanged: readonly Session[];
  readonly unproved: readonly Session[];
}

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
  constructor(sockets: readonly WebSocket[], { store, maxUnreadBytes, log, clock = systemClock }: SessionsOptions) {
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

  /** Hands the marked over, once. @returns `null` when nobody is */
  takeMarked(): Marked | null {
    if (this.#ended.size + this.#rightsChanged.size + this.#unproved.size === 0) return null;
    // One that left by itself meanwhile has nothing to be told.
    const lives = (session: Session) => this.of(session.socket) === session;
    const marked: Marked = {
      ended: [...this.#ended],
      rightsChanged: [...this.#rightsChanged].filter(lives),
      unproved: [...this.#unproved].filter(lives),
    };
    this.#ended.clear();
    this.#rightsChanged.clear();
    this.#unproved.clear();
    return marked;
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
      this.#log("error", "failed", { code: errorCodeOf(cause) ?? "internal", detail: explain(cause) });
      session.end("storage-failed");
    }
  }
}
