import type { BurstResult, JoinResult, TrafficResult, Usage } from "../load/job.ts";
import { TIMEOUT_SECONDS } from "../scenarios/burst.ts";
import type { HoursResult } from "../scenarios/hours.ts";
import type { IdleScenarioResult } from "../scenarios/idle.ts";
import type { OpenLoopResult } from "../scenarios/open-loop.ts";
import type { StorageResult } from "../scenarios/storage.ts";

/** One figure of a measurement, as a column of a table. */
export interface Column {
  readonly title: string;
  readonly digits: number;
  /** `null` where the server has no such figure. */
  value(result: object): number | null;
  /** Whether it would have been more, had there been more time. */
  isCutOff(result: object): boolean;
}

interface JoinsResult {
  readonly cold: JoinResult | null;
  readonly warm: JoinResult;
}

function column<Result>(
  title: string,
  digits: number,
  value: (result: Result) => number | null,
  isCutOff: (result: Result) => boolean = () => false,
): Column {
  return {
    title,
    digits,
    value: (result) => value(result as Result),
    isCutOff: (result) => isCutOff(result as Result),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  const [lower = Number.NaN, upper = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return (lower + upper) / 2;
}

const DELIVERED = column<TrafficResult>("delivered per s", 0, ({ delivered, seconds }) => delivered / seconds);
const CPU_PER_DELIVERED = column<TrafficResult>(
  "server CPU per delivered, µs",
  2,
  ({ serverCpuSeconds, delivered }) => (serverCpuSeconds / delivered) * 1e6,
);
const DELIVERED_PER_CPU = column<TrafficResult>(
  "delivered per CPU second",
  0,
  ({ serverCpuSeconds, delivered }) => delivered / serverCpuSeconds,
);
const SERVER_CPU = column<TrafficResult>(
  "server CPU, cores",
  2,
  ({ serverCpuSeconds, seconds }) => serverCpuSeconds / seconds,
);
/** What was late is not among the samples. */
const isLate = ({ lost }: TrafficResult) => lost > 0;
const P50 = column<TrafficResult>("p50, ms", 1, ({ latency }) => latency.p50, isLate);
const P95 = column<TrafficResult>("p95, ms", 1, ({ latency }) => latency.p95, isLate);
const P99 = column<TrafficResult>("p99, ms", 1, ({ latency }) => latency.p99, isLate);
const FRAMES = column<TrafficResult>("frames per s", 0, ({ frames, seconds }) => frames / seconds);
const LOST = column<TrafficResult>("late", 0, ({ lost }) => lost);
/** Older results of some scenarios don't have it. */
const GENERATOR = column<Partial<Usage>>("generator, cores", 2, ({ loadUtilisation }) => loadUtilisation ?? null);
const MEMORY = column<TrafficResult>("memory, MB", 0, ({ residentBytes }) => residentBytes / 1e6);

const SATURATION = [DELIVERED, DELIVERED_PER_CPU, CPU_PER_DELIVERED, FRAMES, P50, P99, LOST, SERVER_CPU, GENERATOR];
const PACED = [CPU_PER_DELIVERED, SERVER_CPU, P50, P95, P99, FRAMES, LOST, GENERATOR, MEMORY];

export const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  "updates-saturation": SATURATION,
  "cursors-saturation": SATURATION,
  "updates-fixed-rate": PACED,
  "cursors-fixed-rate": PACED,
  "many-rooms": PACED,
  "open-loop": [
    column<OpenLoopResult>("borne, updates per s", 0, ({ borne }) => borne),
    column<OpenLoopResult>("p99 at that, ms", 1, ({ steps }) => {
      const step = steps.filter(({ isBorne }) => isBorne).at(-1);
      return step === undefined ? null : step.result.latency.p99;
    }),
  ],
  absence: [
    column<JoinResult>("bytes to the client", 0, ({ bytes }) => bytes),
    column<JoinResult>("ms", 1, ({ milliseconds }) => median(milliseconds)),
    GENERATOR,
  ],
  storage: [
    column<StorageResult>("rows per 1,000 updates", 1, ({ rowsWritten, updates }) => (1000 * rowsWritten) / updates),
    column<StorageResult>("rows per s", 1, ({ rowsWritten, seconds }) => rowsWritten / seconds),
    column<StorageResult>(
      "bytes per byte of updates",
      2,
      ({ bytesWritten, payloadBytes }) => bytesWritten / payloadBytes,
    ),
    column<StorageResult>("bytes per 1,000 updates", 0, ({ bytesWritten, updates }) => (1000 * bytesWritten) / updates),
    GENERATOR,
  ],
  hours: [
    column<HoursResult>("messages to the room per s", 1, ({ messages, seconds }) => messages / seconds),
    column<HoursResult>("updates among them", 1, ({ updates, seconds }) => updates / seconds),
    column<HoursResult>("rows per s, later deletions included", 2, ({ rowsWritten, seconds }) => rowsWritten / seconds),
    column<HoursResult>("bytes to the people per s", 0, ({ bytes, seconds }) => bytes / seconds),
    column<HoursResult>("server CPU, cores", 2, ({ serverCpuSeconds, seconds }) => serverCpuSeconds / seconds),
    GENERATOR,
  ],
  idle: [
    column<IdleScenarioResult>("events per hour", 0, ({ events, seconds }) => (3600 * events) / seconds),
    column<IdleScenarioResult>("hibernated (1 is yes)", 0, ({ hibernated }) => (hibernated ? 1 : 0)),
    column<IdleScenarioResult>("bytes to the clients per s", 0, ({ bytes, seconds }) => bytes / seconds),
    GENERATOR,
  ],
  wake: [
    column<TrafficResult>("from the edit to the other, median ms", 1, ({ latency }) => latency.p50),
    column<TrafficResult>("most, ms", 1, ({ latency }) => latency.max),
    column<TrafficResult>("edits", 0, ({ latency }) => latency.count),
    column<TrafficResult>(
      "server CPU per edit, ms",
      1,
      ({ serverCpuSeconds, delivered }) => (serverCpuSeconds * 1000) / delivered,
    ),
    GENERATOR,
  ],
  joins: [
    column<JoinsResult>("warm, median ms", 1, ({ warm }) => median(warm.milliseconds)),
    column<JoinsResult>("warm, least ms", 1, ({ warm }) => Math.min(...warm.milliseconds)),
    column<JoinsResult>("cold, median ms", 1, ({ cold }) => (cold === null ? null : median(cold.milliseconds))),
    column<JoinsResult>(
      "CPU per warm join, ms",
      1,
      ({ warm }) => (warm.serverCpuSeconds * 1000) / warm.milliseconds.length,
    ),
    column<JoinsResult>("CPU per cold join, ms", 1, ({ cold }) =>
      cold === null ? null : (cold.serverCpuSeconds * 1000) / cold.milliseconds.length,
    ),
    column<JoinsResult>("bytes to one joiner", 0, ({ warm }) => warm.bytes),
    column<JoinsResult>("memory, MB", 0, ({ warm }) => warm.residentBytes / 1e6),
    column<{ readonly warm: Partial<Usage> }>("generator, cores", 2, ({ warm }) => warm.loadUtilisation ?? null),
  ],
  burst: [
    column<BurstResult>(
      "seconds until all was delivered",
      2,
      ({ seconds }) => seconds,
      // A timer may go off a millisecond early.
      ({ seconds }) => seconds > TIMEOUT_SECONDS - 0.01,
    ),
    column<BurstResult>("delivered", 0, ({ delivered }) => delivered),
    column<BurstResult>("joiner served after, ms", 0, ({ joinMilliseconds }) => joinMilliseconds),
    column<BurstResult>("server CPU, s", 2, ({ serverCpuSeconds }) => serverCpuSeconds),
    column<BurstResult>("frames to the subscriber", 0, ({ frames }) => frames),
    column<BurstResult>("memory, MB", 0, ({ residentBytes }) => residentBytes / 1e6),
    GENERATOR,
  ],
};
