import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import { until } from "../../support/until.ts";
import type { TorturedServer } from "../support/tortured-server.ts";
import { demand, Violation } from "../support/violation.ts";
import { Attacker } from "./attacker.ts";
import { type Crafted, framesOf, type Victim } from "./crafted-frames.ts";
import { docOf, holds, isWhole, sameHistory } from "./histories.ts";
import type { Regression } from "./regressions.ts";
import { Scene } from "./scene.ts";

/** Within this time somebody else is answered while a room has to do with what is hostile. Milliseconds. */
const ANSWER_MS = 10_000;

/** Milliseconds from an answer to the next question. */
const PING_MS = 500;

/** Step 1 frames that an attacker is sent: in answer to its own, and for what the room lacks. */
const MAX_QUESTIONS = 3;

export type Way = "roomful.v1" | "stock" | "rpc";

let rooms = 0;

/** Sends one crafted entry to a room of its own. @throws Violation */
export async function runCrafted(server: TorturedServer, entry: Crafted, way: Way): Promise<{ questions: number }> {
  const scene = await Scene.open(server, `corpus/${rooms++}`);
  const when = `${entry.name}, by ${way}`;
  try {
    await scene.demandUndisturbed(`${when}, before`);
    const { doc, clientId } = scene.mirror;
    const victim: Victim = { clientId, clock: Y.getState(doc.store, clientId) };
    const before = docOf(await scene.room.getState());
    const { refusals, questions, acknowledged } =
      way === "rpc" ? await callWith(scene, entry, victim, when) : await sendWith(scene, entry, victim, way, when);
    const after = docOf(await scene.room.getState());
    const { expect, expectByRpc = expect, expectByStock = expect } = entry;
    const expected = way === "rpc" ? expectByRpc : way === "stock" ? expectByStock : expect;
    const codes = expected === "taken" || expected === "dropped" ? [] : expected.split(" ");
    demand(
      refusals.every((code) => codes.includes(code)) && (codes[0] === undefined || refusals.includes(codes[0])),
      `${when}: expected ${expected}, and not ${[...new Set(refusals)].join(" ") || "nothing refused"}`,
    );
    if (expected === "dropped") demand(sameHistory(before, after), `${when}: nothing changes`);
    demand(isWhole(after), `${when}: nothing is pending in the room's state`);
    await scene.demandUndisturbed(`${when}, after`);
    const kept = docOf(await scene.room.getState());
    for (const update of acknowledged()) demand(holds(kept, update), `${when}: what is shown as saved is in the room`);
    await scene.demandReloads(when);
    demand(questions <= MAX_QUESTIONS, `${when}: the room does not ask ${questions} times for what it lacks`);
    return { questions };
  } finally {
    scene.close();
  }
}

interface Answers {
  readonly refusals: readonly string[];
  readonly questions: number;
  /** The updates that were shown as saved, or returned from. */
  readonly acknowledged: () => readonly Uint8Array[];
}

async function callWith(scene: Scene, entry: Crafted, victim: Victim, when: string): Promise<Answers> {
  const refusals: string[] = [];
  const taken: Uint8Array[] = [];
  for (const update of entry.updates?.(victim) ?? []) {
    await answering(
      scene,
      when,
      scene.room.applyUpdate(update).then(
        () => taken.push(update),
        (cause: Error) => refusals.push(/[a-z]+(-[a-z]+)+/.exec(cause.message)?.[0] ?? cause.message),
      ),
    );
  }
  return { refusals, questions: 0, acknowledged: () => taken };
}

async function sendWith(scene: Scene, entry: Crafted, victim: Victim, way: Way, when: string): Promise<Answers> {
  const refusals: string[] = [];
  let questions = 0;
  const first = await Attacker.connect(scene.url, way === "stock");
  let attacker = first;
  const settle = async () => {
    await answering(scene, when, attacker.settle());
    refusals.push(...attacker.refusals.splice(0));
    questions += attacker.questions;
    attacker.questions = 0;
  };
  for (const frame of framesOf(entry, victim)) {
    if (!attacker.isOpen) {
      await settle();
      attacker = await Attacker.connect(scene.url, way === "stock");
    }
    attacker.send(frame);
  }
  await settle();
  const [last, updates] = [attacker, entry.updates?.(victim) ?? []];
  // Its numbers are those of its frames when it sent them all.
  const acknowledged = () =>
    first === last ? updates.slice(0, last.saved).filter((_, index) => !last.rejected.includes(index + 1)) : [];
  return { refusals, questions, acknowledged };
}

/** Waits for something, and demands that another client is answered all the while. It also keeps the room awake. */
async function answering(scene: Scene, when: string, work: Promise<unknown>): Promise<void> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  do {
    let isAnswered = false;
    const ping = scene.mirror.ping().then(() => {
      isAnswered = true;
    });
    await until(() => isAnswered, "a pong", ANSWER_MS).catch((cause) => {
      throw new Violation(`${when}: another client is answered within ${ANSWER_MS} ms`, { cause });
    });
    await ping;
    demand(scene.mirror.closed === null, `${when}: another client's socket stays open`);
    await Promise.race([done, pause(PING_MS)]);
  } while (!isDone);
  await done;
}

/** Sends what once broke a promise. @throws Violation */
export async function runRegression(server: TorturedServer, { name, updates }: Regression): Promise<void> {
  const bytes = updates.map((hex) => new Uint8Array(Buffer.from(hex, "hex")));
  const scene = await Scene.open(server, `corpus/${rooms++}`);
  const attacker = await Attacker.connect(scene.url, false);
  try {
    for (const frame of framesOf({ name, updates: () => bytes, expect: "" }, { clientId: 0, clock: 0 })) {
      attacker.send(frame);
      await attacker.settle();
    }
    await scene.demandUndisturbed(name);
    await scene.demandReloads(name);
  } finally {
    attacker.close();
    scene.close();
  }
}
