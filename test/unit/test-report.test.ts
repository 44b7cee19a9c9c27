import { describe, expect, it } from "vitest";
import { MOST_RETRIED, sumUp, type TestReport, type TestRun } from "../../scripts/test-report.ts";

/** The report of a run in which so many tests passed at once, and those named at their second try. */
function reportOf(passed: number, retried: readonly string[], { failed = 0, skipped = 0 } = {}): TestReport {
  const resultOf = (fullName: string, status: string, failureMessages: string[]) => ({
    fullName,
    status,
    failureMessages,
  });
  return {
    numPassedTests: passed + retried.length,
    numFailedTests: failed,
    numPendingTests: skipped,
    testResults: [
      { assertionResults: Array.from({ length: passed }, (_, index) => resultOf(`at once ${index}`, "passed", [])) },
      {
        assertionResults: [
          ...retried.map((name) => resultOf(name, "passed", ["AssertionError: the first try"])),
          ...Array.from({ length: failed }, (_, index) => resultOf(`never ${index}`, "failed", ["one", "two"])),
        ],
      },
    ],
  };
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `late ${index}`);

describe("the sum of a test run", () => {
  it("names the tests that passed only by a second try, and ends with the counts", () => {
    const runs: TestRun[] = [
      { passed: true, report: reportOf(10, ["room one"]) },
      { passed: true, report: reportOf(5, ["page two"]) },
    ];
    expect(sumUp(runs)).toEqual({
      passed: true,
      lines: ["2 passed only by a second try", "  room one", "  page two", "17 passed, 0 failed"],
    });
  });

  it("counts no second try of a test that failed at that too, and tells what was skipped", () => {
    const run: TestRun = { passed: false, report: reportOf(3, [], { failed: 2, skipped: 4 }) };
    expect(sumUp([run])).toEqual({
      passed: false,
      lines: ["0 passed only by a second try", "3 passed, 2 failed, 4 skipped"],
    });
  });

  it("passes at the bound of second tries, and fails above it", () => {
    const runOf = (count: number): TestRun[] => [{ passed: true, report: reportOf(1, names(count)) }];
    expect(sumUp(runOf(MOST_RETRIED)).passed).toBe(true);
    const above = sumUp(runOf(MOST_RETRIED + 1));
    expect(above.passed).toBe(false);
    expect(above.lines.at(0)).toBe("4 passed only by a second try, more than the 3 that may");
    expect(above.lines.at(-1)).toBe("5 passed, 1 failed");
  });

  it("counts a run that failed without a failed test, and one without a report, as a failure each", () => {
    const runs: TestRun[] = [
      { passed: false, report: reportOf(2, []) },
      { passed: true, report: null },
    ];
    expect(sumUp(runs)).toEqual({ passed: false, lines: ["0 passed only by a second try", "2 passed, 2 failed"] });
  });
});
