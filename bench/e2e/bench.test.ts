import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COLUMNS } from "../report/columns.ts";
import { casesOf, serversOf, tablesOf, valuesOf } from "../report/tables.ts";
import { readResults } from "../results.ts";

const SCENARIOS = ["updates-saturation", "cursors-saturation", "burst"];

describe("the bench, run as small as can be with a room and a raw relay", () => {
  const folder = mkdtempSync(join(tmpdir(), "roomful-bench-results-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(async () => {
    const given = [...SCENARIOS, "--tiny", "--only", "roomful,relay", "--results", folder];
    await promisify(execFile)(process.execPath, ["bench/run.ts", ...given]);
  }, 400_000);

  it.each(SCENARIOS)("%s measures both", (scenario) => {
    const results = readResults(scenario, folder);
    if (results === null) throw new Error("no results");
    const [name = ""] = casesOf(results.runs);
    expect(serversOf(results.runs, name).toSorted()).toEqual(["relay", "roomful"]);
    for (const { result, error } of results.runs) {
      expect(error).toBeUndefined();
      expect(result).toMatchObject({ lost: 0 });
      expect(result).toHaveProperty("delivered");
    }
    for (const column of COLUMNS[scenario] ?? []) {
      for (const value of valuesOf(column, results.runs)) expect(value).toBeGreaterThanOrEqual(0);
    }
    const table = tablesOf(results);
    expect(table).toContain("| Roomful |");
    expect(table).not.toMatch(/NaN|Infinity|failed/);
  });

  it("a burst is delivered whole by both", () => {
    const delivered = readResults("burst", folder)?.runs.map(
      ({ result }) => (result as { delivered: number }).delivered,
    );
    expect(delivered).toEqual([2_000, 2_000]);
  });
});
