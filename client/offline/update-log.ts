import * as random from "lib0/random";
import * as Y from "yjs";
import { inTransaction, openDatabase, resultOf } from "./indexed-db.ts";
import { type StoredRecord, StoredRecords } from "./stored-records.ts";

/** The key of a database's identity. */
const IDENTITY = "roomful-identity";

const MERGED_AT_ONCE = 100;

/** No structs, and no deletions. */
const EMPTY_UPDATE = new Uint8Array([0, 0]);

/** Tells databases apart: the browser may delete one, and another tab empty it, while it is in use. */
interface Identity {
  readonly id: number;
  /** The number of times that it was emptied. */
  readonly emptied: number;
}

/** Makes a new value of the stored one. */
export type Change = (stored: unknown) => ArrayBuffer;

/** The contents of one transaction. */
export interface Batch {
  readonly updates: readonly Uint8Array[];
  readonly changes: ReadonlyMap<string, Change>;
  /** Whether the whole document takes the place of all known records. */
  readonly isWhole: boolean;
}

/** Another tab emptied the database: what is in it now is of another document. */
export class EmptiedElsewhere extends Error {
  constructor() {
    super("another tab deleted what was stored, and this document is stored no more");
  }
}

/**
 * A list of updates and some named values in IndexedDB. Several tabs may write to one: each adds what it has, and replaces
 * no records but those that it knows, by what holds them.
 */
export class UpdateLog {
  readonly #name: string;
  readonly #whole: () => Uint8Array;
  readonly #records = new StoredRecords();
  #database: Promise<IDBDatabase> | null = null;
  #identity: Identity | null = null;

  /** @param whole encodes a document that holds every read record and every written update */
  constructor(name: string, whole: () => Uint8Array) {
    this.#name = name;
    this.#whole = whole;
  }

  /** Reads everything. */
  async read(): Promise<{
    readonly records: ReadonlyMap<IDBValidKey, unknown>;
    readonly values: Map<string, unknown>;
  }> {
    const [keys, records, names, values] = await inTransaction(await this.#open(), "readonly", ({ updates, values }) =>
      Promise.all([
        resultOf(updates.getAllKeys()),
        resultOf(updates.getAll()),
        resultOf(values.getAllKeys()),
        resultOf(values.getAll()),
      ]),
    );
    const named = new Map(names.map((name, index) => [String(name), values[index] as unknown]));
    this.#identity = identityOf(named.get(IDENTITY));
    return { records: new Map(keys.map((key, index) => [key, records[index] as unknown])), values: named };
  }

  /** Adds a record that was read and applied: only known records are merged. */
  addKnown(record: StoredRecord): void {
    this.#records.add(record);
  }

  /** Whether the database was never written by a store of this kind: then the first write is of the whole document. */
  get isNew(): boolean {
    return this.#identity === null;
  }

  /** Whether the records are so many that a load should write them as one. */
  get isLong(): boolean {
    return this.#records.areMany;
  }

  /**
   * Writes a batch in one transaction. Where the database is not the one that was read, it gets the whole document.
   * @returns the values that were changed
   * @throws EmptiedElsewhere; the browser's error, after a second try on a new connection
   */
  async write(batch: Batch): Promise<ReadonlyMap<string, unknown>> {
    try {
      return await this.#write(batch);
    } catch (cause) {
      if (cause instanceof EmptiedElsewhere) throw cause;
      // The browser may have closed the database without an event.
      await this.close();
      return await this.#write(batch);
    }
  }

