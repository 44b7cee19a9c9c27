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

export const FLOOD_BUGS: readonly FloodBug[] = [
  {
    bug: "a bucket is never emptied",
    flood: floodOf("events"),
    file: "worker/budget.ts",
    find: "this.#missing[kind] = missing;",
    replace: "",
  },
  {
    bug: "nothing is taken in addition from who emptied a bucket",
    flood: floodOf("step 1"),
    file: "worker/budget.ts",
    find: "missing + rate * PENALTY_SECONDS",
    replace: "full + 1",
  },
  {
    bug: "who left is forgotten",
    flood: floodOf("events"),
    file: "worker/room.ts",
    find: "this.#limiter.left(session);",
    replace: "",
  },
  {
    bug: "refused updates are free",
    flood: floodOf("refused updates"),
    file: "worker/sync.ts",
    find: 'this.#limiter.spend(session, "refusals", cost);',
    replace: "void cost;",
  },
  {
    bug: "of an update its frame is paid, and not what it makes the room do",
    flood: floodOf("updates of many items"),
    file: "worker/prices.ts",
    find: "    ITEM * items +",
    replace: "",
  },
  {
    bug: "what is closed for asking too much is read on",
    flood: floodOf("events"),
    file: "worker/room.ts",
    find: "    this.#closed(session.socket, ERRORS[code].close);",
    replace: "",
  },
  {
    bug: "an empty bucket closes nobody",
    flood: floodOf("large cursors"),
    file: "worker/limiter.ts",
    find: "        this.#options.dismiss(",
    replace: "        void (",
  },
  {
    bug: "an answer to step 1 costs the same whatever its size",
    flood: floodOf("step 1"),
    file: "worker/sync.ts",
    find: 'if (!this.#limiter.spend(session, "joins", price.ofAnswer(answer.length))) return;',
    replace: "",
  },
];
