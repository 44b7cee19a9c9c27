import { setTimeout as pause } from "node:timers/promises";
import * as fc from "fast-check";
import * as Y from "yjs";
import type { Plant } from "../support/bare-room-server.ts";
import { until } from "../support/until.ts";
import { checkProperty } from "./check-property.ts";
import { contentOf, editRandomly, rootsOf } from "./edits.ts";
import { OUTSIDE, type Replica, RoomfulReplica, StockReplica } from "./replica.ts";
import { randomFrom } from "./scale.ts";
import { TorturedServer } from "./tortured-server.ts";
import { demand } from "./violation.ts";

/** What happens to a room and its clients, one after the other; `seed` decides the details. */
interface Step {
  readonly kind: "edit" | "drop" | "evict" | "abort" | "again" | "outside";
  readonly client: number;
  readonly seed: number;
}

interface Figures {
  steps: number;
  readonly [kind: string]: number;
}

interface Options {
  readonly seed: number;
  /** How many random courses of events. */
  readonly runs: number;
  readonly clients: number;
  /** Steps of one course, of all clients together: on average half of this, at most all. */
  readonly maxSteps: number;
  readonly plant?: Plant;
}

/** Milliseconds in which clients agree once all trouble is over: far more than they need on a slow machine. */
const AGREEMENT_MS = 10_000;

/** Of 1,000 steps, about. */
const WEIGHTS = { edit: 870, drop: 50, evict: 10, abort: 10, again: 20, outside: 40 } as const;

/**
 * Clients of both kinds edit one room at random, through lost connections, evictions, crashes of the object, duplicates,
 * any order of what was made offline, and edits that reach a peer by another way than the room. Then the trouble ends.
 * @throws when they, the room and a cold load of it don't agree in content, state vector and delete set
 */
export async function runConvergence({ seed, runs, clients, maxSteps, plant }: Options): Promise<Figures> {
  const server = await TorturedServer.start({
    settings: { COALESCE_MS: "4", COMMIT_MS: "10", SNAPSHOT_QUIET_MS: "20" },
    ...(plant && { plant }),
  });
  const figures: Record<string, number> = { steps: 0 };
  const step = fc.record<Step>({
    kind: fc.oneof(
      ...Object.entries(WEIGHTS).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) })),
    ) as fc.Arbitrary<Step["kind"]>,
    client: fc.nat({ max: clients - 1 }),
    seed: fc.nat(),
  });
  let course = 0;
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: maxSteps, size: "max" }),
    async (plan) => {
      course++;
      const tally = await followCourse(server, `course/${seed}/${course}`, plan, clients);
      for (const [kind, count] of Object.entries(tally)) figures[kind] = (figures[kind] ?? 0) + count;
    },
  );
  try {
    await checkProperty("convergence", property, {
      seed,
      numRuns: runs,
      unbiased: true,
      endOnFailure: plant !== undefined,
    });
  } finally {
    await server.stop();
  }
  return figures as Figures;
}

async function followCourse(server: TorturedServer, room: string, plan: readonly Step[], clients: number) {
  const url = await server.url();
  const replicas: Replica[] = Array.from({ length: clients }, (_, index) =>
    index % 2 === 0 ? new RoomfulReplica(`${url}/${room}`, randomFrom(index)) : new StockReplica(url, room),
  );
  for (const { doc } of replicas) rootsOf(doc);
  const tally: Record<string, number> = { steps: plan.length };
  try {
    for (const step of plan) {
      tally[step.kind] = (tally[step.kind] ?? 0) + 1;
      await take(server, room, replicas, step);
      // Half of the time all come back before it goes on, so that much happens online, and much offline.
      if (step.kind === "abort" && step.seed % 2 === 0) await allSynced(replicas);
      else await pause(step.seed % 3);
    }
    await allSynced(replicas);
    finish(replicas, plan.at(-1)?.seed ?? 0);
    await demandAgreement(server, room, replicas);
  } finally {
    for (const replica of replicas) replica.destroy();
  }
  return tally;
}

