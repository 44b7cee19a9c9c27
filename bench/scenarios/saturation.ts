import type { ServerName } from "../servers/server.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

/**
 * Edits of all writers together that may be under way to the slowest subscriber: enough that nobody who gathers them for
 * some tens of milliseconds waits for the writers.
 */
const IN_FLIGHT = 2_000;

const ALL: readonly ServerName[] = [
  "relay",
  "roomful",
  "y-partyserver",
  "hocuspocus",
  "y-websocket-server",
  "node-relay",
];

const SECONDS = { tiny: 1, quick: 4, full: 6 } as const;
const WARMUP_SECONDS = { tiny: 0.5, quick: 2, full: 2 } as const;

function saturation(content: "updates" | "cursors", subscribers: number, writers: number, size: Size): Case {
  return {
    name: content === "updates" ? `${subscribers} subscribers, ${writers} write` : `${subscribers} people`,
    servers: ALL,
    measure: (name) =>
      withServer(name, ({ run }) =>
        run({
          kind: "traffic",
          content,
          rooms: 1,
          subscribers,
          writers,
          pace: { kind: "window", inFlight: Math.ceil(IN_FLIGHT / writers) },
          warmupSeconds: WARMUP_SECONDS[size],
          seconds: SECONDS[size],
        }),
      ),
  };
}

export const updatesSaturation: Scenario = {
  name: "updates-saturation",
  about: `Writers send as fast as their edits reach the slowest subscriber, ${IN_FLIGHT} under way at most.`,
  repeats: { tiny: 1, quick: 2, full: 5 },
  cases: (size) => {
    const sizes = {
      tiny: [[2, 2]],
      quick: [
        [2, 2],
        [50, 10],
        [100, 10],
      ],
      full: [
        [2, 2],
        [10, 5],
        [50, 10],
        [100, 10],
        [500, 20],
      ],
    } as const;
    return sizes[size].map(([subscribers, writers]) => saturation("updates", subscribers, writers, size));
  },
};

export const cursorsSaturation: Scenario = {
  name: "cursors-saturation",
  about: `Everybody moves the pointer as fast as the others see it, ${IN_FLIGHT} states under way at most.`,
  repeats: { tiny: 1, quick: 2, full: 5 },
  cases: (size) => {
    const people = { tiny: [3], quick: [30], full: [10, 30, 100] } as const;
    return people[size].map((count) => saturation("cursors", count, count, size));
  },
};
