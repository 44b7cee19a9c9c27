import type { TrafficResult } from "../load/job.ts";
import type { ServerName } from "../servers/server.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

const ALL: readonly ServerName[] = ["relay", "roomful", "y-partyserver", "hocuspocus", "y-websocket-server"];

/** What counts as borne: nothing lost, and p99 below this. */
const P99_MS = 250;
/** From one step to the next, as long as it is borne. */
const FACTOR = 4;
/** Then once with each of these: what is found is good to the last. */
const FINER = [2, Math.SQRT2];
const FIRST_RATE = 25;
const HIGHEST_RATE = 60_000;

export interface OpenLoopResult {
  /** Updates per second of all writers together, at the highest step that was borne; 0 if none was. */
  readonly borne: number;
  readonly steps: readonly Step[];
}

interface Step {
  readonly perSecond: number;
  readonly isBorne: boolean;
  readonly result: TrafficResult;
}

function openLoop(subscribers: number, writers: number, size: Size): Case {
  const seconds = { tiny: 0.5, quick: 2, full: 3 }[size];
  const highest = size === "tiny" ? FIRST_RATE : HIGHEST_RATE;
  return {
    name: `${subscribers} subscribers, ${writers} write`,
    servers: ALL,
    measure: async (server): Promise<OpenLoopResult> => {
      const steps: Step[] = [];
      const isBorne = async (perSecond: number): Promise<boolean> => {
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
        const step = { perSecond, isBorne: result.lost === 0 && result.latency.p99 < P99_MS, result };
        steps.push(step);
        return step.isBorne;
      };
      let borne = (await isBorne(FIRST_RATE)) ? FIRST_RATE : 0;
      while (borne > 0 && borne * FACTOR <= highest && (await isBorne(borne * FACTOR))) borne *= FACTOR;
      for (const factor of FINER) {
        if (borne > 0 && borne * factor <= highest && (await isBorne(borne * factor))) borne *= factor;
      }
      return { borne: Math.round(borne), steps };
    },
  };
}

export const openLoopSteps: Scenario = {
  name: "open-loop",
  about: `Writers write at a steady pace, a faster one in each step: the highest with p99 under ${P99_MS} ms and nothing lost.`,
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
