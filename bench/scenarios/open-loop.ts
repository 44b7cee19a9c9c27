import type { TrafficResult } from "../load/job.ts";
import type { ServerName } from "../servers/server.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

const ALL: readonly ServerName[] = ["relay", "roomful", "y-partyserver", "hocuspocus", "y-websocket-server"];

/** What counts as borne: nothing lost, and p99 below this. */
const P99_MS = 250;
/** Each step asks for so many times the rate of the one before. */
const STEP = 1.5;
const FIRST_RATE = 100;
const HIGHEST_RATE = 60_000;

export interface OpenLoopResult {
  /** Updates per second of all writers together, at the highest step that was borne; 0 if none was. */
  readonly borne: number;
  readonly steps: readonly { readonly perSecond: number; readonly isBorne: boolean; readonly result: TrafficResult }[];
}

function openLoop(subscribers: number, writers: number, size: Size): Case {
  const seconds = { tiny: 0.5, quick: 2, full: 3 }[size];
  const first = size === "tiny" ? HIGHEST_RATE / STEP : FIRST_RATE;
  return {
    name: `${subscribers} subscribers, ${writers} write`,
    servers: ALL,
    measure: async (server): Promise<OpenLoopResult> => {
      const steps: OpenLoopResult["steps"][number][] = [];
      for (let perSecond = first; perSecond <= HIGHEST_RATE; perSecond = Math.round(perSecond * STEP)) {
        // A server of its own for each step: what the one before left undone is not to be borne by this one.
        const result = await withServer(server, ({ run }) =>
          run({
            kind: "traffic",
            content: "updates",
            rooms: 1,
            subscribers,
            writers,
            pace: { kind: "rate", perSecond: perSecond / writers },
            warmupSeconds: seconds / 2,
            seconds,
          }),
        );
        const isBorne = result.lost === 0 && result.latency.p99 < P99_MS;
        steps.push({ perSecond, isBorne, result });
        if (!isBorne) break;
      }
      return { borne: steps.filter(({ isBorne }) => isBorne).at(-1)?.perSecond ?? 0, steps };
    },
  };
}

export const openLoopSteps: Scenario = {
  name: "open-loop",
  about: `Writers write at a pace that grows by half each step: the highest with p99 under ${P99_MS} ms and nothing lost.`,
  repeats: { tiny: 1, quick: 1, full: 3 },
  cases: (size) => {
    const loads = {
      tiny: [[2, 1]],
      quick: [[50, 10]],
      full: [
        [2, 1],
        [10, 5],
        [50, 10],
        [100, 10],
        [500, 20],
      ],
    } as const;
    return loads[size].map(([subscribers, writers]) => openLoop(subscribers, writers, size));
  },
};
