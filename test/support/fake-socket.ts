import type { RoomSocket } from "../../client/connection/connector.ts";

type Handlers = Pick<RoomSocket, "onopen" | "onmessage" | "onerror" | "onclose">;

/** A socket that does what the test says, also what a socket does late: after it was closed and its handlers removed. */
export class FakeSocket implements RoomSocket {
  binaryType: BinaryType = "blob";
  readyState = 0;
  /** What the network has not taken yet. */
  bufferedAmount = 0;
  /** Whether the network takes nothing but what the test takes from `bufferedAmount`. */
  isSlow = false;
  readonly sent: unknown[] = [];
  /** With which it was closed from here. */
  closeCode: number | null = null;
  /** The last handlers that were set and were not `null`. */
  readonly #handlers: Handlers = { onopen: null, onmessage: null, onerror: null, onclose: null };

  set onopen(handler: Handlers["onopen"]) {
    this.#handlers.onopen = handler ?? this.#handlers.onopen;
  }
  set onmessage(handler: Handlers["onmessage"]) {
    this.#handlers.onmessage = handler ?? this.#handlers.onmessage;
  }
  set onerror(handler: Handlers["onerror"]) {
    this.#handlers.onerror = handler ?? this.#handlers.onerror;
  }
  set onclose(handler: Handlers["onclose"]) {
    this.#handlers.onclose = handler ?? this.#handlers.onclose;
  }

  get isLive(): boolean {
    return this.readyState < 2;
  }

  send(data: unknown): void {
    this.sent.push(data);
    const isCounted = this.isSlow && (typeof data === "string" || data instanceof Uint8Array);
    if (isCounted) this.bufferedAmount += data.length;
  }

  close(code?: number): void {
    this.closeCode ??= code ?? null;
    this.readyState = Math.max(this.readyState, 2);
  }

  opens(): void {
    if (this.readyState === 0) this.readyState = 1;
    this.#call("onopen", new Event("open"));
  }

  receives(data: unknown): void {
    this.#call("onmessage", new MessageEvent("message", { data }));
  }

  errs(): void {
    this.#call("onerror", new Event("error"));
  }

  closes(code: number, reason = ""): void {
    this.readyState = 3;
    this.#call("onclose", Object.assign(new Event("close"), { code, reason, wasClean: true }) as CloseEvent);
  }

  #call<Name extends keyof Handlers>(name: Name, event: Parameters<NonNullable<Handlers[Name]>>[0]): void {
    const handler = this.#handlers[name] as ((event: unknown) => void) | null;
    handler?.call(this, event);
  }
}
