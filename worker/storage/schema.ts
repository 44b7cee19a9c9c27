import { RoomfulError } from "../../shared/errors.ts";

/**
 * The schema as a list of forward steps: step N leads from version N to N + 1. A released step is never changed, or rooms
 * of one version would have different tables. Keys are integers and there is no second index, since Cloudflare bills each
 * indexed row twice.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE schema (version INTEGER NOT NULL);
  INSERT INTO schema (version) VALUES (0);

  -- What Yjs emitted, a record per commit. A record above the row limit spans rows.
  CREATE TABLE log (
    id INTEGER PRIMARY KEY,    -- without gaps
    part INTEGER NOT NULL,     -- place of the row in its record, from 0
    parts INTEGER NOT NULL,    -- rows of its record
    checksum INTEGER NOT NULL, -- CRC-32 of the other columns
    data BLOB NOT NULL
  );

  -- The whole state, in chunks.
  CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,    -- generation * 4096 + place of the chunk, from 0
    data BLOB NOT NULL
  );

  -- A snapshot is there once its row is.
  CREATE TABLE snapshot (
    generation INTEGER PRIMARY KEY,
    log_id INTEGER NOT NULL,   -- the last log row that it contains
    bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL, -- CRC-32 of its chunks
    row_checksum INTEGER NOT NULL -- CRC-32 of the other columns
  );

  -- Presence states too large for a socket's attachment.
  CREATE TABLE presence (
    id INTEGER PRIMARY KEY,    -- chosen by chance for each socket
    state BLOB NOT NULL
  );
  `,
  `
  -- What moderators decided, see worker/access/rules.ts.
  CREATE TABLE rules (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    json TEXT NOT NULL
  );
  `,
  `
  -- What waits for a moment, see worker/storage/deadlines.ts.
  CREATE TABLE deadline (
    id INTEGER PRIMARY KEY,
    at INTEGER,                -- milliseconds since 1970; NULL while it does not run
    kind TEXT NOT NULL,
    json TEXT NOT NULL
  );
  `,
  `
  -- Of the snapshot; NULL in those that were written before. Covered by row_checksum.
  ALTER TABLE snapshot ADD COLUMN state_vector BLOB;
  `,
];

/** The schema version that this code writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Most chunks of one snapshot. */
export const CHUNKS_PER_GENERATION = 4096;

/** Reads the storage's schema version; 0 when the storage is empty. */
export function readSchemaVersion(sql: SqlStorage): number {
  const tables = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema'").toArray();
  if (tables.length === 0) return 0;
  return sql.exec<{ version: number }>("SELECT version FROM schema").one().version;
}

/**
 * Brings the storage to {@link SCHEMA_VERSION}. The caller opens the transaction.
 * @returns rows written
 * @throws RoomfulError `room-too-new` when a newer version wrote it; nothing is changed then
 */
export function migrate(sql: SqlStorage, version: number): number {
  if (version > SCHEMA_VERSION) throw new RoomfulError("room-too-new", `schema version ${version}`);
  if (version === SCHEMA_VERSION) return 0;
  let rows = 0;
  for (const step of MIGRATIONS.slice(version)) {
    const cursor = sql.exec(step);
    cursor.toArray();
    rows += cursor.rowsWritten;
  }
  const cursor = sql.exec("UPDATE schema SET version = ?", SCHEMA_VERSION);
  cursor.toArray();
  return rows + cursor.rowsWritten;
}
