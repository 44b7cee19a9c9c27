import * as Y from "yjs";
import type { Statement, Value } from "../support/statement.ts";
import type { TorturedRoom } from "../support/tortured-server.ts";

const TABLES = ["schema", "log", "chunk", "snapshot", "presence", "rules", "deadline"] as const;

/** What a room has stored, to be put into other rooms and damaged there. */
export interface Image {
  readonly statements: readonly Statement[];
  /** The ids of the log's rows. */
  readonly log: readonly number[];
  /** The log's last row in the newest snapshot. */
  readonly snapshotLogId: number;
  /** The rows of the last record. */
  readonly lastRecord: readonly number[];
  readonly generations: readonly [previous: number, newest: number];
  readonly chunks: readonly { readonly id: number; readonly generation: number }[];
  /** The whole document. */
  readonly state: Uint8Array;
  /** The document after the log's row with this id, where a record ends there. */
  readonly stateAt: ReadonlyMap<number, Uint8Array>;
}

/** Makes a room with two snapshots, log between them and log after them. @param large whether records span rows */
export async function makeImage(room: TorturedRoom, large: boolean): Promise<Image> {
  const doc = new Y.Doc();
  doc.clientID = 9;
  const stateAt = new Map<number, Uint8Array>();
  const lastLogId = async () => (await numbers(room, "SELECT max(id) FROM log"))[0] ?? 0;
  let last = 0;
  let lastRecord: readonly number[] = [];
  const edit = async (change: (text: Y.Text) => void) => {
    const before = last;
    const known = Y.encodeStateVector(doc);
    doc.transact(() => change(doc.getText("text")));
    await room.applyUpdate(Y.encodeStateAsUpdate(doc, known));
    last = await lastLogId();
    stateAt.set(last, Y.encodeStateAsUpdate(doc));
    lastRecord = await numbers(room, `SELECT id FROM log WHERE id > ${before} ORDER BY id`);
  };
  const insert = (words: string) => edit((text) => text.insert(text.length >> 1, words));
  await insert("The first words. ");
  await insert("The second words. ");
  await room.flush();
  await insert("Between the snapshots. ");
  if (large) await insert("x".repeat(2_000_000));
  await edit((text) => text.delete(3, 4));
  await insert("Just before the second snapshot. ");
  await room.flush();
  const snapshotLogId = last;
  await insert("After both. ");
  await edit((text) => text.delete(0, 5));
  await insert(large ? "y".repeat(2_000_000) : "The last words.");

  const statements: Statement[] = [];
  const made = await rows(room, `SELECT sql FROM sqlite_master WHERE name IN ('${TABLES.join("', '")}')`);
  for (const [sql] of made) if (typeof sql === "string") statements.push([sql]);
  for (const table of TABLES) {
    for (const row of await rows(room, `SELECT * FROM ${table}`)) {
      statements.push([`INSERT INTO ${table} VALUES (${row.map(() => "?").join(", ")})`, ...row]);
    }
  }
  const [previous, newest] = await numbers(room, "SELECT generation FROM snapshot ORDER BY generation");
  if (previous === undefined || newest === undefined) throw new Error("two snapshots");
  const chunks = await numbers(room, "SELECT id FROM chunk ORDER BY id");
  return {
    statements,
    log: await numbers(room, "SELECT id FROM log ORDER BY id"),
    snapshotLogId,
    lastRecord,
    generations: [previous, newest],
    chunks: chunks.map((id) => ({ id, generation: Math.floor(id / 4096) })),
    state: Y.encodeStateAsUpdate(doc),
    stateAt,
  };
}

/** Everything that a room has stored, as text that can be compared. */
export async function dump(room: TorturedRoom): Promise<string> {
  const tables = await room.sql(TABLES.map((table) => [`SELECT * FROM ${table} ORDER BY 1`]));
  return JSON.stringify(tables, (_key, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );
}

async function rows(room: TorturedRoom, sql: string): Promise<Value[][]> {
  const [found = []] = await room.sql([[sql]]);
  return found;
}

async function numbers(room: TorturedRoom, sql: string): Promise<number[]> {
  return (await rows(room, sql)).map(([value]) => (typeof value === "number" ? value : 0));
}
