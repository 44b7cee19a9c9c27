import * as Y from "yjs";
import { Violation } from "./violation.ts";

/**
 * Applies an update as the room does, and as a peer does that observes nothing: Yjs would else tidy up formatting by
 * edits of its own, and the document would no longer be what was sent.
 */
export function applyAsRoom(doc: Y.Doc, update: Uint8Array): void {
  Y.transact(
    doc,
    (transaction) => {
      try {
        Y.applyUpdate(doc, update);
      } finally {
        transaction.changed.clear();
      }
    },
    null,
    false,
  );
}

/** Whether two documents hold the same structs and the same deletions. */
export function sameHistory(one: Y.Doc, other: Y.Doc): boolean {
  return Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other));
}

/** The document that a room's state is. @throws Violation when a new document can't take it */
export function docOf(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc();
  try {
    applyAsRoom(doc, state);
  } catch (cause) {
    throw new Violation(`a new document takes the room's state: ${cause}`, { cause });
  }
  return doc;
}

/**
 * The value with the keys of its objects in order, since that of a map depends on when they were set; and without
 * halves of surrogate pairs, which some ways of transport can't carry.
 */
export function inOrder(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  );
}

export function isWhole({ store }: Y.Doc): boolean {
  return store.pendingStructs === null && store.pendingDs === null;
}

/** Whether a document holds all of an update: saying it once more changes nothing. May change the document. */
export function holds(doc: Y.Doc, update: Uint8Array): boolean {
  let emitted = false;
  const listen = () => {
    emitted = true;
  };
  doc.on("update", listen);
  applyAsRoom(doc, update);
  doc.off("update", listen);
  return !emitted && isWhole(doc);
}
