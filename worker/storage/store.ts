import { RoomfulError } from "../../shared/errors.ts";
import type { StorageFigures } from "../../shared/rpc.ts";
import type { DeadlineChanges } from "./deadlines.ts";
import { encodeRecord, lastLogRow, logTotalsAfter, readLog } from "./log.ts";
import {
  bytesOf,
  concatenate,
  type DeadlineRow,
  logChecksumOf,
  rowChecksumOf,
  type SnapshotRow,
  split,
} from "./rows.ts";
import { CHUNKS_PER_GENERATION, migrate, readSchemaVersion, SCHEMA_VERSION } from "./schema.ts";
import { nextGeneration, readChunks, readSnapshotRows, snapshotRowOf } from "./snapshots.ts";
import type { StoredDocument, StoredSnapshot } from "./stored-document.ts";

/** A snapshot's place between the rows. */
interface Base {
  readonly generation: number;
  readonly logId: number;
  readonly bytes: number;
}

/** The place before the first log row, as if the empty document had a snapshot. */
const NOTHING: Base = { generation: 0, logId: 0, bytes: 0 };

function baseOf({ generation, log_id, bytes }: SnapshotRow): Base {
  return { generation, logId: log_id, bytes };
}

/** The figures of the rows, kept in memory so that no commit has to query them. */
interface Opened {
  /** The snapshot that the document was last read from or written to: the next snapshot's fallback. */
  base: Base;
  version: number;
  lastLogId: number;
  logRows: number;
  logBytes: number;
  logBytesSinceSnapshot: number;
}

/** The parts of a Durable Object's storage that the store uses. */
export type StoreBackend = Pick<DurableObjectStorage, "transactionSync"> & { readonly sql: SqlStorage };

/**
 * The room's bytes in SQLite: the document as a log of updates and snapshots in generations, and small tables beside it.
 * The store knows nothing of Yjs.
 *
 * The newest snapshot and the log rows after it are the document; the snapshot before it and the log rows between the
 * two are the same document once more, so that one damaged snapshot costs nothing.
 */
export class Store {
  readonly #storage: StoreBackend;
  #opened: Opened | undefined;
  /** Whether the last reading found everything. A document that was read in part must never be written over the rest. */
  #whole = true;
  #rowsWritten = 0;
  #bytesWritten = 0;
  #snapshotsWritten = 0;

  constructor(storage: StoreBackend) {
    this.#storage = storage;
  }

