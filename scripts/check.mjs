// `npm test`: every check there is, one after the other, and a line that counts the tests.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

/**
 * Most tests wait for something: three files side by side take little more than one. Browsers are busy; the torture suites come
 * last and alone, since what they do to the machine would disturb the other tests' waits.
 */
const RUNS = [
  { name: "unit, workerd and end-to-end tests", projects: ["unit", "workerd", "e2e"], workers: 3 },
  { name: "browser tests", projects: ["browser"], workers: 2 },
  { name: "torture tests, short form", projects: ["torture"], workers: 1 },
];

/** Runs a command as a named step; the first that fails ends it all. */
function step(name, command, ...args) {
  const started = Date.now();
  console.log(`\n--- ${name}`);
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  console.log(`--- ${name}: ${status === 0 ? "passed" : "FAILED"} in ${Math.round((Date.now() - started) / 1000)} s`);
  return status === 0;
}

/** What a run's report says. A file that could not even be read counts as one failure, and so does a missing report. */
function countsOf({ report, passed }) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
    return {
      passed: numPassedTests,
      failed: passed ? 0 : Math.max(numFailedTests, 1),
      skipped: numPendingTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** `N passed, N failed`. */
function summary(runs) {
  const sum = (key) => runs.map((run) => countsOf(run)[key]).reduce((one, other) => one + other, 0);
  const skipped = sum("skipped");
  return `${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

mkdirSync(".cache", { recursive: true });

let passed = step("format and lint", "biome", "ci", "--error-on-warnings") && step("types", "tsc", "-b");
if (passed) {
  const runs = RUNS.map(({ name, projects, workers }) => {
    const report = `.cache/${projects.join("-")}.json`;
    rmSync(report, { force: true });
    const chosen = projects.flatMap((project) => ["--project", project]);
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    return { report, passed: step(name, "vitest", "run", ...chosen, `--maxWorkers=${workers}`, ...reporters) };
  });
  passed = runs.every((run) => run.passed);
  console.log(`\n${summary(runs)}`);
} else console.log("\n0 passed, 1 failed");
process.exit(passed ? 0 : 1);
