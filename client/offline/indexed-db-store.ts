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
  /** The store ended, or another tab emptied the database: it writes nothing any more. */
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
  /** The document at the end of this store, if it has to be stored whole. */
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
    // The error is for the callers of `whenSynced`; this handler only keeps it from being unhandled.
    this.whenSynced.catch(() => this.#end());
  }

  async get(key: string): Promise<unknown> {
    await this.whenSynced;
    return this.#values.get(key);
  }

  /** Resolves even when the write failed: `failed` tells so, and the store tries again. */
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
    // Records that load from now on are not applied any more.
    if (this.#phase.type === "loading") this.#phase = { type: "writable" };
    await this.whenSynced.catch(() => {});
    this.#retry();
    await this.#write();
    this.#end();
    await this.#log.close();
  }

  /** Another tab with the same database open stops writing, and its `failed` tells so. */
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
    // The document's content before the load is stored too.
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
      // An observer threw: Yjs calls observers when everything is in the document.
      throwLater(this.#clock, thrown);
    }
  }

  /** Leaves an unreadable record where it is. */
  #applyOne(key: IDBValidKey, record: unknown): void {
    try {
      if (!(record instanceof Uint8Array)) throw new TypeError("it is no update");
      // Decoded first, since Yjs would apply everything before a fault.
      Y.decodeUpdate(record);
      Y.applyUpdate(this.#doc, record, this);
      this.#log.addKnown({ key, bytes: record.length });
    } catch (cause) {
      this.#failed(new Error(`the stored record ${String(key)} can't be read`, { cause }));
    }
  }

  /** Writes in a turn of its own: an edit never waits for storage, and never fails with it. */
  #writeSoon(): void {
    if (this.#phase.type === "writable" && this.#writing === null) void this.#write();
  }

  /** Writes all that waits. Updates that arrive meanwhile go into the next batch. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= Promise.resolve().then(() => this.#writeBatches());
    return this.#writing;
  }

  async #writeBatches(): Promise<void> {
    try {
      for (let batch = this.#nextBatch(); batch !== null; batch = this.#nextBatch()) await this.#writeBatch(batch);
    } finally {
      // Reset in the turn in which nothing was left, so that the next update starts a new write.
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
    // Everything is stored, merged or not. The next write tells a failing storage.
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
