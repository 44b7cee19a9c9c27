import { useOf } from "../servers/process-tree.ts";
import type { Usage } from "./job.ts";

/** Starts to count what the server, whose process this is, and the load generator use. @returns what reads it */
export function meter(pid: number): () => Usage {
  const before = useOf(pid);
  const ownBefore = process.cpuUsage();
  const started = performance.now();
  return () => {
    const after = useOf(pid);
    const own = process.cpuUsage(ownBefore);
    return {
      serverCpuSeconds: after.cpuSeconds - before.cpuSeconds,
      residentBytes: after.residentBytes,
      loadUtilisation: (own.user + own.system) / 1000 / (performance.now() - started),
    };
  };
}
