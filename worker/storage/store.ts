import { crc32 } from "node:zlib";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { RoomfulError } from "../../shared/errors.ts";
import { ROW_BYTES } from "../../shared/limits.ts";
import type { StorageFigures } from "../../shared/rpc.ts";
import type { DeadlineChanges } from "./deadlines.ts";
import {
  bytesOf,
  concatenate,
  type DeadlineRow,
  type LogRow,
  logChecksumOf,
  rowChecksumOf,
  type SnapshotRow,
  type StoredSnapshot,
  split,
} from "./rows.ts";
import { CHUNKS_PER_GENERATION, migrate, readSchemaVersion, SCHEMA_VERSION } from "./schema.ts";

/** What was read, and what could not be. */
export interface Stored {
  readonly snapshot: StoredSnapshot | null;
  /** The updates after the snapshot, oldest first. */
  readonly updates: readonly Uint8Array[];
  /** Every damaged place that was met, also where another generation made up for it. Empty when all is well. */
  readonly damage: readonly string[];
  /** Whether everything that was ever acknowledged is there. */
  readonly whole: boolean;
}

interface Snapshot {
  readonly generation: number;
  readonly logId: number;
  readonly bytes: number;
}

/** The place before the first log row, as if it were a snapshot of the empty document. */
const NOTHING: Snapshot = { generation: 0, logId: 0, bytes: 0 };

interface Opened {
  /** The snapshot that the document was last read from or written to: the one to fall back to. */
  base: Snapshot;
  version: number;
  lastLogId: number;
  logRows: number;
  logBytes: number;
  logBytesSinceSnapshot: number;
}

/** The parts of a Durable Object's storage that the store uses. */
export type StoreBackend = Pick<DurableObjectStorage, "transactionSync"> & { readonly sql: SqlStorage };

/**
 * The room's bytes in SQLite: a log of updates and snapshots in generations. Knows nothing of Yjs.
 *
 * The newest snapshot and the log rows after it are the document; the snapshot before it and the log rows between the
 * two are the same document once more, so that one damaged snapshot costs nothing.
 */
export class Store {
  readonly #storage: StoreBackend;
  #opened: Opened | undefined;
  /** Whether the last reading found everything. What was read in part must never be written over the rest. */
  #whole = true;
  #rowsWritten = 0;
  #bytesWritten = 0;
  #snapshotsWritten = 0;

  constructor(storage: StoreBackend) {
    this.#storage = storage;
  }

