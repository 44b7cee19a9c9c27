import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Size } from "./scenarios/scenario.ts";
import type { ServerName } from "./servers/server.ts";

/** One measurement, raw. */
export interface Run {
  readonly case: string;
  readonly server: ServerName;
  readonly repeat: number;
  readonly at: string;
  /** What was given to `npm run bench --`. Older runs don't tell. */
  readonly given?: string;
  /** Of the last minute, when it began: how busy the machine was with anything. */
  readonly machineLoad: number;
  readonly result: object;
  /** Why there is none. */
  readonly error?: string;
}

export interface ScenarioResults {
  readonly scenario: string;
  readonly about: string;
  readonly size: Size;
  readonly commit: string;
  readonly started: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly runs: Run[];
}

/** Where the published ones are. */
export const PUBLISHED = "bench/results";
/** Where those of smaller sizes are, which are for the one who measures. */
export const OWN = ".cache/bench/results";

function resultsFile(scenario: string, folder: string): string {
  return join(folder, `${scenario}.json`);
}

export function readResults(scenario: string, folder = PUBLISHED): ScenarioResults | null {
  const file = resultsFile(scenario, folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as ScenarioResults) : null;
}

export function writeResults(results: ScenarioResults, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(resultsFile(results.scenario, folder), `${JSON.stringify(results, null, 1)}\n`);
}

export function newResults(scenario: string, about: string, size: Size): ScenarioResults {
  return {
    scenario,
    about,
    size,
    commit: commit(),
    started: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryGigabytes: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
    },
    versions: versions(),
    runs: [],
  };
}

/** Of the sources: what a run itself writes does not make another one of it. */
function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  const changes = git("status", "--porcelain", "--", ".", ":!bench/results", ":!docs");
  return `${git("rev-parse", "--short", "HEAD")}${changes === "" ? "" : "-changed"}`;
}

export function machineLoad(): number {
  return loadavg()[0] ?? 0;
}

function versions(): Record<string, string> {
  const packages = [
    ...["workerd", "miniflare", "yjs"].map((name) => [name, `node_modules/${name}`] as const),
    ...["y-partyserver", "partyserver", "@hocuspocus/server", "@y/websocket-server"].map(
      (name) => [name, `bench/node_modules/${name}`] as const,
    ),
  ];
  const found = packages.flatMap(([name, folder]) => {
    const file = join(folder, "package.json");
    if (!existsSync(file)) return [];
    return [[name, (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version] as const];
  });
  return { node: process.version, ...Object.fromEntries(found) };
}
