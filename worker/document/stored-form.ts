import * as Y from "yjs";
import type { StoredSnapshot } from "../storage/rows.ts";

/** What storage holds of a document. */
export interface StoredDocument {
  readonly snapshot: StoredSnapshot | null;
  /** What was emitted after the snapshot, oldest first. */
  readonly updates: readonly Uint8Array[];
  /** Whether the reading met no damage. */
  readonly intact: boolean;
}

/** A document as it can be served without a Y.Doc, which costs many times what reading the bytes does. */
export interface EncodedDocument {
  /** All of it. */
  readonly update: Uint8Array;
  readonly stateVector: Uint8Array;
}

/** What is stored, for as long as it is what the document is: read once, and encoded once for all who are served it. */
export class StoredForm {
  readonly #read: () => StoredDocument;
  #stored: StoredDocument | null = null;
  #encoded: EncodedDocument | null | undefined;
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
   * As it can be served; `null` when the document is no longer what was read, or only a load tells what it is.
   * @throws what the reading throws
   */
  encode(): EncodedDocument | null {
    if (this.#isOutdated) return null;
    if (this.#encoded === undefined) this.#encoded = this.#tryToEncode(this.read());
    return this.#encoded;
  }

  #tryToEncode(stored: StoredDocument): EncodedDocument | null {
    try {
      return stored.intact ? encodeStored(stored) : null;
    } catch {
      // A load says what is wrong.
      return null;
    }
  }

  /** The document is no longer what was read. */
  outdated(): void {
    this.forget();
    this.#isOutdated = true;
  }

  /** Memory is empty again: what is stored is the document. */
  forget(): void {
    this.#stored = null;
    this.#encoded = undefined;
    this.#isOutdated = false;
  }
}

/** Updates that are merged at once: what merging costs grows faster than their number. */
const MERGED_AT_ONCE = 32;

/** The update that changes nothing. */
const NOTHING = new Uint8Array([0, 0]);

/** @throws when the log can't be read, or does not follow on the snapshot */
export function encodeStored({ snapshot, updates }: StoredDocument): EncodedDocument {
  const clocks = snapshot === null ? new Map<number, number>() : clocksOf(snapshot);
  const log = mergeInGroups(updates);
  if (log === null) return { update: snapshot?.state ?? NOTHING, stateVector: Y.encodeStateVector(clocks) };
  const { from, to } = Y.parseUpdateMeta(log);
  for (const [client, clock] of from) {
    if (clock > (clocks.get(client) ?? 0)) throw new Error("the log does not follow on the snapshot");
  }
  // What the room emitted is new, so that its last clocks are those of the whole.
  for (const [client, clock] of to) clocks.set(client, clock);
  const update = snapshot === null ? log : Y.mergeUpdates([snapshot.state, log]);
  return { update, stateVector: Y.encodeStateVector(clocks) };
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
