import { routePartykitRequest } from "partyserver";
import { YServer } from "y-partyserver";
import * as Y from "yjs";

const ROW_BYTES = 1_900_000;

/** As its documentation shows it: hibernation on, the whole state saved by `onSave` at the library's own pace. */
export class YRoom extends YServer {
  static override options = { hibernate: true };
  #rows = 0;
  #bytes = 0;

  override async onLoad(): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, bytes BLOB)");
    const chunks = sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM chunk ORDER BY id").toArray();
    if (chunks.length === 0) return;
    const whole = new Uint8Array(chunks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
    let at = 0;
    for (const { bytes } of chunks) {
      whole.set(new Uint8Array(bytes), at);
      at += bytes.byteLength;
    }
    Y.applyUpdate(this.document, whole);
  }

  override async onSave(): Promise<void> {
    const update = Y.encodeStateAsUpdate(this.document);
    this.ctx.storage.transactionSync(() => {
      const { sql } = this.ctx.storage;
      const needed = Math.ceil(update.length / ROW_BYTES);
      for (let index = 0; index < needed; index++) {
        const chunk = update.slice(index * ROW_BYTES, (index + 1) * ROW_BYTES);
        this.#rows += sql.exec("INSERT OR REPLACE INTO chunk (id, bytes) VALUES (?, ?)", index, chunk).rowsWritten;
      }
      this.#rows += sql.exec("DELETE FROM chunk WHERE id >= ?", needed).rowsWritten;
    });
    this.#bytes += update.length;
  }

  statistics(): object {
    return { storage: { rowsWritten: this.#rows, bytesWritten: this.#bytes } };
  }
}

export default {
  fetch: async (request: Request, env: { Y: DurableObjectNamespace<YRoom> }) => {
    const [, room] = /^\/api\/rooms\/(.*)\/statistics$/.exec(new URL(request.url).pathname) ?? [];
    if (room !== undefined) return Response.json(await env.Y.getByName(room).statistics());
    return (await routePartykitRequest(request, env)) ?? new Response(null, { status: 404 });
  },
};
