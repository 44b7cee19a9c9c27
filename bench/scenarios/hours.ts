import type { PeopleResult } from "../load/job.ts";
import type { ServerName } from "../servers/server.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

/** What people do in a room for an hour. */
export interface Scene {
  readonly name: string;
  readonly people: number;
  /** How many of them edit, each so often, while anybody does anything. */
  readonly editors: number;
  readonly updatesPerSecond: number;
  /** How many of them move their pointers, each so often. */
  readonly movers: number;
  readonly cursorsPerSecond: number;
  /** Of the hour in which somebody does something. */
  readonly busySeconds: number;
  /** How often that begins. */
  readonly busySpells: number;
}

const HOUR = 3_600;

export const DRAWING: Scene = {
  name: "10 people draw without a pause, cursors at 30 Hz",
  people: 10,
  editors: 10,
  updatesPerSecond: 20,
  movers: 10,
  cursorsPerSecond: 30,
  busySeconds: HOUR,
  busySpells: 1,
};

export const SCENES: readonly Scene[] = [
  DRAWING,
  {
    name: "2 people type for half of the time, in spells of a minute",
    people: 2,
    editors: 2,
    updatesPerSecond: 3,
    movers: 2,
    cursorsPerSecond: 3,
    busySeconds: HOUR / 2,
    busySpells: 30,
  },
  {
    name: "50 people, 5 of whom edit and 10 move",
    people: 50,
    editors: 5,
    updatesPerSecond: 5,
    movers: 10,
    cursorsPerSecond: 10,
    busySeconds: HOUR,
    busySpells: 1,
  },
  {
    name: "100 people look on, nobody does anything",
    people: 100,
    editors: 0,
    updatesPerSecond: 0,
    movers: 0,
    cursorsPerSecond: 0,
    busySeconds: 0,
    busySpells: 0,
  },
];

/** Which clients people have. */
export type Clients = "own" | "stock";

export const hoursCase = (scene: Scene, clients: Clients): string => `${scene.name}: ${clients} clients`;

export interface HoursResult extends PeopleResult {
  /** Rows that were written, and those that will be when what is logged is folded away. */
  readonly rowsWritten: number;
}

interface Figures {
  readonly storage: { readonly rowsWritten: number; readonly logRows?: number };
}

function measured(scene: Scene, clients: Clients, servers: readonly ServerName[], size: Size): Case {
  // Whole turns of renewals.
  const seconds = { tiny: 1, quick: 15, full: 30 }[size];
  const settleSeconds = { tiny: 0.5, quick: 4, full: 16 }[size];
  const { people, editors, updatesPerSecond, movers, cursorsPerSecond } = scene;
  return {
    name: hoursCase(scene, clients),
    servers,
    measure: (server) =>
      withServer(server, async ({ server: launched, run }): Promise<HoursResult> => {
        const result = await run({
          kind: "people",
          stock: clients === "stock" ? people : 0,
          own: clients === "own" ? people : 0,
          editors,
          updatesPerSecond,
          movers,
          cursorsPerSecond,
          settleSeconds,
          seconds,
        });
        // Not meanwhile: a server that can't keep up answers only when the people have left.
        const { storage } = await launched.figures<Figures>("people");
        const rows = storage.rowsWritten + (storage.logRows ?? 0);
        return { ...result, rowsWritten: (rows * result.seconds) / (settleSeconds + result.seconds) };
      }),
  };
}

export const hours: Scenario = {
  name: "hours",
  about:
    "What people's hours ask of a room: messages to it, with all that their clients send of their own accord, and rows.",
  repeats: { tiny: 1, quick: 1, full: 1 },
  cases: (size) =>
    SCENES.flatMap((scene) => [
      measured(scene, "own", ["roomful"], size),
      measured(scene, "stock", ["roomful", "y-partyserver"], size),
    ]),
};
