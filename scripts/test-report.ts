/**
 * Most tests of one whole run that may need a second try. A starved machine makes a test or two late; more than these are a
 * defect of the tests or of the code, which the second try would hide.
 */
export const MOST_RETRIED = 3;

/** The part of a report of vitest's JSON reporter that is read here. */
export interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** One run of vitest: whether it ended well, and its report; `null` when there is none or it can't be read. */
export interface TestRun {
  readonly passed: boolean;
  readonly report: TestReport | null;
}

/** The tests that passed only by a second try. The reporter leaves the messages of a failed try on a test that passed. */
export function retriedIn({ testResults }: TestReport): string[] {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status, failureMessages }) => status === "passed" && failureMessages.length > 0)
    .map(({ fullName }) => fullName);
}

/**
 * Sums up some runs. A run without a report counts as one failure, as does a file that could not be read, and as do second
 * tries above the bound.
 */
export function sumUp(runs: readonly TestRun[]): { readonly passed: boolean; readonly lines: readonly string[] } {
  const retried = runs.flatMap(({ report }) => (report === null ? [] : retriedIn(report)));
  const tooMany = retried.length > MOST_RETRIED;
  const sum = (count: (run: TestRun) => number) => runs.reduce((total, run) => total + count(run), 0);
  const passed = sum(({ report }) => report?.numPassedTests ?? 0);
  const failed =
    sum((run) => (run.passed && run.report !== null ? 0 : Math.max(run.report?.numFailedTests ?? 0, 1))) +
    (tooMany ? 1 : 0);
  const skipped = sum(({ report }) => report?.numPendingTests ?? 0);
  return {
    passed: failed === 0,
    lines: [
      `${retried.length} passed only by a second try${tooMany ? `, more than the ${MOST_RETRIED} that may` : ""}`,
      ...retried.map((name) => `  ${name}`),
      `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
    ],
  };
}
