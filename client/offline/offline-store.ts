import type * as Y from "yjs";

/**
 * Where a document is kept between visits. `IndexeddbPersistence` of y-indexeddb is one. `offlineStoreChecks` says whether
 * another one will do.
 */
export interface OfflineStore {
  /**
   * When the stored document is in the document. It is applied with the store itself as origin: what comes with another
   * origin counts as unsaved.
   */
  readonly whenSynced: Promise<unknown>;
  /** The last value of a key. Until `whenSynced` resolves, it is not newer than the document that `whenSynced` waits for. */
  get(key: string): Promise<unknown>;
  set(key: string, value: ArrayBuffer): Promise<unknown>;
  /**
   * Sets what is made of the value that is stored, in one transaction together with the updates of the same turn, so that a
   * kill keeps both or neither. Fails by the `failed` of {@link OpenOfflineStore}. A store without it is read and then set:
   * after a kill, or with several tabs at once, deletions may then be missing from the count of unsaved changes.
   * @param change may be called again when a write failed
   */
  update?(key: string, change: (stored: unknown) => ArrayBuffer): void;
  /** Stops, and keeps what is stored. */
  destroy(): Promise<unknown>;
  /** Stops, and deletes what is stored. */
  clearData(): Promise<unknown>;
}

/**
 * Opens a store.
 * @param name of the room at its server, for one subject
 * @param failed to be called when something could not be stored or read and no call to the store says so
 */
export type OpenOfflineStore = (
  name: string,
  doc: Y.Doc,
  failed: (cause: unknown) => void,
) => OfflineStore | Promise<OfflineStore>;
