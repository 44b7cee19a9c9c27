/** The part of IndexedDB that a store needs: one database with two object stores, and transactions over both. */

/** The layout is y-indexeddb's: either can read what the other wrote. */
const UPDATES = "updates";
const VALUES = "custom";

export interface ObjectStores {
  /** Yjs updates by ascending number. A number is used once in a database's life. */
  readonly updates: IDBObjectStore;
  readonly values: IDBObjectStore;
}

/**
 * Opens a database, and makes it if there is none.
 * @param lost is called when the connection is of no use any more: the browser closed it, or wants to delete the database
 * @throws when the browser refuses
 */
export function openDatabase(name: string, lost: (database: IDBDatabase) => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(UPDATES, { autoIncrement: true });
      request.result.createObjectStore(VALUES);
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = () => lost(database);
      database.onversionchange = () => {
        // Another tab that deletes the database waits for this close.
        database.close();
        lost(database);
      };
      resolve(database);
    };
  });
}

/**
 * Runs work in one transaction: all of it is stored, or nothing.
 * @param work awaits nothing but {@link resultOf} requests, since the transaction ends otherwise
 * @throws what work throws, and why the browser aborted
 */
export async function inTransaction<Result>(
  database: IDBDatabase,
  mode: "readonly" | "readwrite",
  work: (stores: ObjectStores) => Promise<Result>,
): Promise<Result> {
  const transaction = database.transaction([UPDATES, VALUES], mode);
  const ended = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    // A full storage lets every request succeed and aborts the transaction.
    transaction.onabort = () => reject(transaction.error ?? new DOMException("aborted", "AbortError"));
  });
  ended.catch(() => {});
  try {
    const result = await work({ updates: transaction.objectStore(UPDATES), values: transaction.objectStore(VALUES) });
    await ended;
    return result;
  } catch (cause) {
    try {
      transaction.abort();
    } catch {
      // It is over already.
    }
    throw cause;
  }
}

export function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