  /** Reads the document. Writes nothing. @throws RoomfulError `room-too-new`, `storage-failed` */
  read(): Stored {
    this.#refuseIfTooNew();
    const opened = this.#open();
    if (opened.version === 0) return { snapshot: null, updates: [], damage: [], whole: true };
    return reading(() => this.#read(opened));
  }

  #read(opened: Opened): Stored {
    const damage: string[] = [];
    let base = NOTHING;
    let snapshot: StoredSnapshot | null = null;
    /** Where the log must reach at least, by the word of rows that are sound themselves. */
    let logMustReach = 0;
    for (const row of this.#snapshotRows(opened.version)) {
      const chunks = this.#readChunks(row);
      if (chunks !== null) {
        snapshot = { state: concatenate(chunks), stateVector: row.state_vector && new Uint8Array(row.state_vector) };
        base = { generation: row.generation, logId: row.log_id, bytes: row.bytes };
        break;
      }
      damage.push(`snapshot ${row.generation}`);
      if (row.row_checksum === rowChecksumOf(row)) logMustReach = Math.max(logMustReach, row.log_id);
    }
    const log = this.#readLog(base.logId);
    damage.push(...log.damage);
    opened.base = base;
    opened.lastLogId = Math.max(this.#lastLogRow(), base.logId);
    opened.logBytesSinceSnapshot = this.#sumOfLog(base.logId);
    const cut = opened.lastLogId < logMustReach;
    if (cut) damage.push(`log ${opened.lastLogId + 1} to ${logMustReach}`);
    // Chunks without a snapshot row and without a log: it was not empty, whatever it was.
    const lost = base === NOTHING && log.updates.length === 0 && this.#nextGeneration() > 1;
    if (lost) damage.push("every snapshot");
    this.#whole = log.damage.length === 0 && !cut && !lost;
    return { snapshot, updates: log.updates, damage, whole: this.#whole };
  }

  /**
   * Appends updates as one record, in one transaction.
   * @throws RoomfulError `room-damaged`, `room-too-new`, `storage-failed`; nothing was written then
   */
  append(updates: readonly Uint8Array[]): void {
    this.#refuseIfDamaged();
    const record = encoding.encode((encoder) => {
      for (const update of updates) encoding.writeVarUint8Array(encoder, update);
    });
    const opened = this.#open();
    const rows = split(record);
    const append = () => {
      for (const [part, data] of rows.entries()) {
        this.#run(
          "INSERT INTO log (id, part, parts, checksum, data) VALUES (?, ?, ?, ?, ?)",
          opened.lastLogId + 1 + part,
          part,
          rows.length,
          logChecksumOf(opened.lastLogId + 1 + part, part, rows.length, data),
          bytesOf(data),
        );
      }
    };
    // A statement is a transaction by itself; an explicit one around it costs as much as it does.
    if (rows.length === 1 && opened.version === SCHEMA_VERSION) this.#orFail(append);
    else this.#write(opened, append);
    opened.lastLogId += rows.length;
    opened.logRows += rows.length;
    opened.logBytes += record.length;
    opened.logBytesSinceSnapshot += record.length;
    this.#bytesWritten += record.length;
  }

  /**
   * Writes the whole state under a new generation, reads it back, and publishes it: all in one transaction, so that
   * there is never half a snapshot. The snapshot that the document was read from stays, and the log between the two.
   *
   * @param snapshot what everything that was ever appended amounts to
   * @throws RoomfulError `room-damaged`, `room-too-new`, `storage-failed`; nothing was written then
   */
  writeSnapshot({ state, stateVector }: StoredSnapshot): void {
    this.#refuseIfDamaged();
    const opened = this.#open();
    const { base } = opened;
    const chunks = split(state);
    if (chunks.length > CHUNKS_PER_GENERATION) throw new RoomfulError("storage-failed", "too many chunks");
    let next = NOTHING;
    let logBytes = 0;
    this.#write(opened, () => {
      next = { generation: this.#nextGeneration(), logId: opened.lastLogId, bytes: state.length };
      const row: SnapshotRow = {
        generation: next.generation,
        log_id: next.logId,
        bytes: next.bytes,
        checksum: crc32(state),
        row_checksum: 0,
        state_vector: stateVector === null || stateVector.length > ROW_BYTES ? null : bytesOf(stateVector),
      };
      row.row_checksum = rowChecksumOf(row);
      const firstChunk = row.generation * CHUNKS_PER_GENERATION;
      for (const [place, data] of chunks.entries()) {
        this.#run("INSERT INTO chunk (id, data) VALUES (?, ?)", firstChunk + place, bytesOf(data));
      }
      if (this.#readChunks(row) === null) throw new Error("a snapshot reads back differently");
      this.#run(
        "INSERT INTO snapshot (generation, log_id, bytes, checksum, row_checksum, state_vector) VALUES (?, ?, ?, ?, ?, ?)",
        row.generation,
        row.log_id,
        row.bytes,
        row.checksum,
        row.row_checksum,
        row.state_vector,
      );
      // Everything but the new generation and its fallback goes.
      const keptChunks = base.generation * CHUNKS_PER_GENERATION;
      this.#run("DELETE FROM snapshot WHERE generation NOT IN (?, ?)", base.generation, row.generation);
      this.#run("DELETE FROM chunk WHERE id < ?", keptChunks);
      this.#run("DELETE FROM chunk WHERE id >= ? AND id < ?", keptChunks + CHUNKS_PER_GENERATION, firstChunk);
      this.#run("DELETE FROM log WHERE id <= ?", base.logId);
      logBytes = this.#sumOfLog(0);
    });
    opened.base = next;
    opened.logRows = next.logId - base.logId;
    opened.logBytes = logBytes;
    opened.logBytesSinceSnapshot = 0;
    this.#bytesWritten += state.length;
    this.#snapshotsWritten++;
  }

