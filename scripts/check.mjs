// `npm test`: every check there is, one after the other, and a line that counts the tests.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { sumUp } from "./test-report.ts";

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

/** Reads a report of vitest's JSON reporter. @returns `null` when there is none */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

mkdirSync(".cache", { recursive: true });

let passed = step("format and lint", "biome", "ci", "--error-on-warnings") && step("types", "tsc", "-b");
if (passed) {
  const runs = RUNS.map(({ name, projects, workers }) => {
    const file = `.cache/${projects.join("-")}.json`;
    rmSync(file, { force: true });
    const chosen = projects.flatMap((project) => ["--project", project]);
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const hasPassed = step(name, "vitest", "run", ...chosen, `--maxWorkers=${workers}`, ...reporters);
    return { passed: hasPassed, report: readReport(file) };
  });
  const summary = sumUp(runs);
  passed = summary.passed;
  console.log(`\n${summary.lines.join("\n")}`);
} else console.log("\n0 passed, 1 failed");
process.exit(passed ? 0 : 1);
