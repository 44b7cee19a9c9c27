import { setTimeout as pause } from "node:timers/promises";
import { docOf } from "../../support/documents.ts";
import { NodeClient } from "../../support/node-client.ts";
import { bringOnlookers } from "../../support/onlookers.ts";
import type { Plant } from "../../support/plant.ts";
import { until } from "../../support/until.ts";
import { contains } from "../support/contains.ts";
import { type Random, randomFrom } from "../support/scale.ts";
import { torturedRoom } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";
import { type PreparedEdit, prepareEdits } from "./crash-edits.ts";
import { Ledger, type Work } from "./crash-ledger.ts";
import { KillableServer } from "./killable-server.ts";

export interface CrashOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly strict: boolean;
  /** Milliseconds into the load at which the latest kill comes. */
  readonly longestLoad: number;
  readonly plant?: Plant;
}

export interface CrashFigures {
  readonly kills: number;
  readonly acknowledged: number;
  /** Edits that were sent and not acknowledged when the kill came. */
  readonly inFlight: number;
  readonly snapshots: number;
  /** Kills within 50 ms after a room had said that it wrote a snapshot. */
  readonly killsNearSnapshot: number;
  /** Kills after the commit of a snapshot and before anybody was told of it. */
  readonly killsInSnapshot: number;
  /** Snapshots that were published and are deleted since. */
  readonly generationsDeleted: number;
  /** Milliseconds from the server being ready to the first answer to step 1. */
  readonly reload: { readonly p50: number; readonly max: number };
  /** Bytes of the documents at the end. */
  readonly documentBytes: number;
}

const SETTINGS = { SNAPSHOT_QUIET_MS: "60" };
/** The promise is 2 s; a shared machine is given more before it is called broken. */
const RELOAD_LIMIT_MS = 15_000;
const NEAR_MS = 50;

interface Load {
  readonly room: string;
  readonly authors: number;
  /** Bytes of ballast per edit. */
  readonly payload: number;
  /** Milliseconds between two edits of one author. */
  readonly gap: number;
  /** Sockets that make a crowd of the room, in which edits share windows. */
  readonly onlookers: number;
}

/** One room with a log that is folded into a snapshot several times a second, one that hardly ever needs any. */
const LOADS: readonly Load[] = [
  { room: "busy", authors: 3, payload: 4_000, gap: 6, onlookers: 30 },
  { room: "slow", authors: 1, payload: 0, gap: 45, onlookers: 0 },
];

/** A room, as all rounds see it. */
class Subject {
  readonly load: Load;
  readonly ledger = new Ledger();
  /** What it held after the last restart. */
  state: Uint8Array = new Uint8Array([0, 0]);
  works: Work[] = [];
  /** Everything that anybody was sent since then. */
  seen: Uint8Array[] = [];
  generation = 0;

  constructor(load: Load) {
    this.load = load;
  }
}

/**
 * Kills every process of a server under load, again and again over the same data, and compares what is there after each
 * restart with what was acknowledged; in strict mode also with what anybody was sent.
 * @throws Violation when something is lost, doubled, or slow to come back
 */
export async function runCrash({ seed, rounds, strict, longestLoad, plant }: CrashOptions): Promise<CrashFigures> {
  const random = randomFrom(seed);
  const server = new KillableServer({ settings: { ...SETTINGS, STRICT: `${strict}` }, ...(plant && { plant }) });
  const subjects = LOADS.map((load) => new Subject(load));
  const reloads: number[] = [];
  const counts = { inFlight: 0, snapshots: 0, killsNearSnapshot: 0, killsInSnapshot: 0 };
  try {
    await server.start();
    for (let round = 1; round <= rounds; round++) {
      const kill = await killUnderLoad(server, subjects, { round, longestLoad, random });
      counts.inFlight += kill.inFlight;
      counts.snapshots += server.snapshots.length;
      if (server.snapshots.some(({ at }) => at <= kill.at && kill.at - at <= NEAR_MS)) counts.killsNearSnapshot++;
      const told = new Map(server.snapshots.map(({ room, generation }) => [room, generation]));
      await server.start();
      await Promise.all(
        subjects.map(async (subject) => {
          const where = `seed ${seed}, round ${round}, ${subject.load.room}`;
          const { milliseconds, generation } = await reload(server, subject, where);
          reloads.push(milliseconds);
          if (generation > (told.get(subject.load.room) ?? subject.generation)) counts.killsInSnapshot++;
          subject.generation = generation;
          check(subject, round, strict, where);
        }),
      );
    }
    const generationsDeleted = await countDeleted(server, subjects);
    reloads.sort((one, other) => one - other);
    return {
      kills: rounds,
      acknowledged: subjects.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0),
      ...counts,
      generationsDeleted,
      reload: { p50: Math.round(reloads[reloads.length >> 1] ?? 0), max: Math.round(reloads.at(-1) ?? 0) },
      documentBytes: subjects.reduce((sum, { state }) => sum + state.length, 0),
    };
  } finally {
    await server.stop();
  }
}

