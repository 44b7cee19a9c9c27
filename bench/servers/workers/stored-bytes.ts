import { DurableObject } from "cloudflare:workers";
import { accept } from "./relay.ts";
import { concatenate, readVarUint, STEP_1, SYNC, step2Header } from "./wire.ts";

const ROW_BYTES = 1_900_000;

/** The floor of a join: answers step 1 with the bytes of the last update, as they were sent, from memory or from rows. */
export class StoredBytes extends DurableObject {
  #answer: Uint8Array<ArrayBuffer> | null = null;

  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, bytes BLOB)");
  }

  override fetch(): Response {
    return accept(this.ctx);
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    if (typeof message === "string") return;
    const frame = new Uint8Array(message);
    if (frame[0] !== SYNC) return;
    if (frame[1] === STEP_1) {
      this.#answer ??= this.#read();
      socket.send(this.#answer);
      return;
    }
    const [length, at] = readVarUint(frame, 2);
    if (length > 100) this.#keep(frame.slice(at, at + length));
  }

  #keep(update: Uint8Array): void {
    this.ctx.storage.transactionSync(() => {
      const { sql } = this.ctx.storage;
      sql.exec("DELETE FROM chunk");
      for (let at = 0; at < update.length; at += ROW_BYTES) {
        sql.exec("INSERT INTO chunk (bytes) VALUES (?)", update.slice(at, at + ROW_BYTES));
      }
    });
    this.#answer = null;
  }

  #read(): Uint8Array<ArrayBuffer> {
    const rows = this.ctx.storage.sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM chunk ORDER BY id").toArray();
    const chunks = rows.map(({ bytes }) => new Uint8Array(bytes));
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return concatenate([step2Header(length), ...chunks]);
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close(1000);
  }
}

export { default } from "./relay.ts";
