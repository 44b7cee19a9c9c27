/** A document in storage: the newest sound snapshot and the log after it. */
export interface StoredDocument {
  readonly snapshot: StoredSnapshot | null;
  /** The updates after the snapshot, oldest first. */
  readonly updates: readonly Uint8Array[];
  /** Every damaged place that the reading met, even where another generation made up for it. */
  readonly damage: readonly string[];
  /** Whether everything that was ever acknowledged is there. */
  readonly whole: boolean;
}

/** A whole document as one update. */
export interface StoredSnapshot {
  readonly state: Uint8Array;
  /** The state vector as Yjs encodes it; `null` when it was not stored: in old snapshots, or above the row limit. */
  readonly stateVector: Uint8Array | null;
}
