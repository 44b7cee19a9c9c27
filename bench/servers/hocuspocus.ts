import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunningServer, StartOptions } from "./server.ts";

/**
 * Hocuspocus as its documentation shows it, saving to a SQLite file at the library's own pace: the statements are those
 * of its SQLite extension. That extension's native module aborts the process on Node 24, so SQLite is Node's own.
 */
export async function startHocuspocus({ dataDirectory }: StartOptions): Promise<RunningServer> {
  const { Server } = await import("@hocuspocus/server");
  const { Database } = await import("@hocuspocus/extension-database");
  const sqlite = new DatabaseSync(join(dataDirectory, "documents.sqlite"));
  sqlite.exec(
    'CREATE TABLE IF NOT EXISTS "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))',
  );
  const select = 'SELECT data FROM "documents" WHERE name = $name ORDER BY rowid DESC';
  const upsert =
    'INSERT INTO "documents" ("name", "data") VALUES ($name, $data) ON CONFLICT(name) DO UPDATE SET data = $data';
  const database = new Database({
    fetch: async ({ documentName }) => {
      const row = sqlite.prepare(select).get({ name: documentName });
      return (row?.data as Uint8Array | undefined) ?? null;
    },
    store: async ({ documentName, state }) => {
      sqlite.prepare(upsert).run({ name: documentName, data: state });
    },
  });
  const server = new Server({
    address: "127.0.0.1",
    port: 0,
    quiet: true,
    stopOnSignals: false,
    extensions: [database],
  });
  await server.listen();
  return {
    url: `ws://127.0.0.1:${server.address.port}`,
    stop: async () => {
      await server.destroy();
      sqlite.close();
    },
  };
}
