import fc from "fast-check";
import * as Y from "yjs";
import type { Plant } from "../../support/plant.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand, Violation } from "../support/violation.ts";
import { Attacker } from "./attacker.ts";
import { docOf, sameHistory } from "./histories.ts";
import { anyFrame, Forge, type FramePlan } from "./hostile-frames.ts";
import { Scene } from "./scene.ts";

interface FramesOptions {
  readonly seed: number;
  /** Frames that are sent in bursts by several sockets at once. */
  readonly burst: number;
  /** Frames that are sent one by one, each looked at by itself. */
  readonly lone: number;
  /** Edits that are tried on documents alone inside the isolate. */
  readonly isolate: number;
  /** Whether to look for the smallest edits that break a promise in the isolate. */
  readonly shrink?: boolean;
  readonly plant?: Plant;
}

export interface FramesFigures {
  frames: number;
  /** Frames that were built field by field, and not by changing bytes. */
  structured: number;
  refusals: Record<string, number>;
  reconnects: number;
  taints: number;
  /** Edits in the isolate, by what became of them. */
  outcomes: Record<string, number>;
  rooms: number;
}

const ROOM_FRAMES = 1_000;
const BURST_FRAMES = 100;
const BURSTS_PER_CHECK = 5;
const ATTACKERS = 4;

/** Sends hostile frames to rooms whose other participants must not notice. @throws Violation */
export async function runFrames({
  seed,
  burst,
  lone,
  isolate,
  shrink = true,
  plant,
}: FramesOptions): Promise<FramesFigures> {
  const figures: FramesFigures = {
    frames: 0,
    structured: 0,
    refusals: {},
    reconnects: 0,
    taints: 0,
    outcomes: {},
    rooms: 0,
  };
  const server = await TorturedServer.start(plant && { plant });
  try {
    await fuzzIsolate(server, { seed, edits: isolate, shrink }, figures);
    for (let sent = 0; sent < lone; sent += ROOM_FRAMES) {
      await oneByOne(
        server,
        { seed: seed * 1_000_003 + figures.rooms, count: Math.min(ROOM_FRAMES, lone - sent) },
        figures,
      );
    }
    for (let sent = 0; sent < burst; sent += ROOM_FRAMES) {
      await inBursts(
        server,
        { seed: seed * 1_000_003 + figures.rooms, count: Math.min(ROOM_FRAMES, burst - sent) },
        figures,
      );
    }
  } finally {
    await server.stop();
  }
  return figures;
}

interface RoomOptions {
  readonly seed: number;
  readonly count: number;
}

function plansOf({ seed, count }: RoomOptions, figures: FramesFigures): FramePlan[] {
  const plans = fc.sample(anyFrame, { seed, numRuns: count });
  figures.rooms++;
  figures.frames += plans.length;
  figures.structured += plans.filter(({ kind }) => kind !== "mutated").length;
  return plans;
}

function tally(figures: FramesFigures, attacker: Attacker): void {
  for (const code of attacker.refusals.splice(0)) {
    demand(!code.startsWith("uncoded"), `a refusal has a known code, and not: ${code}`);
    figures.refusals[code] = (figures.refusals[code] ?? 0) + 1;
  }
}

async function inBursts(server: TorturedServer, options: RoomOptions, figures: FramesFigures): Promise<void> {
  const scene = await Scene.open(server, `burst/${options.seed}`);
  const forge = new Forge(scene.mirror.doc, [scene.mirror.clientId, scene.stock.clientId]);
  const attackers: Attacker[] = [];
  const plans = plansOf(options, figures);
  try {
    for (let index = 0; index < ATTACKERS; index++) attackers.push(await Attacker.connect(scene.url, index % 2 === 1));
    for (let at = 0, bursts = 1; at < plans.length; at += BURST_FRAMES, bursts++) {
      const when = `room seed ${options.seed}, frames ${at} to ${at + BURST_FRAMES}`;
      forge.look();
      for (const [index, plan] of plans.slice(at, at + BURST_FRAMES).entries()) {
        const frame = forge.forge(plan);
        attackers[index % ATTACKERS]?.send(frame);
      }
      const known = Y.encodeStateVector(scene.mirror.doc);
      await Promise.all(attackers.map((attacker) => attacker.settle(known)));
      await scene.mirror.ping();
      for (const [index, attacker] of attackers.entries()) {
        tally(figures, attacker);
        if (attacker.closed === null) continue;
        figures.reconnects++;
        attackers[index] = await Attacker.connect(scene.url, attacker.isStock);
      }
      if (bursts % BURSTS_PER_CHECK === 0) await scene.demandUndisturbed(when);
    }
    await finish(scene, `room seed ${options.seed}, at its end`, figures);
  } finally {
    for (const attacker of attackers) attacker.close();
    scene.close();
  }
}

async function finish(scene: Scene, when: string, figures: FramesFigures): Promise<void> {
  await scene.demandUndisturbed(when);
  figures.taints += scene.taints;
  await scene.demandReloads(when);
}

/** One attacker and one frame at a time: a frame that is refused changes nothing. */
async function oneByOne(server: TorturedServer, options: RoomOptions, figures: FramesFigures): Promise<void> {
  const scene = await Scene.open(server, `lone/${options.seed}`);
  const forge = new Forge(scene.mirror.doc, [scene.mirror.clientId, scene.stock.clientId]);
  let attacker = await Attacker.connect(scene.url, false);
  let before = await scene.room.getState();
  try {
    for (const [index, plan] of plansOf(options, figures).entries()) {
      const when = `room seed ${options.seed}, frame ${index}`;
      if (attacker.closed !== null) {
        figures.reconnects++;
        attacker = await Attacker.connect(scene.url, !attacker.isStock);
      }
      const { loads } = (await scene.room.statistics()).document;
      forge.look();
      const frame = forge.forge(plan);
      attacker.send(frame);
      await attacker.settle(Y.encodeStateVector(scene.mirror.doc));
      const after = await scene.room.getState();
      const wasTainted = (await scene.room.statistics()).document.loads > loads;
      if (attacker.refusals.length > 0) {
        demand(
          wasTainted ? sameHistory(docOf(before), docOf(after)) : Buffer.from(before).equals(after),
          `${when}: a refused frame changes nothing (${attacker.refusals}, ${show(frame)})`,
        );
      }
      tally(figures, attacker);
      before = after;
    }
    await finish(scene, `room seed ${options.seed}, at its end`, figures);
  } finally {
    attacker.close();
    scene.close();
  }
}

const FUZZ_RUNS = 20;
const FUZZ_WINDOWS = 40;

async function fuzzIsolate(
  server: TorturedServer,
  { seed, edits, shrink }: { readonly seed: number; readonly edits: number; readonly shrink: boolean },
  figures: FramesFigures,
): Promise<void> {
  for (let done = 0, call = 0; done < edits; call++) {
    const { count, failure } = await server
      .room("isolate")
      .fuzz({ seed: seed * 1_000_003 + call, runs: FUZZ_RUNS, windows: FUZZ_WINDOWS, shrink });
    if (failure !== null) {
      throw new Violation(`isolate seed ${seed * 1_000_003 + call}: ${failure.broken}\n${failure.frames.join("\n")}`);
    }
    done += count.edits;
    figures.taints += count.taints;
    for (const [outcome, times] of Object.entries(count.outcomes)) {
      figures.outcomes[outcome] = (figures.outcomes[outcome] ?? 0) + times;
    }
  }
}

function show(frame: Uint8Array | string): string {
  return typeof frame === "string" ? JSON.stringify(frame) : Buffer.from(frame).toString("hex");
}
