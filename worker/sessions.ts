import { Pacer } from "./pacer.ts";
import { type PresenceStore, type SendWatch, Session } from "./session.ts";

/** Milliseconds between two writes of presence rows. Half the time after which an idle object may hibernate. */
const ROW_MS = 5_000;

/** Milliseconds that a frame to one socket takes, on a slow machine. */
const SEND_MS = 0.03;

/** The sessions of all sockets that are open, and which of them changed since they were last saved. */
export class Sessions implements Iterable<Session> {
  readonly #bySocket = new Map<WebSocket, Session>();
  readonly #closed = new WeakSet<WebSocket>();
  readonly #changed = new Set<Session>();
  readonly #changedWithRow = new Set<Session>();
  readonly #rows = new Pacer(ROW_MS, () => this.#saveRows());
  readonly #store: PresenceStore;
  readonly #rowFailed: (cause: unknown) => void;
  readonly #watch: SendWatch | null;

  /**
   * @param sockets those that outlived the object
   * @param rowFailed is told when a presence row can't be written; its socket is closed, to come again
   * @param watch looks on at what is sent
   */
  constructor(
    sockets: readonly WebSocket[],
    store: PresenceStore,
    rowFailed: (cause: unknown) => void,
    watch: SendWatch | null = null,
  ) {
    this.#store = store;
    this.#rowFailed = rowFailed;
    this.#watch = watch;
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

  /** Milliseconds that a frame to everybody takes, about. */
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
    this.#changed.add(session);
  }

  /** Saves the sessions that changed; those with a row of their own more seldom, since rows cost money. */
  save(): void {
    for (const session of this.#changed) {
      if (session.needsRow) this.#changedWithRow.add(session);
      else session.save(this.#store);
    }
    this.#changed.clear();
    if (this.#changedWithRow.size > 0) this.#rows.request();
  }

  #saveRows(): void {
    const sessions = [...this.#changedWithRow];
    this.#changedWithRow.clear();
    for (const session of sessions) {
      try {
        session.save(this.#store);
      } catch (cause) {
        this.#rowFailed(cause);
        session.close("storage-failed");
      }
    }
  }
}
