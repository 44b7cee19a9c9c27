/**
 * Where the room's processor time goes under a workload: `node bench/profile.ts updates|cursors|rooms|join|cold|burst
 * [subscribers] [writers] [SETTING=value…]`. Prints the functions that took most themselves, and writes a `.cpuprofile` for a browser.
 */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { IsolateInspector } from "../test/support/isolate-inspector.ts";
import { freePort } from "../test/support/ports.ts";
import { type CpuProfile, topOf } from "./report/cpu-profile.ts";
import { whiteboardFile } from "./scenarios/documents.ts";
import { type Bench, withServer } from "./scenarios/scenario.ts";

const words = process.argv.slice(2).filter((word) => !word.includes("="));
const [kind = "updates", subscribers = "50", writers = "10"] = words;
const settings = Object.fromEntries(
  process.argv.slice(2).flatMap((word) => (word.includes("=") ? [word.split("=")] : [])),
);
const FOLDER = ".cache/bench";

async function work({ run, server }: Bench): Promise<unknown> {
  switch (kind) {
    case "updates":
    case "cursors":
      return await run({
        kind: "traffic",
        content: kind,
        rooms: 1,
        subscribers: Number(subscribers),
        writers: Number(writers),
        pace: { kind: "window", inFlight: Math.ceil(5000 / Number(writers)) },
        warmupSeconds: 0.5,
        seconds: 8,
      });
    case "rooms":
      return await run({
        kind: "traffic",
        content: "updates",
        rooms: 150,
        subscribers: 2,
        writers: 2,
        pace: { kind: "rate", perSecond: 10 },
        warmupSeconds: 0.5,
        seconds: 8,
      });
    case "burst":
      return await run({ kind: "burst", updates: 200_000, timeoutSeconds: 60 });
    case "join":
    case "cold": {
      const leastBytes = 0.9 * statSync(whiteboardFile(5e6)).size;
      if (kind === "cold") await server.evict("profiled");
      return await run({ kind: "join", room: "profiled", joiners: 1, turns: kind === "cold" ? 1 : 20, leastBytes });
    }
    default:
      throw new Error(`no workload ${kind}`);
  }
}

const inspectorPort = await freePort();
await withServer(
  "roomful",
  async (bench) => {
    if (kind === "join" || kind === "cold") {
      await bench.run({ kind: "populate", rooms: ["profiled"], document: whiteboardFile(5e6) });
      await pause(3_000);
    }
    const inspector = await IsolateInspector.connect(inspectorPort, bench.server.url);
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.setSamplingInterval", { interval: 500 });
    await inspector.call("Profiler.start");
    const result = await work(bench);
    const { profile } = (await inspector.call("Profiler.stop")) as { profile: CpuProfile };
    inspector.close();
    mkdirSync(FOLDER, { recursive: true });
    const file = `${FOLDER}/${kind}-${subscribers}.cpuprofile`;
    writeFileSync(file, JSON.stringify(profile));
    console.log(JSON.stringify(result));
    console.log(topOf(profile, 25));
    console.log(file);
  },
  { inspectorPort, settings },
);
