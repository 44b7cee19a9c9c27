import * as Y from "yjs";
import type { StoredSnapshot } from "./rows.ts";

/** What storage holds of a document. */
export interface StoredDocument {
  readonly snapshot: StoredSnapshot | null;
  /** What was emitted after the snapshot, oldest first. */
  readonly updates: readonly Uint8Array[];
  /** Whether the reading met no damage. */
  readonly intact: boolean;
}

/** A document as it can be served without a Y.Doc, which costs some fifty times as much as reading the bytes. */
export interface EncodedDocument {
  /**
   * The whole document, as updates to be taken in this order. The log comes before the snapshot that it builds upon: Yjs
   * keeps what it can't use yet, and whoever has the last one has all.
   */
  readonly updates: readonly Uint8Array[];
  readonly stateVector: Uint8Array;
}

/** Updates that are merged at once: what merging costs grows faster than their number. */
const MERGED_AT_ONCE = 32;

/** The update that changes nothing. */
const NOTHING = new Uint8Array([0, 0]);

/** @throws when the log can't be read, or does not follow on the snapshot */
export function encodeStored({ snapshot, updates }: StoredDocument): EncodedDocument {
  const log = mergeInGroups(updates);
  if (snapshot === null && log === null) return { updates: [NOTHING], stateVector: Y.encodeStateVector(new Map()) };
  const clocks = snapshot === null ? new Map<number, number>() : clocksOf(snapshot);
  if (log !== null) {
    const { from, to } = Y.parseUpdateMeta(log);
    for (const [client, clock] of from) {
      if (clock > (clocks.get(client) ?? 0)) throw new Error("the log does not follow on the snapshot");
    }
    // What the room emitted is new, so that its last clocks are those of the whole.
    for (const [client, clock] of to) clocks.set(client, clock);
  }
  return {
    updates: [log, snapshot?.state].filter((update) => update != null),
    stateVector: Y.encodeStateVector(clocks),
  };
}

function clocksOf({ state, stateVector }: StoredSnapshot): Map<number, number> {
  return Y.decodeStateVector(stateVector ?? Y.encodeStateVectorFromUpdate(state));
}

function mergeInGroups(updates: readonly Uint8Array[]): Uint8Array | null {
  if (updates.length <= 1) return updates[0] ?? null;
  const merged: Uint8Array[] = [];
  for (let at = 0; at < updates.length; at += MERGED_AT_ONCE) {
    merged.push(Y.mergeUpdates(updates.slice(at, at + MERGED_AT_ONCE)));
  }
  return mergeInGroups(merged);
}