/** Lets authors send, and kills the server while they do. */
async function killUnderLoad(
  server: KillableServer,
  subjects: readonly Subject[],
  { round, longestLoad, random }: { round: number; longestLoad: number; random: Random },
) {
  const stop = new AbortController();
  const crews = await Promise.all(
    subjects.map(async (subject) => {
      const { room, authors, payload, gap, onlookers } = subject.load;
      const connect = () => NodeClient.open(`${server.url}/${room}`);
      await bringOnlookers(`${server.url}/${room}`, onlookers);
      const observer = await connect();
      subject.seen = [await observer.sync()];
      const crew = await Promise.all(
        Array.from({ length: authors }, async (_, author) => {
          const edits = prepareEdits({
            base: subject.state,
            round,
            author: `${author}`,
            count: Math.ceil(longestLoad / gap),
            payload,
            random,
          });
          const client = await connect();
          await client.sync();
          return { client, edits };
        }),
      );
      return { subject, observer, crew, gap };
    }),
  );
  const work = crews.flatMap(({ crew, gap }) =>
    crew.map(async ({ client, edits }) => ({ sent: await sendAll(client, edits, gap, stop.signal, random) })),
  );
  await killMoment(server, longestLoad, random);
  const at = await server.kill();
  stop.abort();
  const sent = (await Promise.all(work)).map((one) => one.sent);
  let inFlight = 0;
  for (const { subject, observer, crew } of crews) {
    const clients = [observer, ...crew.map(({ client }) => client)];
    // What had reached this machine's buffers before the kill counts as sent to somebody.
    await until(() => clients.every(({ closed }) => closed !== null), "every socket to be closed by the kill");
    subject.works = crew.map(({ client, edits }) => ({ edits, sent: sent.shift() ?? 0, acknowledged: client.saved }));
    for (const { sent: last, acknowledged } of subject.works) inFlight += last - acknowledged;
    subject.seen.push(...clients.flatMap(({ updates }) => updates));
    demand(
      clients.every((client) => client.messagesOf("rejected").length === 0),
      `round ${round}, ${subject.load.room}: no edit is rejected`,
    );
  }
  return { at, inFlight };
}

/** Sends in bursts, with pauses in which the room becomes quiet. @returns how many were sent */
async function sendAll(
  client: NodeClient,
  edits: readonly PreparedEdit[],
  gap: number,
  stop: AbortSignal,
  random: Random,
): Promise<number> {
  let burst = 0;
  for (const [index, { update }] of edits.entries()) {
    if (stop.aborted || client.closed !== null) return index;
    client.sendUpdate(update);
    if (burst-- === 0) {
      burst = 20 + random(80);
      await pause(random(3) === 0 ? 150 : gap);
    } else await pause(gap);
  }
  return edits.length;
}

/** Anywhere in the load, or, every second time, soon after a room said that it had written a snapshot. */
async function killMoment(server: KillableServer, longestLoad: number, random: Random): Promise<void> {
  const latest = random(longestLoad);
  if (random(2) === 0) {
    await pause(latest);
    return;
  }
  await pause(latest / 2);
  const { promise: noted, resolve } = Promise.withResolvers<void>();
  server.onSnapshot = resolve;
  await Promise.race([noted, pause(longestLoad - latest / 2)]);
  server.onSnapshot = () => {};
  // At once, or after a commit or two of the next log.
  await pause(random(2) === 0 ? random(4) : random(600));
}

/** Opens a room after a restart, with nobody there who could bring anything back. */
async function reload(server: KillableServer, subject: Subject, where: string) {
  const started = performance.now();
  const reader = await NodeClient.open(`${server.url}/${subject.load.room}`);
  subject.state = await reader.sync();
  const milliseconds = performance.now() - started;
  demand(
    milliseconds < RELOAD_LIMIT_MS,
    `${where}: the document is there ${Math.round(milliseconds)} ms after a restart`,
  );
  const { document, storage } = await torturedRoom(server.url, subject.load.room).statistics();
  demand(document.readOnly === null, `${where}: the room is not read-only`);
  reader.cut();
  return { milliseconds, generation: storage.snapshotGeneration };
}

function check(subject: Subject, round: number, strict: boolean, where: string): void {
  const doc = docOf(subject.state);
  subject.ledger.check(doc, round, subject.works, where);
  if (!strict) return;
  for (const update of subject.seen) demand(contains(doc, update), `${where}: what a peer was sent is there`);
}

async function countDeleted(server: KillableServer, subjects: readonly Subject[]): Promise<number> {
  const counts = await Promise.all(
    subjects.map(async ({ load }) => {
      const room = torturedRoom(server.url, load.room);
      const { storage } = await room.statistics();
      const [rows = []] = await room.sql([["SELECT generation FROM snapshot"]]);
      return storage.snapshotGeneration - rows.length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
