import * as Y from "yjs";

/** Applies updates that the room emitted before. @throws what Yjs throws; the document is in an unknown state then */
export function replay(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  transactUnobserved(doc, () => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
}

/** A new document of the updates before the first one that makes Yjs throw. */
export function replayUntilThrow(updates: readonly Uint8Array[]): Y.Doc {
  const trial = new Y.Doc();
  let good = 0;
  try {
    for (const update of updates) {
      replay(trial, [update]);
      good++;
    }
  } catch {
    // A document in which Yjs threw can't be used.
  }
  const doc = new Y.Doc();
  replay(doc, updates.slice(0, good));
  return doc;
}

/**
 * A transaction that leaves out what Yjs does for observers, of which a room has none. Yjs would remove redundant
 * formatting as an edit of its own, and the room would hold what no client wrote. Yjs would also list each changed type
 * with its ancestors, which turns a few nested kilobytes into hundreds of megabytes.
 */
export function transactUnobserved(doc: Y.Doc, work: () => void): void {
  doc.transact((transaction) => {
    try {
      work();
    } finally {
      transaction.changed.clear();
    }
  });
}
