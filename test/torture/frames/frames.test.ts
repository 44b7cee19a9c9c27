import { describe, expect, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { report, scaled, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { runFrames } from "./frames.ts";

describe("hostile frames", () => {
  it("crash nothing, disturb nobody, and change nothing when they are refused", async () => {
    const started = Date.now();
    const figures = await runFrames({
      seed,
      burst: scaled({ short: 2_000, long: 190_000 }),
      lone: scaled({ short: 200, long: 10_000 }),
      isolate: scaled({ short: 4_000, long: 200_000 }),
    });
    const share = Math.round((100 * figures.structured) / figures.frames);
    report(
      `frames, seed ${seed}: ${figures.frames} through sockets (${share} % structure-aware) in ${figures.rooms} rooms, ` +
        `refused ${JSON.stringify(figures.refusals)}, ${figures.reconnects} sockets reopened; ` +
        `edits in the isolate ${JSON.stringify(figures.outcomes)}; ${figures.taints} taints; ` +
        `${Math.round((Date.now() - started) / 1_000)} s`,
    );
    expect(share).toBeGreaterThan(40);
  });
});

type Sizes = Pick<Parameters<typeof runFrames>[0], "burst" | "lone" | "isolate">;

describe("catches", { retry: 1 }, () => {
  it.each<[string, Plant, sizes?: Sizes]>([
    [
      "a refused frame's author is not the one who is told",
      {
        file: "worker/document/document.ts",
        find: "outcomes.push(outcome);",
        replace: "outcomes.unshift(outcome);",
      },
    ],
    [
      "what is pending is kept",
      {
        file: "worker/document/document.ts",
        find: "    store.pendingStructs = null;\n    store.pendingDs = null;\n    return outcome;",
        replace: "    return outcome;",
      },
    ],
    [
      "what a rejected frame would have added is added",
      {
        file: "worker/document/document.ts",
        find: "if (refusal !== null) return refuse(refusal);",
        replace: "if (refusal !== null) {\n      Y.applyUpdate(doc, update);\n      return refuse(refusal);\n    }",
      },
      { burst: 0, lone: 300, isolate: 0 },
    ],
  ])("%s", async (_bug, plant, sizes = { burst: 0, lone: 0, isolate: 8_000 }) => {
    await expect(runFrames({ seed, ...sizes, shrink: false, plant })).rejects.toThrow(Violation);
  });
});
