import { type PresenceStore, Session } from "./session.ts";

/** The sessions of all sockets that are open, and which of them changed since they were last saved. */
export class Sessions implements Iterable<Session> {
  readonly #bySocket = new Map<WebSocket, Session>();
  readonly #closed = new WeakSet<WebSocket>();
  readonly #changed = new Set<Session>();
  readonly #store: PresenceStore;

  /** @param sockets those that outlived the object */
  constructor(sockets: readonly WebSocket[], store: PresenceStore) {
    this.#store = store;
    for (const socket of sockets) {
      const session = Session.restore(socket, store);
      if (session === null) socket.close(1012, "the room was updated");
      else this.#bySocket.set(socket, session);
    }
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#bySocket.values();
  }

  get size(): number {
    return this.#bySocket.size;
  }

  of(socket: WebSocket): Session | undefined {
    return this.#bySocket.get(socket);
  }

  add(socket: WebSocket, session: Session): void {
    this.#bySocket.set(socket, session);
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

  /** Saves the sessions that changed. */
  save(): void {
    for (const session of this.#changed) session.save(this.#store);
    this.#changed.clear();
  }
}
