import * as Y from "yjs";

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

/** The document that a state is. */
export function docOf(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc();
  applyAsRoom(doc, state);
  return doc;
}
