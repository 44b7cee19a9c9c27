/** Reads the tables `snapshot` and `chunk`: a snapshot's state lies in chunks, and its row says that all are there. */
import { crc32 } from "node:zlib";
import { ROW_BYTES } from "../../shared/limits.ts";
import { bytesOf, rowChecksumOf, type SnapshotRow } from "./rows.ts";
import { CHUNKS_PER_GENERATION } from "./schema.ts";
import type { StoredSnapshot } from "./stored-document.ts";

/** Makes the row of a snapshot. @param logId the last log row that the snapshot contains */
export function snapshotRowOf(generation: number, logId: number, snapshot: StoredSnapshot): SnapshotRow {
  const { state, stateVector } = snapshot;
  const row: SnapshotRow = {
    generation,
    log_id: logId,
    bytes: state.length,
    checksum: crc32(state),
    row_checksum: 0,
    state_vector: stateVector === null || stateVector.length > ROW_BYTES ? null : bytesOf(stateVector),
  };
  row.row_checksum = rowChecksumOf(row);
  return row;
}

/** The rows of all snapshots, the newest first. @param version of the schema that the storage has */
export function readSnapshotRows(sql: SqlStorage, version: number): SnapshotRow[] {
  const stateVector = version < 4 ? "NULL AS state_vector" : "state_vector";
  return sql
    .exec<SnapshotRow>(
      `SELECT generation, log_id, bytes, checksum, row_checksum, ${stateVector} FROM snapshot ORDER BY generation DESC`,
    )
    .toArray();
}

/** Reads the state of a snapshot in pieces; `null` when any part of it is damaged. */
export function readChunks(sql: SqlStorage, row: SnapshotRow): Uint8Array[] | null {
  const first = row.generation * CHUNKS_PER_GENERATION;
  const chunks = sql
    .exec<{ data: ArrayBuffer }>(
      "SELECT data FROM chunk WHERE id >= ? AND id < ? ORDER BY id",
      first,
      first + CHUNKS_PER_GENERATION,
    )
    .toArray()
    .map(({ data }) => new Uint8Array(data));
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const checksum = chunks.reduce((sum, chunk) => crc32(chunk, sum), 0);
  const isSound = bytes === row.bytes && checksum === row.checksum && rowChecksumOf(row) === row.row_checksum;
  return isSound ? chunks : null;
}

/** The generation after every one that left a row or a chunk, published or damaged. */
export function nextGeneration(sql: SqlStorage): number {
  const { chunk, snapshot } = sql
    .exec<{ chunk: number | null; snapshot: number | null }>(
      "SELECT (SELECT max(id) FROM chunk) AS chunk, (SELECT max(generation) FROM snapshot) AS snapshot",
    )
    .one();
  return Math.max(Math.floor((chunk ?? 0) / CHUNKS_PER_GENERATION), snapshot ?? 0) + 1;
}
