import { describe, expect, it } from "vitest";
import type { Run, ScenarioResults } from "../results.ts";
import { DRAWING, hoursCase } from "../scenarios/hours.ts";
import type { ServerName } from "../servers/server.ts";
import { median } from "./columns.ts";
import { costTable } from "./cost.ts";
import { goalsTable } from "./goals.ts";
import { tablesOf } from "./tables.ts";

function results(scenario: string, runs: readonly Pick<Run, "case" | "server" | "repeat" | "result">[]) {
  const common = { at: "2026-11-22T00:00:00.000Z", machineLoad: 0 };
  return { scenario, runs: runs.map((run) => ({ ...common, ...run })) } as unknown as ScenarioResults;
}

/** Each server's seconds for what it delivered 1,000 of, repeat by repeat. */
function saturation(seconds: Partial<Record<ServerName, readonly number[]>>, lost = 0): ScenarioResults {
  const runs = Object.entries(seconds).flatMap(([server, each]) =>
    each.map((one, repeat) => ({
      case: "2 subscribers, 2 write",
      server: server as ServerName,
      repeat,
      result: {
        seconds: one,
        delivered: 1_000,
        frames: 10,
        lost,
        serverCpuSeconds: 2 * one,
        latency: { p50: 3, p95: 4, p99: 5 },
        loadUtilisation: 0.5,
      },
    })),
  );
  return results("updates-saturation", runs);
}

const rowOf = (table: string, beginning: string): string[] =>
  (table.split("\n").find((line) => line.startsWith(`| ${beginning}`)) ?? "").split(" | ");

describe("the median", () => {
  it("is the one in the middle, or between the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([5.5, 6.7])).toBeCloseTo(6.1);
    expect(median([4])).toBe(4);
  });
});

describe("a table", () => {
  it("marks latencies as lower bounds where something was late, and says how much", () => {
    const late = rowOf(tablesOf(saturation({ roomful: [1] }, 7)), "Roomful");
    expect(late).toContain("> 3.0");
    expect(late).toContain("7");
    expect(rowOf(tablesOf(saturation({ roomful: [1] })), "Roomful")).toContain("3.0");
  });
});

describe("a goal", () => {
  const goal = "updates delivered per second, 2 clients";
  const verdict = (seconds: Parameters<typeof saturation>[0]) => {
    const all = saturation(seconds);
    return rowOf(
      goalsTable((scenario) => (scenario === all.scenario ? all : null)),
      goal,
    );
  };

  it("is compared repeat by repeat, not median by median", () => {
    // The machine was three times as slow in the second repeat.
    const [, floor, roomful, , , , reach, reached] = verdict({ relay: [2, 6, 2], roomful: [1, 3, 1] });
    expect([floor, roomful, reach]).toEqual(["raw relay", "2.00 (2.00–2.00)", "≥ 1.2"]);
    expect(reached).toContain("yes");
  });

  it("is not reached when the middle ratio is below it", () => {
    expect(verdict({ relay: [1, 1, 1], roomful: [0.5, 1, 1] }).at(-1)).toContain("**no**");
  });

  it("of a scenario that was not measured is neither", () => {
    expect(goalsTable(() => null)).toContain("not measured");
  });
});

describe("the cost table", () => {
  it("prices messages, requests, rows and seconds of an hour", () => {
    const result = { seconds: 30, messages: 30 * 200, updates: 30 * 100, rowsWritten: 30 * 8 };
    const played = results("hours", [{ case: hoursCase(DRAWING, "own"), server: "roomful", repeat: 0, result }]);
    // An hour: 720,000 messages, 10 upgrades, 28,800 rows (or 360,000, one per update), 3,600 s of 128 MB.
    const others = 0.15 * ((720_000 / 20 + 10) / 1e6) + 3_600 * 0.128 * (12.5 / 1e6);
    const [, own, , , perUpdate] = rowOf(costTable(played), DRAWING.name);
    expect(own).toContain(`**${(1_000 * (others + 28_800 / 1e6)).toFixed(2)}**`);
    expect(perUpdate).toContain(`**${(1_000 * (others + 360_000 / 1e6)).toFixed(2)}**`);
  });
});
