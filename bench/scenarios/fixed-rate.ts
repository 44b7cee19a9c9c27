import type { ServerName } from "../servers/server.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

const ALL: readonly ServerName[] = [
  "relay",
  "relay-commit",
  "roomful",
  "y-partyserver",
  "hocuspocus",
  "y-websocket-server",
];

const SECONDS = { tiny: 1, quick: 5, full: 10 } as const;
const WARMUP_SECONDS = { tiny: 0.5, quick: 2, full: 3 } as const;

interface Load {
  readonly content: "updates" | "cursors";
  readonly rooms?: number;
  readonly subscribers: number;
  readonly writers: number;
  /** Of one writer. */
  readonly perSecond: number;
}

function atRate(name: string, size: Size, { rooms = 1, perSecond, ...load }: Load): Case {
  return {
    name,
    servers: ALL,
    measure: (server) =>
      withServer(server, ({ run }) =>
        run({
          kind: "traffic",
          rooms,
          ...load,
          pace: { kind: "rate", perSecond },
          warmupSeconds: WARMUP_SECONDS[size],
          seconds: SECONDS[size],
        }),
      ),
  };
}

export const updatesFixedRate: Scenario = {
  name: "updates-fixed-rate",
  about: "Each writer writes at a steady pace: what an update costs the server, and when it arrives.",
  repeats: { tiny: 1, quick: 2, full: 5 },
  cases: (size) => {
    const loads = {
      tiny: [[2, 1, 20]],
      quick: [[50, 10, 20]],
      full: [
        [2, 1, 20],
        [10, 5, 20],
        [50, 10, 20],
        [100, 10, 20],
        [500, 20, 5],
      ],
    } as const;
    return loads[size].map(([subscribers, writers, perSecond]) =>
      atRate(`${subscribers} subscribers, ${writers} write ${perSecond} per s`, size, {
        content: "updates",
        subscribers,
        writers,
        perSecond,
      }),
    );
  },
};

export const cursorsFixedRate: Scenario = {
  name: "cursors-fixed-rate",
  about: "Everybody moves the pointer 30 times a second.",
  repeats: { tiny: 1, quick: 2, full: 5 },
  cases: (size) => {
    const people = { tiny: [3], quick: [30], full: [10, 30, 100] }[size];
    return people.map((count) =>
      atRate(`${count} people at 30 Hz`, size, {
        content: "cursors",
        subscribers: count,
        writers: count,
        perSecond: 30,
      }),
    );
  },
};

export const manyRooms: Scenario = {
  name: "many-rooms",
  about: "Rooms of two people who each write 10 updates a second, all on one server.",
  repeats: { tiny: 1, quick: 1, full: 5 },
  cases: (size) => {
    const rooms = { tiny: [3], quick: [200], full: [200, 1000] }[size];
    return rooms.map((count) =>
      atRate(`${count} rooms`, size, {
        content: "updates",
        rooms: count,
        subscribers: 2,
        writers: 2,
        // As many updates in all: a thousand rooms at ten a second are more than a core can take.
        perSecond: count > 200 ? 2 : 10,
      }),
    );
  },
};
