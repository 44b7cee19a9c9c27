import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { isLong, seed } from "../support/scale.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { Violation } from "../support/violation.ts";
import { runCrafted, runRegression, type Way } from "./corpus.ts";
import { CRAFTED, type Crafted } from "./crafted-frames.ts";
import { REGRESSIONS } from "./regressions.ts";

const WAYS: readonly Way[] = ["roomful.v1", "stock", "rpc"];

function waysOf(entry: Crafted): readonly Way[] {
  return WAYS.filter((way) => way !== "rpc" || entry.updates !== undefined);
}

/** Every entry by every way; in the short form the light ones, each by one way. */
const cases = CRAFTED.flatMap((entry, index): [string, Way, Crafted][] => {
  const ways = waysOf(entry);
  if (isLong) return ways.map((way) => [entry.name, way, entry]);
  const way = ways[(index + seed) % ways.length];
  return way === undefined || entry.isHeavy === true ? [] : [[entry.name, way, entry]];
});

describe("crafted frames", () => {
  let server: TorturedServer;

  beforeAll(async () => {
    server = await TorturedServer.start();
  });

  afterAll(() => server?.stop());

  // Many at once, since each waits for commits most of the time; one by one where the time of an answer is demanded
  // of a room that has much to do.
  it.each(cases.filter(([, , { isHeavy }]) => isHeavy === true))("%s, by %s", async (_name, way, entry) => {
    await runCrafted(server, entry, way);
  });

  it.concurrent.each(cases.filter(([, , { isHeavy }]) => isHeavy !== true))("%s, by %s", async (_name, way, entry) => {
    await runCrafted(server, entry, way);
  });

  it.each(REGRESSIONS)("$name", async (regression) => {
    await runRegression(server, regression);
  });
});

describe("catches", { retry: 1 }, () => {
  const crafted = (name: string) => {
    const entry = CRAFTED.find((candidate) => candidate.name === name);
    if (entry === undefined) throw new Error(`no entry ${name}`);
    return entry;
  };

  it.concurrent.each<[string, string, Way, Plant]>([
    [
      "presence claims of others' ids are granted at once",
      "a claim to a participant's presence",
      "roomful.v1",
      {
        file: "worker/people/presence.ts",
        find: "if (subject !== undefined && subject === holder.state.grant.subject) {",
        replace: "if (subject === holder.state.grant.subject) {",
      },
    ],
    [
      "an update's order of deletions is not checked",
      "deletions that overlap",
      "roomful.v1",
      {
        file: "worker/document/update-shape.ts",
        find: 'if (clock < end) fail("deletions out of order");',
        replace: "",
      },
    ],
    [
      "a key that would replace a prototype is not checked",
      "__proto__ as a key",
      "rpc",
      {
        file: "worker/document/update-shape.ts",
        find: 'if (key === "__proto__") fail("the name __proto__");',
        replace: "",
      },
    ],
    [
      "what waits in memory for what is missing stays there",
      "a participant's far clocks, garbage-collected",
      "roomful.v1",
      {
        file: "worker/document/document.ts",
        find: "    store.pendingStructs = null;\n    store.pendingDs = null;\n    return outcome;",
        replace: "    return outcome;",
      },
    ],
    [
      "memory is not read again after a throw",
      "two items that wait for each other, among honest frames",
      "roomful.v1",
      {
        file: "worker/document/document.ts",
        find: "this.discard();\n      const refusal",
        replace: "const refusal",
      },
    ],
    [
      "what was applied before a throw is forgotten",
      "two items that wait for each other, among honest frames",
      "roomful.v1",
      {
        file: "worker/document/document.ts",
        find: "updates.push(...taken.updates);",
        replace: "",
      },
    ],
  ])("%s", async (_bug, name, way, plant) => {
    // Wide, and in strict mode always so, for the frames of one entry to share a window also when the machine is busy.
    const server = await TorturedServer.start({ plant, settings: { COALESCE_MS: "200", STRICT: "true" } });
    try {
      await expect(runCrafted(server, crafted(name), way)).rejects.toThrow(Violation);
    } finally {
      await server.stop();
    }
  });
});
