import { type Clock, Pacer, systemClock } from "../runtime/pacer.ts";
import { type PresenceStore, type SendWatch, Session } from "./session.ts";

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
  /** Told when a session can't be saved; its socket is closed, to come again. */
  readonly saveFailed: (cause: unknown) => void;
  /** Looks on at what is sent. */
  readonly watch?: SendWatch;
  readonly clock?: Clock;
}

/** The sessions of all sockets that are open. Saves those that change. */
export class Sessions implements Iterable<Session> {
  readonly #bySocket = new Map<WebSocket, Session>();
  readonly #closed = new WeakSet<WebSocket>();
  readonly #changed = new Set<Session>();
  readonly #changedWithRow = new Set<Session>();
  readonly #store: PresenceStore;
  readonly #saveFailed: (cause: unknown) => void;
  readonly #watch: SendWatch | null;
  readonly #clock: Clock;
  readonly #rows: Pacer;

  /** @param sockets those that outlived the object */
  constructor(sockets: readonly WebSocket[], { store, saveFailed, watch, clock = systemClock }: SessionsOptions) {
    this.#store = store;
    this.#saveFailed = saveFailed;
    this.#watch = watch ?? null;
    this.#clock = clock;
    this.#rows = new Pacer(ROW_MS, () => this.#saveRows(), clock);
    for (const socket of sockets) {
      // One that the room closed and whose peer has not answered yet.
      if (socket.readyState !== WebSocket.OPEN) continue;
      const session = Session.restore(socket, store);
      if (session === null) socket.close(1012, "the room was updated");
      else this.add(socket, session);
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

  add(socket: WebSocket, session: Session): void {
    session.watch = this.#watch;
    this.#bySocket.set(socket, session);
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
    this.#closed.add(socket);
    const session = this.#bySocket.get(socket) ?? Session.restore(socket, this.#store);
    this.#bySocket.delete(socket);
    return session;
  }

  /** Says that a session's state changed and must be saved before the object may hibernate. */
  changed(session: Session): void {
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

  #save(session: Session): void {
    try {
      session.save(this.#store);
    } catch (cause) {
      this.#saveFailed(cause);
      session.close("storage-failed");
    }
  }
}
