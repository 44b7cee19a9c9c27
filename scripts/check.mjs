// `npm test`: every check there is, one after the other, and a line that counts the tests.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

const REPORT = ".cache/tests.json";

/** Runs a command as a named step; the first that fails ends it all. */
function step(name, command, ...args) {
  const started = Date.now();
  console.log(`\n--- ${name}`);
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  console.log(`--- ${name}: ${status === 0 ? "passed" : "FAILED"} in ${Math.round((Date.now() - started) / 1000)} s`);
  return status === 0;
}

/** `N passed, N failed`. A file that could not even be read counts as one failure, and so does a missing report. */
function summary(passed) {
  let report;
  try {
    report = JSON.parse(readFileSync(REPORT, "utf8"));
  } catch {
    return "0 passed, 1 failed";
  }
  const { numPassedTests, numFailedTests, numPendingTests } = report;
  const failed = passed ? 0 : Math.max(numFailedTests, 1);
  return `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ""}`;
}

mkdirSync(".cache", { recursive: true });
rmSync(REPORT, { force: true });

let passed = step("format and lint", "biome", "ci", "--error-on-warnings") && step("types", "tsc", "-b");
if (passed) {
  passed = step(
    "unit, workerd, end-to-end and browser tests",
    "vitest",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${REPORT}`,
  );
  console.log(`\n${summary(passed)}`);
} else console.log("\n0 passed, 1 failed");
process.exit(passed ? 0 : 1);
