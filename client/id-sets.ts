import * as Y from "yjs";

/** Deleted content: for each Yjs client id, runs of clocks. Sorted, and without overlaps. */
export type DeleteSet = ReturnType<typeof Y.createDeleteSet>;

/** How many clocks a set holds. */
export function sizeOf(set: DeleteSet): number {
  let size = 0;
  for (const runs of set.clients.values()) for (const { len } of runs) size += len;
  return size;
}

/** What the first set holds and the second does not. */
export function subtract(set: DeleteSet, removed: DeleteSet): DeleteSet {
  const rest = Y.createDeleteSet();
  for (const [client, runs] of set.clients) {
    const kept = subtractRuns(runs, removed.clients.get(client) ?? []);
    if (kept.length > 0) rest.clients.set(client, kept);
  }
  return rest;
}

interface Run {
  readonly clock: number;
  readonly len: number;
}

function subtractRuns(runs: readonly Run[], removed: readonly Run[]): Run[] {
  const kept: Run[] = [];
  let next = 0;
  for (const run of runs) {
    let start = run.clock;
    const end = run.clock + run.len;
    // Runs are sorted: what ends before this one does not matter to those that follow either.
    while (next < removed.length && endOf(removed[next]) <= start) next++;
    for (let index = next; index < removed.length; index++) {
      const hole = removed[index];
      if (hole === undefined || hole.clock >= end) break;
      if (hole.clock > start) kept.push({ clock: start, len: hole.clock - start });
      start = Math.max(start, endOf(hole));
    }
    if (start < end) kept.push({ clock: start, len: end - start });
  }
  return kept;
}

function endOf(run: Run | undefined): number {
  return run === undefined ? 0 : run.clock + run.len;
}
