import { describe, it } from "vitest";
import { megabytes } from "../support/runtime-process.ts";
import { report, scaled, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { LOAD_BUGS, SMALL_RUNS } from "./load-bugs.ts";
import { runChurn } from "./load-churn.ts";
import { runClockJumps } from "./load-clocks.ts";
import { runPausedReader } from "./load-paused-reader.ts";
import { runReconnectStorm } from "./load-reconnects.ts";
import { runWakes } from "./load-wakes.ts";

const MILLION = 1_000_000;
/** Milliseconds that a loaded machine may need. */
const patience = 240_000;
describe("a reconnect storm", () => {
  it("after a restart everybody is synced and saved, and the document is loaded once", async () => {
    const clients = scaled({ short: 60, long: 500 });
    const documentBytes = MILLION;
    const figures = await runReconnectStorm({ seed, clients, documentBytes, patience });
    report(
      `reconnect storm, seed ${seed}: ${clients} clients, ${megabytes(documentBytes)}: all synced after ` +
        `${figures.syncedMs.toFixed(0)} ms, all saved after ${figures.savedMs.toFixed(0)} ms (they come within a second), ` +
        `${figures.runtimeSeconds ?? "unknown"} s of the runtime's processor time; ` +
        `${megabytes(figures.receivedBytes)} received, answers to those who knew everything ` +
        `${megabytes(figures.answersToKnowing)}, to the others ${megabytes(figures.answersToUnknowing)}; ` +
        `document loads: ${figures.loads}`,
    );
  });
});

describe("a clock that jumps", () => {
  it("delays nothing that is owed, and no challenge", async () => {
    const figures = await runClockJumps({ seed, steps: scaled({ short: 20_000, long: 500_000 }) });
    report(
      `clock jumps of 5 min and 1 day, seed ${seed}: ${figures.jumps} jumps in ${figures.steps} steps of a pacer and ` +
        `${figures.scenes} scenes of presence`,
    );
  });
});

describe("a room that wakes", () => {
  it("shows a newcomer everybody, tells all of a leaver, and does not load the document", async () => {
    const wakes = scaled({ short: 10, long: 100 });
    const figures = await runWakes({ seed, wakes, members: 6, patience });
    report(
      `wakes, seed ${seed}: ${figures.wakes}, ${figures.newcomers} by a newcomer, who was shown everybody after at most ` +
        `${figures.slowestMs.toFixed(0)} ms, the others by a leaver; presence whole each time`,
    );
  });
});

describe("a paused reader", () => {
  it("harms nobody, and has everything when it reads again", async () => {
    const bytes = scaled({ short: 8, long: 50 }) * MILLION;
    const figures = await runPausedReader({ seed, readers: 20, bytes, patience });
    const [before, most, after] = figures.resident;
    const latency = ({ p50, p99 }: { p50: number; p99: number }) => `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)} ms`;
    report(
      `a paused reader beside 20, seed ${seed}: ${megabytes(figures.writtenBytes)} written, latency of the slowest live ` +
        `reader before ${latency(figures.before)}, meanwhile ${latency(figures.during)}; runtime's resident memory ` +
        `${megabytes(before)} before, ${megabytes(most)} at most, ${megabytes(after)} after; the paused one ` +
        (figures.reconnected ? "was closed and came back" : "read on where it had stopped"),
    );
  });
});

describe("sockets that come and vanish", () => {
  it("leave nothing behind, and disturb nobody who works", async () => {
    const sockets = scaled({ short: 200, long: 2_000 });
    const figures = await runChurn({ seed, sockets, patience });
    report(
      `churn, seed ${seed}: ${figures.dropped} sockets dropped by a reset in ${figures.milliseconds.toFixed(0)} ms beside 5 ` +
        `who worked (${figures.editsSaved} edits saved); no ghost ${figures.clearedMs.toFixed(0)} ms after the last`,
    );
  });
});

describe("catches", { retry: 1 }, () => {
  it.concurrent.for(LOAD_BUGS)("$bug", async ({ run, bug: _, ...plant }, { expect }) => {
    await expect(run(seed, plant)).rejects.toThrow(Violation);
  });

  it.concurrent.for(SMALL_RUNS)("nothing where no bug was planted: %s", async ([, run], { expect }) => {
    await expect(run(seed)).resolves.toBeDefined();
  });
});
