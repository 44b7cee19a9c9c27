import * as Y from "yjs";
import type { Clock } from "./clock.ts";
import type { Content } from "./ledger.ts";

/**
 * Where a document is kept between visits. `IndexeddbPersistence` of y-indexeddb is one.
 * What it applies to the document must have itself as origin, or another that is not the provider.
 */
export interface OfflineStore {
  /** When the stored document is in the document. */
  readonly whenSynced: Promise<unknown>;
  get(key: string): Promise<unknown>;
  set(key: string, value: ArrayBuffer): Promise<unknown>;
  /** Stops, and keeps what is stored. */
  destroy(): Promise<unknown>;
  /** Stops, and deletes what is stored. Another tab may have the same store open, and goes on with it. */
  clearData(): Promise<unknown>;
}

/**
 * Opens a store.
 * @param name of the room at its server, for one subject
 * @param failed to be called when something could not be stored and no call to the store says so
 */
export type OpenOfflineStore = (
  name: string,
  doc: Y.Doc,
  failed: (cause: unknown) => void,
) => OfflineStore | Promise<OfflineStore>;

/** Under this key a store keeps what the room acknowledged. */
const ACKNOWLEDGED = "roomful-acknowledged";

/** Under this key a database counts how often it was emptied. */
const GENERATION = "roomful-generation";

/** Milliseconds in which acknowledgements are gathered before they are stored. */
const STORE_MS = 1_000;

/** Opens the database that y-indexeddb uses. @throws when the package is absent or the browser refuses */
export const openIndexedDb: OpenOfflineStore = async (name, doc, failed) => {
  await proveThatIndexedDbOpens();
  // The handler is also what lets esbuild, and so wrangler, build an app in which the optional peer is not installed.
  const { IndexeddbPersistence } = await import("y-indexeddb").catch((cause: unknown) => {
    throw new Error("the package y-indexeddb could not be loaded", { cause });
  });
  const store = new IndexeddbPersistence(name, doc);
  // A full storage lets every request succeed and aborts the transaction; y-indexeddb looks at requests alone.
  void store.whenSynced.then(() =>
    store.db?.addEventListener("abort", ({ target }) =>
      failed(target instanceof IDBTransaction ? target.error : target),
    ),
  );
  const generation = store.get(GENERATION).catch(() => undefined);
  return {
    whenSynced: store.whenSynced,
    get: (key) => store.get(key),
    set: (key, value) => store.set(key, value),
    destroy: () => store.destroy(),
    clearData: async () => {
      const [db, opened] = await Promise.all([store._db, generation]);
      await Promise.all([emptyDatabase(db, opened), store.destroy()]);
    },
  };
};

/**
 * Empties y-indexeddb's database. To delete it, as y-indexeddb does, closes it under other tabs, whose next edit then throws
 * where their app makes it.
 * @param generation at which the database was opened: when another tab emptied it since, what is in it now is newer
 */
function emptyDatabase(db: IDBDatabase, generation: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(["updates", "custom"], "readwrite");
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    const custom = transaction.objectStore("custom");
    const stored = custom.get(GENERATION);
    stored.onsuccess = () => {
      if (stored.result !== generation) return;
      transaction.objectStore("updates").clear();
      custom.clear();
      custom.put((typeof generation === "number" ? generation : 0) + 1, GENERATION);
    };
  });
}

/** y-indexeddb does not tell when it can't open its database. */
function proveThatIndexedDbOpens(): Promise<void> {
  const name = "roomful-probe";
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      request.result.close();
      indexedDB.deleteDatabase(name);
      resolve();
    };
  });
}

interface OfflineOptions {
  readonly clock: Clock;
  /** What the room is known to have. */
  readonly acknowledged: () => Content;
  /** Storage was refused or is full: what is unsaved is in memory only. */
  readonly failed: (cause: unknown) => void;
}

/** Keeps the document and what the room acknowledged of it, so that a reload knows what is unsaved. */
export class Offline {
  readonly #options: OfflineOptions;
  readonly #store: Promise<OfflineStore | null>;
  /** The store, once it is open. */
  #opened: OfflineStore | null = null;
  #timer: unknown;
  #isClosed = false;

  constructor(open: OpenOfflineStore, name: string, doc: Y.Doc, options: OfflineOptions) {
    this.#options = options;
    this.#store = Promise.resolve()
      .then(async () => {
        this.#opened = await open(name, doc, options.failed);
        return this.#opened;
      })
      .catch((cause: unknown) => {
        options.failed(cause);
        return null;
      });
  }

  /** When the stored document is there: what the room had of it. `null` when nothing can be read. */
  async load(): Promise<Content | null> {
    const store = await this.#store;
    if (store === null) return null;
    try {
      await store.whenSynced;
      const stored = await store.get(ACKNOWLEDGED);
      return stored instanceof ArrayBuffer ? Y.decodeSnapshot(new Uint8Array(stored)) : Y.emptySnapshot;
    } catch (cause) {
      this.#options.failed(cause);
      return null;
    }
  }

  /** To be called when the room acknowledged something, or sent something. */
  changed(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, STORE_MS);
  }

  /** Stops. What was acknowledged until now is stored. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const isOwed = this.#timer !== undefined;
    this.#end();
    if (isOwed) await this.#save();
    await this.#withStore((store) => store.destroy());
  }

  /** Stops, and deletes all that is stored. */
  async clear(): Promise<void> {
    if (this.#isClosed) return;
    this.#end();
    await this.#withStore((store) => store.clearData());
  }

  #end(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #save(): Promise<void> {
    // Read now: a store that is slow must not be given what the room acknowledged of a later document.
    const bytes = Y.encodeSnapshot(this.#options.acknowledged());
    return this.#withStore((store) => store.set(ACKNOWLEDGED, bytes.slice().buffer as ArrayBuffer));
  }

  async #withStore(work: (store: OfflineStore) => Promise<unknown>): Promise<void> {
    try {
      // In the same turn if it is open: y-indexeddb closes its database when the document is destroyed.
      const store = this.#opened ?? (await this.#store);
      if (store !== null) await work(store);
    } catch (cause) {
      this.#options.failed(cause);
    }
  }
}
