/** Reads the table `log`, where each commit is a record of the updates that it made durable. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { concatenate, type LogRow, logChecksumOf } from "./rows.ts";

/** Encodes the updates of one commit. */
export function encodeRecord(updates: readonly Uint8Array[]): Uint8Array {
  return encoding.encode((encoder) => {
    for (const update of updates) encoding.writeVarUint8Array(encoder, update);
  });
}

/** @throws when the bytes are no record */
function decodeRecord(record: Uint8Array): Uint8Array[] {
  const decoder = decoding.createDecoder(record);
  const updates: Uint8Array[] = [];
  while (decoding.hasContent(decoder)) updates.push(decoding.readVarUint8Array(decoder));
  return updates;
}

/** Reads the updates of all sound records after a row, and names the damaged places between them. */
export function readLog(sql: SqlStorage, after: number): { updates: Uint8Array[]; damage: string[] } {
  const updates: Uint8Array[] = [];
  const damage: string[] = [];
  let parts: Uint8Array[] = [];
  let expected = after + 1;
  const dropRecord = () => {
    if (parts.length > 0) damage.push(`log record before ${expected}`);
    parts = [];
  };
  const rows = sql.exec<LogRow>("SELECT id, part, parts, checksum, data FROM log WHERE id > ? ORDER BY id", after);
  for (const row of rows) {
    if (row.id !== expected) {
      damage.push(`log ${expected} to ${row.id - 1}`);
      dropRecord();
    }
    expected = row.id + 1;
    const data = new Uint8Array(row.data);
    if (logChecksumOf(row.id, row.part, row.parts, data) !== row.checksum) {
      damage.push(`log ${row.id}`);
      dropRecord();
      continue;
    }
    if (row.part === 0) dropRecord();
    if (row.part !== parts.length) continue; // the rest of a record whose beginning is damaged
    parts.push(data);
    if (parts.length < row.parts) continue;
    try {
      for (const update of decodeRecord(concatenate(parts))) updates.push(update);
    } catch {
      damage.push(`log record that ends at ${row.id}`);
    }
    parts = [];
  }
  dropRecord();
  return { updates, damage };
}

/** The id of the last row; 0 when there is none. */
export function lastLogRow(sql: SqlStorage): number {
  return sql.exec<{ last: number }>("SELECT coalesce(max(id), 0) AS last FROM log").one().last;
}

/** Counts the rows after a row, and their bytes. */
export function logTotalsAfter(sql: SqlStorage, after: number): { rows: number; bytes: number } {
  const query = "SELECT count(*) AS rows, coalesce(sum(length(data)), 0) AS bytes FROM log WHERE id > ?";
  return sql.exec<{ rows: number; bytes: number }>(query, after).one();
}