  /** Keeps a presence state that is too large for an attachment. */
  savePresence(rowId: number, state: Uint8Array): void {
    this.#write(this.#open(), () => {
      this.#run("INSERT OR REPLACE INTO presence (id, state) VALUES (?, ?)", rowId, bytesOf(state));
    });
  }

  /** A presence state that {@link savePresence} kept, or `null`. */
  readPresence(rowId: number): Uint8Array | null {
    if (!this.#hasTables(1)) return null;
    const sql = "SELECT state FROM presence WHERE id = ?";
    const [row] = reading(() => this.#storage.sql.exec<{ state: ArrayBuffer }>(sql, rowId).toArray());
    return row === undefined ? null : new Uint8Array(row.state);
  }

  deletePresence(rowId: number): void {
    // The room may have been deleted meanwhile.
    if (!this.#hasTables(1)) return;
    this.#write(this.#open(), () => this.#run("DELETE FROM presence WHERE id = ?", rowId));
  }

  /** Deletes what sockets left behind that are gone without a trace, as after a crash. */
  deleteAllPresence(): void {
    if (!this.#hasTables(1)) return;
    const [row] = reading(() => this.#storage.sql.exec("SELECT 1 FROM presence LIMIT 1").toArray());
    if (row !== undefined) this.#write(this.#open(), () => this.#run("DELETE FROM presence"));
  }

  /**
   * What moderators decided, as {@link writeRules} was given it; `null` when they never did.
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  readRules(): string | null {
    this.#refuseIfTooNew();
    if (!this.#hasTables(2)) return null;
    const [row] = reading(() => this.#storage.sql.exec<{ json: string }>("SELECT json FROM rules").toArray());
    return row?.json ?? null;
  }

  /** @throws RoomfulError `room-too-new`, `storage-failed`; nothing was written then */
  writeRules(json: string): void {
    this.#write(this.#open(), () => this.#run("INSERT OR REPLACE INTO rules (id, json) VALUES (1, ?)", json));
  }

  /** Everything that {@link writeDeadlines} set. @throws RoomfulError `storage-failed` */
  readDeadlines(): DeadlineRow[] {
    if (!this.#hasTables(3)) return [];
    return reading(() =>
      this.#storage.sql.exec<DeadlineRow>("SELECT id, at, kind, json FROM deadline ORDER BY id").toArray(),
    );
  }

  /** In one transaction. @throws RoomfulError `room-too-new`, `storage-failed`; nothing was written then */
  writeDeadlines({ set = [], remove = [] }: DeadlineChanges): void {
    this.#write(this.#open(), () => {
      for (const id of remove) this.#run("DELETE FROM deadline WHERE id = ?", id);
      for (const { id, at, kind, json } of set) {
        this.#run("INSERT OR REPLACE INTO deadline (id, at, kind, json) VALUES (?, ?, ?, ?)", id, at, kind, json);
      }
    });
  }

  /** Whether anything is stored. */
  get isEmpty(): boolean {
    return this.#open().version === 0;
  }

  /** To be called once everything was deleted behind its back. */
  forget(): void {
    this.#opened = undefined;
    this.#whole = true;
  }

  /** Reads no content. */
  figures(): StorageFigures {
    const opened = this.#open();
    return {
      schemaVersion: opened.version,
      logRows: opened.logRows,
      logBytes: opened.logBytes,
      logBytesSinceSnapshot: opened.logBytesSinceSnapshot,
      snapshotGeneration: opened.base.generation,
      snapshotBytes: opened.base.bytes,
      rowsWritten: this.#rowsWritten,
      bytesWritten: this.#bytesWritten,
      snapshotsWritten: this.#snapshotsWritten,
    };
  }

  /** Whether the tables of a schema version are there, as this code knows them. */
  #hasTables(version: number): boolean {
    const stored = this.#open().version;
    return stored >= version && stored <= SCHEMA_VERSION;
  }

  #open(): Opened {
    this.#opened ??= reading(() => this.#readFigures());
    return this.#opened;
  }

  #readFigures(): Opened {
    const version = readSchemaVersion(this.#storage.sql);
    const opened: Opened = {
      base: NOTHING,
      version,
      lastLogId: 0,
      logRows: 0,
      logBytes: 0,
      logBytesSinceSnapshot: 0,
    };
    if (version > 0 && version <= SCHEMA_VERSION) {
      const newest = this.#snapshotRows(version)[0];
      if (newest !== undefined) {
        opened.base = { generation: newest.generation, logId: newest.log_id, bytes: newest.bytes };
      }
      const log = this.#storage.sql
        .exec<{ row_count: number; bytes: number | null }>(
          "SELECT count(*) AS row_count, sum(length(data)) AS bytes FROM log",
        )
        .one();
      opened.lastLogId = Math.max(this.#lastLogRow(), opened.base.logId);
      opened.logRows = log.row_count;
      opened.logBytes = log.bytes ?? 0;
      opened.logBytesSinceSnapshot = this.#sumOfLog(opened.base.logId);
    }
    return opened;
  }

  #snapshotRows(version: number): SnapshotRow[] {
    const stateVector = version < 4 ? "NULL AS state_vector" : "state_vector";
    return this.#storage.sql
      .exec<SnapshotRow>(
        `SELECT generation, log_id, bytes, checksum, row_checksum, ${stateVector} FROM snapshot ORDER BY generation DESC`,
      )
      .toArray();
  }

  /** The state of a snapshot in pieces, or `null` when any part of it is damaged. */
  #readChunks(row: SnapshotRow): Uint8Array[] | null {
    const first = row.generation * CHUNKS_PER_GENERATION;
    const chunks = this.#storage.sql
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

  #readLog(after: number): { updates: Uint8Array[]; damage: string[] } {
    const updates: Uint8Array[] = [];
    const damage: string[] = [];
    let parts: Uint8Array[] = [];
    let expected = after + 1;
    const dropRecord = () => {
      if (parts.length > 0) damage.push(`log record before ${expected}`);
      parts = [];
    };
    const rows = this.#storage.sql.exec<LogRow>(
      "SELECT id, part, parts, checksum, data FROM log WHERE id > ? ORDER BY id",
      after,
    );
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
        for (const update of readRecord(concatenate(parts))) updates.push(update);
      } catch {
        damage.push(`log record that ends at ${row.id}`);
      }
      parts = [];
    }
    dropRecord();
    return { updates, damage };
  }

  #lastLogRow(): number {
    return this.#storage.sql.exec<{ last: number | null }>("SELECT max(id) AS last FROM log").one().last ?? 0;
  }

  #sumOfLog(after: number): number {
    const sql = "SELECT sum(length(data)) AS bytes FROM log WHERE id > ?";
    return this.#storage.sql.exec<{ bytes: number | null }>(sql, after).one().bytes ?? 0;
  }

  /** One above every generation of which anything is left, published or damaged. */
  #nextGeneration(): number {
    const { chunk, snapshot } = this.#storage.sql
      .exec<{ chunk: number | null; snapshot: number | null }>(
        "SELECT (SELECT max(id) FROM chunk) AS chunk, (SELECT max(generation) FROM snapshot) AS snapshot",
      )
      .one();
    return Math.max(Math.floor((chunk ?? 0) / CHUNKS_PER_GENERATION), snapshot ?? 0) + 1;
  }

  /** Refuses to write the document until it is read again: what was read turned out not to be a document. */
  markDamaged(): void {
    this.#whole = false;
  }

  #refuseIfTooNew(): void {
    const { version } = this.#open();
    if (version > SCHEMA_VERSION) throw new RoomfulError("room-too-new", `schema version ${version}`);
  }

  #refuseIfDamaged(): void {
    if (!this.#whole) throw new RoomfulError("room-damaged");
  }

  /** Runs writes in one transaction, migrating first. */
  #write(opened: Opened, writes: () => void): void {
    this.#orFail(() =>
      this.#storage.transactionSync(() => {
        this.#rowsWritten += migrate(this.#storage.sql, opened.version);
        writes();
      }),
    );
    opened.version = SCHEMA_VERSION;
  }

  /** @throws RoomfulError what it is thrown, or `storage-failed`; nothing counts as written then */
  #orFail(writes: () => void): void {
    const rowsWritten = this.#rowsWritten;
    try {
      writes();
    } catch (cause) {
      this.#rowsWritten = rowsWritten;
      if (cause instanceof RoomfulError) throw cause;
      throw new RoomfulError("storage-failed", undefined, { cause });
    }
  }

  #run(sql: string, ...bindings: SqlStorageValue[]): void {
    const cursor = this.#storage.sql.exec(sql, ...bindings);
    cursor.toArray();
    this.#rowsWritten += cursor.rowsWritten;
  }
}

/** @throws RoomfulError `storage-failed` when the storage can't be read */
function reading<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new RoomfulError("storage-failed", "it can't be read", { cause });
  }
}

/** The updates of one record. @throws when it is none */
function readRecord(record: Uint8Array): Uint8Array[] {
  const decoder = decoding.createDecoder(record);
  const updates: Uint8Array[] = [];
  while (decoding.hasContent(decoder)) updates.push(decoding.readVarUint8Array(decoder));
  return updates;
}