  /** Reads the document. Writes nothing. @throws RoomfulError `room-too-new`, `storage-failed` */
  read(): StoredDocument {
    this.#refuseIfTooNew();
    const opened = this.#open();
    if (opened.version === 0) return { snapshot: null, updates: [], damage: [], whole: true };
    return reading(() => this.#readDocument(opened));
  }

  #readDocument(opened: Opened): StoredDocument {
    const { sql } = this.#storage;
    const damage: string[] = [];
    let base = NOTHING;
    let snapshot: StoredSnapshot | null = null;
    /** The log row that must be there: a sound snapshot row names it, though its chunks are damaged. */
    let logMustReach = 0;
    for (const row of readSnapshotRows(sql, opened.version)) {
      const chunks = readChunks(sql, row);
      if (chunks !== null) {
        snapshot = { state: concatenate(chunks), stateVector: row.state_vector && new Uint8Array(row.state_vector) };
        base = baseOf(row);
        break;
      }
      damage.push(`snapshot ${row.generation}`);
      if (row.row_checksum === rowChecksumOf(row)) logMustReach = Math.max(logMustReach, row.log_id);
    }
    const log = readLog(sql, base.logId);
    damage.push(...log.damage);
    opened.base = base;
    opened.lastLogId = Math.max(lastLogRow(sql), base.logId);
    opened.logBytesSinceSnapshot = logTotalsAfter(sql, base.logId).bytes;
    const cut = opened.lastLogId < logMustReach;
    if (cut) damage.push(`log ${opened.lastLogId + 1} to ${logMustReach}`);
    // Chunks without a snapshot row and without a log: the document was not empty.
    const lost = base === NOTHING && log.updates.length === 0 && nextGeneration(sql) > 1;
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
    const record = encodeRecord(updates);
    const opened = this.#open();
    const rows = split(record);
    const append = () => {
      for (const [part, data] of rows.entries()) {
        const id = opened.lastLogId + 1 + part;
        this.#run(
          "INSERT INTO log (id, part, parts, checksum, data) VALUES (?, ?, ?, ?, ?)",
          id,
          part,
          rows.length,
          logChecksumOf(id, part, rows.length, data),
          bytesOf(data),
        );
      }
    };
    // A lone statement is a transaction by itself; an explicit transaction would double its cost.
    if (rows.length === 1 && opened.version === SCHEMA_VERSION) this.#orFail(append);
    else this.#write(opened, append);
    opened.lastLogId += rows.length;
    opened.logRows += rows.length;
    opened.logBytes += record.length;
    opened.logBytesSinceSnapshot += record.length;
    this.#bytesWritten += record.length;
  }

  /**
   * Writes a snapshot as a new generation and reads it back, in one transaction, so that there is never half a snapshot.
   * The snapshot that the document was read from stays, and so does the log between the two: they are the fallback.
   *
   * @param snapshot of everything that was ever appended
   * @throws RoomfulError `room-damaged`, `room-too-new`, `storage-failed`; nothing was written then
   */
  writeSnapshot(snapshot: StoredSnapshot): void {
    this.#refuseIfDamaged();
    const { sql } = this.#storage;
    const opened = this.#open();
    const { base } = opened;
    const chunks = split(snapshot.state);
    if (chunks.length > CHUNKS_PER_GENERATION) throw new RoomfulError("storage-failed", "too many chunks");
    let next = NOTHING;
    let logBytes = 0;
    this.#write(opened, () => {
      const row = snapshotRowOf(nextGeneration(sql), opened.lastLogId, snapshot);
      next = baseOf(row);
      const firstChunk = row.generation * CHUNKS_PER_GENERATION;
      for (const [place, data] of chunks.entries()) {
        this.#run("INSERT INTO chunk (id, data) VALUES (?, ?)", firstChunk + place, bytesOf(data));
      }
      if (readChunks(sql, row) === null) throw new Error("a snapshot reads back differently");
      this.#run(
        "INSERT INTO snapshot (generation, log_id, bytes, checksum, row_checksum, state_vector) VALUES (?, ?, ?, ?, ?, ?)",
        row.generation,
        row.log_id,
        row.bytes,
        row.checksum,
        row.row_checksum,
        row.state_vector,
      );
      // All rows are deleted but those of the new generation and of its fallback.
      const keptChunks = base.generation * CHUNKS_PER_GENERATION;
      this.#run("DELETE FROM snapshot WHERE generation NOT IN (?, ?)", base.generation, row.generation);
      this.#run("DELETE FROM chunk WHERE id < ?", keptChunks);
      this.#run("DELETE FROM chunk WHERE id >= ? AND id < ?", keptChunks + CHUNKS_PER_GENERATION, firstChunk);
      this.#run("DELETE FROM log WHERE id <= ?", base.logId);
      logBytes = logTotalsAfter(sql, 0).bytes;
    });
    opened.base = next;
    opened.logRows = next.logId - base.logId;
    opened.logBytes = logBytes;
    opened.logBytesSinceSnapshot = 0;
    this.#bytesWritten += snapshot.state.length;
    this.#snapshotsWritten++;
  }

  /**
   * Writes a presence state that is too large for a socket's attachment.
   * @throws RoomfulError `room-too-new`, `storage-failed`; nothing was written then
   */
  savePresence(rowId: number, state: Uint8Array): void {
    this.#write(this.#open(), () => {
      this.#run("INSERT OR REPLACE INTO presence (id, state) VALUES (?, ?)", rowId, bytesOf(state));
    });
  }

  /** Reads a presence state that {@link savePresence} wrote; `null` when there is none. @throws RoomfulError `storage-failed` */
  readPresence(rowId: number): Uint8Array | null {
    if (!this.#hasTables(1)) return null;
    const sql = "SELECT state FROM presence WHERE id = ?";
    const [row] = reading(() => this.#storage.sql.exec<{ state: ArrayBuffer }>(sql, rowId).toArray());
    return row === undefined ? null : new Uint8Array(row.state);
  }

  deletePresence(rowId: number): void {
    // A room that was deleted meanwhile has no table.
    if (!this.#hasTables(1)) return;
    this.#write(this.#open(), () => this.#run("DELETE FROM presence WHERE id = ?", rowId));
  }

  /** Deletes the states of all sockets: a crash leaves those behind that no closed socket will delete. */
  deleteAllPresence(): void {
    if (!this.#hasTables(1)) return;
    const [row] = reading(() => this.#storage.sql.exec("SELECT 1 FROM presence LIMIT 1").toArray());
    if (row !== undefined) this.#write(this.#open(), () => this.#run("DELETE FROM presence"));
  }

  /**
   * Reads the rules that {@link writeRules} wrote; `null` when there are none.
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

  /** Reads the deadlines that {@link writeDeadlines} wrote. @throws RoomfulError `storage-failed` */
  readDeadlines(): DeadlineRow[] {
    if (!this.#hasTables(3)) return [];
    return reading(() =>
      this.#storage.sql.exec<DeadlineRow>("SELECT id, at, kind, json FROM deadline ORDER BY id").toArray(),
    );
  }

  /** Writes and deletes deadlines in one transaction. @throws RoomfulError `room-too-new`, `storage-failed`; nothing was written then */
  writeDeadlines({ set = [], remove = [] }: DeadlineChanges): void {
    this.#write(this.#open(), () => {
      for (const id of remove) this.#run("DELETE FROM deadline WHERE id = ?", id);
      for (const { id, at, kind, json } of set) {
        this.#run("INSERT OR REPLACE INTO deadline (id, at, kind, json) VALUES (?, ?, ?, ?)", id, at, kind, json);
      }
    });
  }

  /** Whether the storage is empty. */
  get isEmpty(): boolean {
    return this.#open().version === 0;
  }

  /** Forgets the rows. The room calls this once it deleted all storage, which the store does not notice. */
  forget(): void {
    this.#opened = undefined;
    this.#whole = true;
  }

  /** The figures of the rows, counted without reading the document. */
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
    const { sql } = this.#storage;
    const version = readSchemaVersion(sql);
    if (version === 0 || version > SCHEMA_VERSION) {
      return { base: NOTHING, version, lastLogId: 0, logRows: 0, logBytes: 0, logBytesSinceSnapshot: 0 };
    }
    const [newest] = readSnapshotRows(sql, version);
    const base = newest === undefined ? NOTHING : baseOf(newest);
    const { rows, bytes } = logTotalsAfter(sql, 0);
    return {
      base,
      version,
      lastLogId: Math.max(lastLogRow(sql), base.logId),
      logRows: rows,
      logBytes: bytes,
      logBytesSinceSnapshot: logTotalsAfter(sql, base.logId).bytes,
    };
  }

  /** Refuses to write the document until it is read again: Yjs could not take what was read. */
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

  /** Runs writes and counts their rows, unless they throw. @throws RoomfulError that of the writes, or `storage-failed` */
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

/** Runs reads. @throws RoomfulError `storage-failed` when the storage can't be read */
function reading<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new RoomfulError("storage-failed", "it can't be read", { cause });
  }
}
