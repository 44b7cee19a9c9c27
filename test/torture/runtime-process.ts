import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Of `/proc/net/tcp`: the state of a socket that listens. */
const LISTENING = "0A";

/**
 * The process that listens on a port of the loopback: the runtime of one server among others.
 * @returns `null` where there is no `/proc` to look it up in
 */
export function processListeningOn(port: number): number | null {
  try {
    const inode = listeningInode(port);
    if (inode === null) return null;
    for (const pid of readdirSync("/proc")) if (/^\d+$/.test(pid) && hasSocket(pid, inode)) return Number(pid);
  } catch {
    // No such folder here.
  }
  return null;
}

function listeningInode(port: number): string | null {
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [, local = "", , state] = columns;
    if (state === LISTENING && Number.parseInt(local.split(":")[1] ?? "", 16) === port) return columns[9] ?? null;
  }
  return null;
}

function hasSocket(pid: string, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
  } catch {
    // Somebody else's, or it has just ended.
    return false;
  }
}

/** Resident bytes of a process; `null` when they can't be read. */
export function residentBytes(pid: number | null): number | null {
  if (pid === null) return null;
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** Clock ticks in a second, as `/proc` counts them on every Linux that Node runs on. */
const TICKS = 100;

/** Seconds of processor time that a process has used; `null` when they can't be read. */
export function processorSeconds(pid: number | null): number | null {
  if (pid === null) return null;
  try {
    // After the name, which is in parentheses and may hold anything.
    const columns = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(columns[11]) + Number(columns[12])) / TICKS;
  } catch {
    return null;
  }
}

/** Bytes in words. */
export function megabytes(bytes: number | null): string {
  return bytes === null ? "unknown" : `${(bytes / 1e6).toFixed(1)} MB`;
}
