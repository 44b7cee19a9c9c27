import * as Y from "yjs";
import { docOf } from "../../support/documents.ts";

/** Whether a document holds everything that an update does: insertions, deletions, and what they refer to. */
export function contains(doc: Y.Doc, update: Uint8Array): boolean {
  let changed = false;
  const note = () => {
    changed = true;
  };
  doc.on("update", note);
  Y.applyUpdate(doc, update);
  doc.off("update", note);
  return !changed && doc.store.pendingStructs === null && doc.store.pendingDs === null;
}

/** Whether two updates that hold whole documents hold the same edits; their content is not looked at. */
export function sameDocument(one: Uint8Array, other: Uint8Array): boolean {
  return contains(docOf(one), other) && contains(docOf(other), one);
}
