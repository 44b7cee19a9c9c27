import type * as Y from "yjs";

/** Deleted content: for each Yjs client id, runs of clocks. Sorted, and without overlaps. */
export type DeleteSet = ReturnType<typeof Y.createDeleteSet>;

/** How many clocks a set holds. */
export function sizeOf(set: DeleteSet): number {
  let size = 0;
  for (const runs of set.clients.values()) for (const { len } of runs) size += len;
  return size;
}
