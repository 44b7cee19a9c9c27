import { describe, expect, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { report, scaled, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { runConvergence } from "./convergence.ts";

const CLIENTS = 8;
/** Courses side by side, since much of each is waiting. */
const LANES = 2;

describe.concurrent("convergence", () => {
  it.for(Array.from({ length: LANES }, (_, lane) => lane))(
    "[SYNC-2] all clients, the room and a cold load agree after any course of events (lane %i)",
    async (lane) => {
      const figures = await runConvergence({
        seed: seed + lane,
        runs: scaled({ short: 6, long: 200 }) / LANES,
        clients: CLIENTS,
        maxSteps: 2 * CLIENTS * scaled({ short: 40, long: 500 }),
      });
      report(`convergence, seed ${seed + lane}: ${JSON.stringify(figures)}`);
      expect(figures.steps).toBeGreaterThan(0);
    },
  );
});

describe.concurrent("the convergence suite catches", { retry: 1 }, () => {
  const bugs: [string, Plant][] = [
    [
      "a room that does not ask for what it lacks",
      { file: "worker/sync/catch-up.ts", find: "else this.#ask(session);", replace: "" },
    ],
    [
      "a room that keeps an update from all its authors when there are several",
      { file: "worker/sync/sync.ts", find: "authors.size === 1 ? author : undefined", replace: "author" },
    ],
    [
      "a deletion that is taken for nothing new",
      {
        file: "worker/document/update-effect.ts",
        find: "if (!struct.deleted) return true;",
        replace: "if (!struct.deleted) return false;",
      },
    ],
    [
      "a commit that forgets the last update",
      {
        file: "worker/sync/persistence.ts",
        find: "this.#store.append(this.#uncommitted);",
        replace: "this.#store.append(this.#uncommitted.slice(0, -1));",
      },
    ],
  ];

  it.for(bugs)("%s", async ([, plant]) => {
    const run = runConvergence({ seed: 1, runs: 3, clients: 6, maxSteps: 300, plant });
    await expect(run).rejects.toThrow(Violation);
  });
});