  /**
   * Merges many small records into one. Large records are left alone, so that the work does not grow with the document.
   * @throws the browser's error; then nothing is changed
   */
  async merge(): Promise<void> {
    const old = this.#records.takeToMerge();
    if (old.length === 0) return;
    const merged = await inTransaction(await this.#open(), "readwrite", async ({ updates, values }) => {
      if (!isSame(identityOf(await resultOf(values.get(IDENTITY))), this.#identity)) return null;
      const found = await Promise.all(old.map(({ key }) => resultOf<unknown>(updates.get(key))));
      const bytes = mergeAll(found.filter((record) => record instanceof Uint8Array));
      for (const { key } of old) updates.delete(key);
      return { key: await resultOf(updates.add(bytes)), bytes: bytes.length };
    });
    if (merged !== null) this.#records.addMerged(merged);
  }

  /** Deletes everything, unless another tab did so since the last read: the content there is newer. */
  async clear(): Promise<void> {
    await inTransaction(await this.#open(), "readwrite", async ({ updates, values }) => {
      const stored = identityOf(await resultOf(values.get(IDENTITY)));
      if (stored !== null && this.#identity !== null && !isSame(stored, this.#identity)) return;
      updates.clear();
      values.clear();
      const { id, emptied } = stored ?? newIdentity();
      await resultOf(values.put({ id, emptied: emptied + 1 }, IDENTITY));
    });
  }

  async close(): Promise<void> {
    const opened = this.#database;
    this.#database = null;
    (await opened?.catch(() => null))?.close();
  }

  async #write({ updates: added, changes, isWhole }: Batch): Promise<ReadonlyMap<string, unknown>> {
    const written = await inTransaction(await this.#open(), "readwrite", async ({ updates, values }) => {
      const stored = identityOf(await resultOf(values.get(IDENTITY)));
      if (stored !== null && stored.id === this.#identity?.id && !isSame(stored, this.#identity)) {
        throw new EmptiedElsewhere();
      }
      const isKnown = stored !== null && isSame(stored, this.#identity);
      const identity = stored ?? newIdentity();
      if (stored === null) values.put(identity, IDENTITY);
      const replaces = isWhole || !isKnown;
      const records: StoredRecord[] = [];
      if (replaces || added.length > 0) {
        const bytes = replaces ? this.#whole() : mergeAll(added);
        records.push({ key: await resultOf(updates.add(bytes)), bytes: bytes.length });
      }
      if (isWhole && isKnown) for (const { key } of this.#records.all) updates.delete(key);
      const changed = new Map<string, unknown>();
      for (const [key, change] of changes) {
        const value = change(await resultOf<unknown>(values.get(key)));
        values.put(value, key);
        changed.set(key, value);
      }
      return { identity, replaces, records, changed };
    });
    this.#identity = written.identity;
    if (written.replaces) this.#records.replaceAll(written.records);
    else for (const record of written.records) this.#records.add(record);
    return written.changed;
  }

  #open(): Promise<IDBDatabase> {
    if (this.#database !== null) return this.#database;
    const opened = openDatabase(this.#name, () => {
      if (this.#database === opened) this.#database = null;
    });
    this.#database = opened;
    opened.catch(() => {
      if (this.#database === opened) this.#database = null;
    });
    return opened;
  }
}

/** Merges in groups: Yjs's work per struct grows with the number of updates that it merges. */
export function mergeAll(updates: readonly Uint8Array[]): Uint8Array {
  let merged = [...updates];
  while (merged.length > 1) {
    const groups: Uint8Array[] = [];
    for (let at = 0; at < merged.length; at += MERGED_AT_ONCE) {
      groups.push(Y.mergeUpdates(merged.slice(at, at + MERGED_AT_ONCE)));
    }
    merged = groups;
  }
  return merged[0] ?? EMPTY_UPDATE;
}

function newIdentity(): Identity {
  return { id: random.uint32(), emptied: 0 };
}

function identityOf(value: unknown): Identity | null {
  if (typeof value !== "object" || value === null || !("id" in value) || !("emptied" in value)) return null;
  const { id, emptied } = value;
  return typeof id === "number" && typeof emptied === "number" ? { id, emptied } : null;
}

function isSame(one: Identity | null, other: Identity | null): boolean {
  return one?.id === other?.id && one?.emptied === other?.emptied;
}
