import * as Y from "yjs";
import { type Clock, systemClock, throwLater } from "../base/clock.ts";
import type { OfflineStore } from "./offline-store.ts";
import { type Batch, type Change, EmptiedElsewhere, mergeAll, UpdateLog } from "./update-log.ts";

/** Milliseconds until a write that failed is tried again. It doubles with each failure. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

/** Updates that wait for a storage that fails are merged from this number on. */
const MANY_WAITING = 500;

type Phase =
  | { readonly type: "loading" }
  | { readonly type: "writable" }
  /** Writing fails. It is tried again when the timer fires. */
  | { readonly type: "waiting"; readonly timer: unknown }
  /** Ended here, or another tab emptied the database: nothing is written any more. */
  | { readonly type: "ended" };

/** Keeps a document in IndexedDB. Nothing is written inside of the document's own events, and nothing thrown into them. */
export class IndexedDbStore implements OfflineStore {
  readonly whenSynced: Promise<void>;
  readonly #doc: Y.Doc;
  readonly #failed: (cause: unknown) => void;
  readonly #clock: Clock;
  readonly #log: UpdateLog;
  #values: ReadonlyMap<string, unknown> = new Map();
  #phase: Phase = { type: "loading" };
  #updates: Uint8Array[] = [];
  #changes = new Map<string, Change>();
  #owesWhole = false;
  /** The document as it was when this ended, if it has to be stored whole. */
  #last: Uint8Array | null = null;
  /** Writes that failed since one succeeded. */
  #failures = 0;
  #writing: Promise<void> | null = null;

  /** @param failed is told once when writing begins to fail, and of each record that can't be read */
  constructor(name: string, doc: Y.Doc, failed: (cause: unknown) => void, clock: Clock = systemClock) {
    this.#doc = doc;
    this.#failed = failed;
    this.#clock = clock;
    this.#log = new UpdateLog(name, () => this.#last ?? Y.encodeStateAsUpdate(doc));
    doc.on("update", this.#onUpdate);
    this.whenSynced = this.#load();
    // What was thrown is for who waits.
    this.whenSynced.catch(() => this.#end());
  }

  async get(key: string): Promise<unknown> {
    await this.whenSynced;
    return this.#values.get(key);
  }

  /** Resolves also when it could not be stored yet: `failed` says so, and it is tried again. */
  async set(key: string, value: ArrayBuffer): Promise<void> {
    this.update(key, () => value);
    await this.whenSynced;
    await this.#write();
  }

  update(key: string, change: Change): void {
    if (this.#phase.type === "ended") return;
    this.#changes.set(key, change);
    this.#writeSoon();
  }

  async destroy(): Promise<void> {
    this.#doc.off("update", this.#onUpdate);
    if (this.#log.isNew) this.#last = Y.encodeStateAsUpdate(this.#doc);
    // What is loaded from now on is not for the document any more.
    if (this.#phase.type === "loading") this.#phase = { type: "writable" };
    await this.whenSynced.catch(() => {});
    this.#retry();
    await this.#write();
    this.#end();
    await this.#log.close();
  }

  /** Another tab that has the same database open stops to write, and says so by its `failed`. */
  async clearData(): Promise<void> {
    this.#end();
    await this.#writing;
    try {
      await this.#log.clear();
    } finally {
      await this.#log.close();
    }
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return;
    this.#updates.push(update);
    this.#writeSoon();
  };

  async #load(): Promise<void> {
    // What is in the document already is kept too.
    if (this.#doc.store.clients.size > 0) this.#updates.push(Y.encodeStateAsUpdate(this.#doc));
    const { records, values } = await this.#log.read();
    if (this.#phase.type !== "loading") return;
    this.#values = values;
    this.#apply(records);
    this.#owesWhole = this.#log.isLong;
    this.#phase = { type: "writable" };
    this.#writeSoon();
  }

  #apply(records: ReadonlyMap<IDBValidKey, unknown>): void {
    let isApplied = false;
    const apply = () => {
      for (const [key, record] of records) this.#applyOne(key, record);
      isApplied = true;
    };
    try {
      Y.transact(this.#doc, apply, this, false);
    } catch (thrown) {
      if (!isApplied) throw thrown;
      // An observer's: Yjs calls them when everything is in the document.
      throwLater(this.#clock, thrown);
    }
  }

  /** A record that can't be read is left where it is. */
  #applyOne(key: IDBValidKey, record: unknown): void {
    try {
      if (!(record instanceof Uint8Array)) throw new TypeError("it is no update");
      // Yjs applies what comes before a fault: so it is looked for first.
      Y.decodeUpdate(record);
      Y.applyUpdate(this.#doc, record, this);
      this.#log.addKnown({ key, bytes: record.length });
    } catch (cause) {
      this.#failed(new Error(`the stored record ${String(key)} can't be read`, { cause }));
    }
  }

  /** In a turn of its own: an edit never waits for storage, and never fails with it. */
  #writeSoon(): void {
    if (this.#phase.type === "writable" && this.#writing === null) void this.#write();
  }

  /** Writes all that waits. What comes meanwhile goes into the next batch. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= Promise.resolve().then(() => this.#writeBatches());
    return this.#writing;
  }

  async #writeBatches(): Promise<void> {
    try {
      for (let batch = this.#nextBatch(); batch !== null; batch = this.#nextBatch()) await this.#writeBatch(batch);
    } finally {
      // In the turn in which nothing was left: what comes next starts anew.
      this.#writing = null;
    }
  }

  async #writeBatch(batch: Batch): Promise<void> {
    try {
      this.#values = new Map([...this.#values, ...(await this.#log.write(batch))]);
      this.#failures = 0;
    } catch (cause) {
      this.#couldNotWrite(batch, cause);
      return;
    }
    // Everything is stored, merged or not. A storage that fails is told of by the next write.
    await this.#log.merge().catch(() => {});
  }

  #nextBatch(): Batch | null {
    const batch = { updates: this.#updates, changes: this.#changes, isWhole: this.#owesWhole };
    const isEmpty = batch.updates.length === 0 && batch.changes.size === 0 && !batch.isWhole;
    if (this.#phase.type !== "writable" || isEmpty) return null;
    this.#updates = [];
    this.#changes = new Map();
    this.#owesWhole = false;
    return batch;
  }

  #couldNotWrite(batch: Batch, cause: unknown): void {
    if (this.#phase.type === "ended") return;
    if (++this.#failures === 1) this.#failed(cause);
    if (cause instanceof EmptiedElsewhere) {
      this.#end();
      return;
    }
    this.#updates = [...batch.updates, ...this.#updates];
    if (this.#updates.length >= MANY_WAITING) this.#updates = [mergeAll(this.#updates)];
    this.#changes = new Map([...batch.changes, ...this.#changes]);
    this.#owesWhole ||= batch.isWhole;
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    this.#phase = { type: "waiting", timer: this.#clock.setTimeout(() => this.#retry(), wait) };
  }

  #retry(): void {
    if (this.#phase.type !== "waiting") return;
    this.#clock.clearTimeout(this.#phase.timer);
    this.#phase = { type: "writable" };
    this.#writeSoon();
  }

  #end(): void {
    this.#doc.off("update", this.#onUpdate);
    if (this.#phase.type === "waiting") this.#clock.clearTimeout(this.#phase.timer);
    this.#phase = { type: "ended" };
    this.#updates = [];
    this.#changes.clear();
  }
}
