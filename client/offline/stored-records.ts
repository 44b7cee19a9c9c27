/** New records after which some are merged into one. */
const MANY = 100;

/** Bytes above which a record is only merged with as much that follows it. */
const LARGE = 65_536;

/** One stored update. */
export interface StoredRecord {
  readonly key: IDBValidKey;
  readonly bytes: number;
}

/**
 * The records that a store knows to be in its database, oldest first: what it read and what it wrote. Others' are theirs to
 * merge.
 */
export class StoredRecords {
  #records: StoredRecord[] = [];
  #unmerged = 0;

  get all(): readonly StoredRecord[] {
    return this.#records;
  }

  /** Whether there are so many that a load should write them as one. */
  get areMany(): boolean {
    return this.#records.length > MANY;
  }

  add(record: StoredRecord): void {
    this.#records.push(record);
    this.#unmerged++;
  }

  /** Forgets what was known: the database is another, or all is in these records. */
  replaceAll(records: readonly StoredRecord[]): void {
    this.#records = [...records];
    this.#unmerged = 0;
  }

  /**
   * Takes the newest records, when they are to become one: the many that were never merged, and before them each that is
   * not larger than all after it. So a byte is written again once, and then when its record doubles, and what is large is left alone.
   * They are not known any more; {@link addMerged} adds what takes their place.
   */
  takeToMerge(): readonly StoredRecord[] {
    if (this.#unmerged < MANY) return [];
    let bytes = 0;
    let first = this.#records.length;
    for (const record of this.#records.toReversed()) {
      const isUnmerged = this.#records.length - first < this.#unmerged;
      if (record.bytes > bytes && (!isUnmerged || record.bytes > LARGE)) break;
      bytes += record.bytes;
      first--;
    }
    this.#unmerged = 0;
    return this.#records.splice(first);
  }

  addMerged(record: StoredRecord): void {
    this.#records.push(record);
  }
}
