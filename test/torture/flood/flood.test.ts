import { describe, expect, it } from "vitest";
import { isLong, report, scaled } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { runFlood } from "./flood.ts";
import { FLOOD_BUGS, floodOf } from "./flood-bugs.ts";
import { FLOODS } from "./floods.ts";
import type { Latency } from "./honest.ts";

/** Milliseconds that a loaded machine may need to let a flood empty its bucket. */
const PATIENCE = 120_000;
/** Milliseconds after which a planted bug counts as caught. */
const IMPATIENCE = 12_000;

const show = ({ p50, p99 }: Latency) => `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)} ms`;

describe("a flood", () => {
  it.each(FLOODS)("of $name is closed with its code while 20 others work on", async (flood) => {
    const shapes = scaled({ short: 2_000, long: 10_000 });
    const figures = await runFlood({ flood, honest: 20, shapes, ratePart: isLong ? 1 : 0.1, patience: PATIENCE });
    report(
      `flood of ${flood.name}: ${figures.messages} messages in ${(figures.lastedMs / 1_000).toFixed(1)} s until it was closed, ` +
        `${figures.warnings} warning(s), then ${figures.refusedVisits} visits refused; the room's answer to 20 others ` +
        `before ${show(figures.before)}, meanwhile ${show(figures.meanwhile)}, after ${show(figures.after)}`,
    );
  });
});

describe("catches", { retry: 1 }, () => {
  it.for(FLOOD_BUGS)("$bug", async ({ flood, bug: _, ...plant }, { expect }) => {
    await expect(
      runFlood({ flood, honest: 3, shapes: 2_000, ratePart: 0.1, patience: IMPATIENCE, plant }),
    ).rejects.toThrow(Violation);
  });

  it("nothing where no bug was planted", async () => {
    for (const name of ["step 1", "events", "refused updates"]) {
      await expect(
        runFlood({ flood: floodOf(name), honest: 3, shapes: 2_000, ratePart: 0.1, patience: PATIENCE }),
      ).resolves.toBeDefined();
    }
  });
});
