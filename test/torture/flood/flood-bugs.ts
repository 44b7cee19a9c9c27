import type { Plant } from "../../support/plant.ts";
import { FLOODS, type Flood } from "./floods.ts";

interface FloodBug extends Plant {
  readonly bug: string;
  readonly flood: Flood;
}

export function floodOf(name: string): Flood {
  const flood = FLOODS.find((one) => one.name === name);
  if (flood === undefined) throw new Error(`no flood of ${name}`);
  return flood;
}

/** What a flood shows on any machine; what each thing costs is tested without one, in `worker/`. */
export const FLOOD_BUGS: readonly FloodBug[] = [
  {
    bug: "a bucket is never emptied",
    flood: floodOf("events"),
    file: "worker/metering/budget.ts",
    find: "    this.#missing = missing;\n",
    replace: "",
  },
  {
    bug: "nothing is taken in addition from who emptied a bucket",
    flood: floodOf("step 1"),
    file: "worker/metering/budget.ts",
    find: "missing + this.#rate * PENALTY_SECONDS",
    replace: "size + 1",
  },
  {
    bug: "who left is forgotten",
    flood: floodOf("events"),
    file: "worker/room/door.ts",
    find: "limiter.settle(session);",
    replace: "",
  },
  {
    bug: "refused updates are free",
    flood: floodOf("refused updates"),
    file: "worker/sync/sync.ts",
    find: 'return ["refusals", frame + editCost(work, 0, size) + refusalCost(outcome.refusal.code)];',
    replace: 'return ["refusals", 0];',
  },
  {
    bug: "an empty bucket closes nobody",
    flood: floodOf("large cursors"),
    file: "worker/metering/limiter.ts",
    find: "        session.end(",
    replace: "        void (",
  },
];
