import * as Y from "yjs";
import type { StoredDocument, StoredSnapshot } from "../storage/stored-document.ts";

/** A snapshot whose state vector is known, so that both can be served. */
type ServedSnapshot = StoredSnapshot & { readonly stateVector: Uint8Array };

/**
 * The copy of the document in storage, for as long as the document is equal to it. It is read once, and folded once for
 * all clients that are served it: loading a Y.Doc costs many times what reading the bytes does.
 */
export class StoredCopy {
  readonly #read: () => StoredDocument;
  #stored: StoredDocument | null = null;
  #folded: ServedSnapshot | null | undefined;
  #isOutdated = false;

  constructor(read: () => StoredDocument) {
    this.#read = read;
  }

  /** @throws what the reading throws */
  read(): StoredDocument {
    this.#stored ??= this.#read();
    return this.#stored;
  }

  /**
   * The copy as one snapshot; `null` when the document is no longer equal to it, or when only a load tells what can be
   * read.
   * @throws what the reading throws
   */
  fold(): ServedSnapshot | null {
    if (this.#isOutdated) return null;
    if (this.#folded === undefined) this.#folded = tryToFold(this.read());
    return this.#folded;
  }

  /** Marks the copy as no longer equal to the document. */
  markOutdated(): void {
    this.forget();
    this.#isOutdated = true;
  }

  /** Forgets what was read: the document is empty in memory, and equal to storage again. */
  forget(): void {
    this.#stored = null;
    this.#folded = undefined;
    this.#isOutdated = false;
  }
}

function tryToFold(stored: StoredDocument): ServedSnapshot | null {
  try {
    return stored.damage.length === 0 ? foldStored(stored) : null;
  } catch {
    // The load that follows reports what is wrong.
    return null;
  }
}

/** Updates that are merged at once: the cost of merging grows faster than their number. */
const MERGED_AT_ONCE = 32;

/** The update that changes nothing. */
const NOTHING = new Uint8Array([0, 0]);

/** Folds snapshot and log into one snapshot. @throws when the log can't be read, or does not follow on the snapshot */
export function foldStored({ snapshot, updates }: StoredDocument): ServedSnapshot {
  const clocks = snapshot === null ? new Map<number, number>() : clocksOf(snapshot);
  const log = mergeInGroups(updates);
  if (log === null) return { state: snapshot?.state ?? NOTHING, stateVector: Y.encodeStateVector(clocks) };
  const { from, to } = Y.parseUpdateMeta(log);
  for (const [client, clock] of from) {
    if (clock > (clocks.get(client) ?? 0)) throw new Error("the log does not follow on the snapshot");
  }
  // The room emits only what is new, so that the log's last clocks are those of the whole.
  for (const [client, clock] of to) clocks.set(client, clock);
  const state = snapshot === null ? log : Y.mergeUpdates([snapshot.state, log]);
  return { state, stateVector: Y.encodeStateVector(clocks) };
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