async function take(server: TorturedServer, room: string, replicas: readonly Replica[], { kind, client, seed }: Step) {
  const replica = replicas[client];
  if (replica === undefined) return;
  switch (kind) {
    case "edit":
      return editRandomly(replica.doc, seed);
    case "drop":
      return replica.drop();
    case "again":
      return replica.sendAgain(randomFrom(seed));
    case "outside":
      return passOn(replica, replicas[seed % replicas.length] ?? replica, seed);
    case "evict":
      // A room that never has a moment without a timer is not evicted, and need not be.
      return server.evict(room).catch(() => {});
    case "abort":
      return server.abort(room);
    default:
      kind satisfies never;
  }
}

/** Gives one replica what another has, all of it or the end alone, by another way than the room; an edit may follow. */
function passOn(from: Replica, to: Replica, seed: number): void {
  if (seed % 4 === 0) from.drop();
  const endOnly = seed % 3 === 0;
  const vector = Y.encodeStateVector(endOnly ? from.doc : to.doc);
  if (endOnly) editRandomly(from.doc, seed);
  Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc, vector), OUTSIDE);
  if (seed % 2 === 0) editRandomly(to.doc, seed + 1);
}

/** Edits after which nobody reconnects and makes good what the room missed; one of them by way of a peer. */
function finish(replicas: readonly Replica[], seed: number): void {
  for (const [index, { doc }] of replicas.entries()) {
    for (let edit = 0; edit < 5; edit++) editRandomly(doc, seed + 10 * index + edit);
  }
  const [author, , neighbour] = replicas;
  if (author === undefined || neighbour === undefined) return;
  author.drop();
  rootsOf(author.doc).text.insert(0, "by way of a neighbour");
  Y.applyUpdate(neighbour.doc, Y.encodeStateAsUpdate(author.doc), OUTSIDE);
  rootsOf(neighbour.doc).text.insert(2, "and continued there");
}

async function allSynced(replicas: readonly Replica[]): Promise<void> {
  await until(() => replicas.every(({ isSynced }) => isSynced), "everybody synced");
}

async function demandAgreement(server: TorturedServer, room: string, replicas: readonly Replica[]): Promise<void> {
  let disagreement = "";
  for (const started = performance.now(); performance.now() - started < AGREEMENT_MS; await pause(20)) {
    disagreement = await disagreementIn(server, room, replicas);
    if (disagreement === "") break;
  }
  demand(disagreement === "", `everybody agrees when the trouble is over, but ${disagreement}`);
  const before = await docOf(server, room);
  await server.abort(room);
  const after = await docOf(server, room);
  demand(differenceOf(before, after) === "", "a cold load gives what memory held");
  const { document } = await server.room(room).statistics();
  demand(document.readOnly === null && document.damage.length === 0, "nothing is damaged");
}

async function disagreementIn(server: TorturedServer, room: string, replicas: readonly Replica[]): Promise<string> {
  const unsynced = replicas.findIndex(({ isSynced }) => !isSynced);
  if (unsynced !== -1) return `client ${unsynced} is not connected`;
  const inRoom = await docOf(server, room);
  for (const [index, { doc }] of replicas.entries()) {
    const difference = differenceOf(inRoom, doc);
    if (difference !== "") return `client ${index} has another ${difference} than the room`;
  }
  return "";
}

async function docOf(server: TorturedServer, room: string): Promise<Y.Doc> {
  const doc = new Y.Doc();
  rootsOf(doc);
  Y.applyUpdate(doc, await server.room(room).getState());
  return doc;
}

function differenceOf(one: Y.Doc, other: Y.Doc): string {
  for (const { store } of [one, other])
    if (store.pendingStructs !== null || store.pendingDs !== null) return "pending part";
  if (!Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other))) return "state vector or delete set";
  return contentOf(one) === contentOf(other) ? "" : "content";
}
