import { DurableObject } from "cloudflare:workers";
import { accept } from "./relay.ts";

const COMMIT_MS = 250;

/** A relay that keeps what it forwards: one row for all frames of 250 ms. */
export class CommittingRelay extends DurableObject {
  #pending: Uint8Array[] = [];

  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, frames BLOB)");
  }

  override fetch(): Response {
    return accept(this.ctx);
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    for (const other of this.ctx.getWebSockets()) if (other !== socket) other.send(message);
    if (typeof message === "string") return;
    if (this.#pending.length === 0) setTimeout(() => this.#commit(), COMMIT_MS);
    this.#pending.push(new Uint8Array(message));
  }

  #commit(): void {
    const frames = new Uint8Array(this.#pending.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const frame of this.#pending) {
      frames.set(frame, at);
      at += frame.length;
    }
    this.#pending = [];
    this.ctx.storage.sql.exec("INSERT INTO log (frames) VALUES (?)", frames);
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close(1000);
  }
}

export { default } from "./relay.ts";
