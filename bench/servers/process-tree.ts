import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** What a process and its children used and hold. */
export interface ProcessUse {
  /** User and system time of all threads, in seconds, since each started. */
  readonly cpuSeconds: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
}

/** Reads the figures of a tree of processes from `/proc`; on another system than Linux they are zero. */
export function useOf(root: number): ProcessUse {
  let cpuSeconds = 0;
  let residentBytes = 0;
  for (const pid of treeOf(root)) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === null) continue;
    // The second field, the name, may have spaces in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    residentBytes += Number(fields[21]) * PAGE_BYTES;
  }
  return { cpuSeconds, residentBytes };
}

function treeOf(root: number): number[] {
  const pids = [root];
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) {
      const children = read(`/proc/${pid}/task/${thread}/children`)?.trim();
      if (children) pids.push(...children.split(" ").map(Number));
    }
  }
  return pids;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
