import type { Plant } from "../../support/plant.ts";
import { randomFrom } from "../support/scale.ts";
import { demand } from "../support/violation.ts";
import { JumpyClock } from "./jumpy-clock.ts";
import { PresenceModel } from "./load-presence-model.ts";
import { type EngineModules, engineModules } from "./planted-modules.ts";

interface ClockOptions {
  readonly seed: number;
  /** Random steps of the pacer's model; the model of presence has a tenth as many scenes. */
  readonly steps: number;
  readonly plant?: Plant;
}

interface ClockFigures {
  readonly steps: number;
  readonly scenes: number;
  readonly jumps: number;
}

const INTERVAL_MS = 250;

/** What is paced and what is waited for, under a clock that is set forwards and back at random. */
export async function runClockJumps({ seed, steps, plant }: ClockOptions): Promise<ClockFigures> {
  const modules = await engineModules(plant);
  const pacerJumps = runPacer(modules, seed, steps);
  const scenes = Math.ceil(steps / 10);
  const presenceJumps = runPresence(modules, seed, scenes);
  return { steps, scenes, jumps: pacerJumps + presenceJumps };
}

/** @returns how often the clock jumped */
function runPacer({ pacer: { Pacer } }: EngineModules, seed: number, steps: number): number {
  const random = randomFrom(seed);
  const clock = new JumpyClock(random);
  /** When the run that is owed was asked for. */
  let owedSince: number | null = null;
  const pacer = new Pacer(
    INTERVAL_MS,
    () => {
      owedSince = null;
    },
    clock,
  );
  for (let step = 0; step < steps; step++) {
    const say = (promise: string) => `seed ${seed}, step ${step}: ${promise}`;
    const choice = random(10);
    if (choice < 4) {
      owedSince ??= clock.elapsed;
      pacer.request();
    } else if (choice < 7) clock.advance(random(2 * INTERVAL_MS));
    else if (choice < 8) clock.jump();
    else if (choice < 9) pacer.runNow();
    else {
      pacer.cancel();
      owedSince = null;
    }
    demand(clock.pending <= 1, say(`one timer at most is pending, not ${clock.pending}`));
    demand(
      (owedSince === null) === (clock.pending === 0),
      say("a timer is pending while a run is owed, and only then"),
    );
    const waited = owedSince === null ? 0 : clock.elapsed - owedSince;
    demand(waited <= INTERVAL_MS, say(`an owed run comes within ${INTERVAL_MS} ms, not ${waited}`));
  }
  return clock.jumps;
}

/** @returns how often the clock jumped */
function runPresence(modules: EngineModules, seed: number, scenes: number): number {
  const random = randomFrom(seed);
  const clock = new JumpyClock(random);
  const model = new PresenceModel(modules, clock, random);
  const silence = modules.presence.CHALLENGE_MS;
  for (let scene = 0; scene < scenes; scene++) {
    const say = (promise: string) => `seed ${seed}, scene ${scene}: ${promise}`;
    const holder = model.someone();
    model.move(holder);
    for (let moves = random(6); moves > 0; moves--) {
      clock.advanceWithJumps(random(40));
      model.move(model.someone());
    }
    clock.advanceWithJumps(2 * model.coalesceMs);
    demand(model.watcherIsUpToDate, say("everybody's last state is sent within one window"));
    const claimant = model.claim(holder);
    clock.advanceWithJumps(random(silence - 1));
    demand(model.holds(holder), say(`a holder keeps its id for ${silence} ms`));
    const answers = random(2) === 0;
    if (answers) model.hear(holder);
    clock.advanceWithJumps(silence);
    demand(
      model.holds(holder) === answers,
      say(`who answered keeps its id, who was silent for ${silence} ms loses it`),
    );
    model.leave(claimant);
    if (!answers) model.comeBack(holder);
    clock.advanceWithJumps(modules.sessions.SAVE_MS);
    demand(clock.pending === 0, say(`no timer is pending in a quiet room, but ${clock.pending} are`));
  }
  return clock.jumps;
}
