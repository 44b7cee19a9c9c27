import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import { encodeAwareness } from "../../../shared/frames.ts";
import type { Plant } from "../../support/plant.ts";
import { until } from "../../support/until.ts";
import { demandSoon } from "../support/demand-soon.ts";
import { type Random, randomFrom } from "../support/scale.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";
import { LoadClient } from "./load-client.ts";

interface ChurnOptions {
  readonly seed: number;
  /** Sockets that are opened and dropped. */
  readonly sockets: number;
  /** Milliseconds within which the room must be as if they had never been. */
  readonly patience: number;
  readonly plant?: Plant;
}

interface ChurnFigures {
  readonly dropped: number;
  readonly milliseconds: number;
  readonly editsSaved: number;
  /** Milliseconds from the last drop until the honest ones alone were there. */
  readonly clearedMs: number;
}

/** Says which run a promise belongs to. */
type Say = (promise: string) => string;

const ROOM = "station";
const HONEST = 5;
const AT_ONCE = 40;
/** Above every honest client's. */
const FIRST_PASSING_ID = 1_000;
/** A state that no honest client has. */
const ECHO = '{"echo":true}';
const EDIT_EVERY_MS = 20;
/** Milliseconds after which a socket is dropped, heard or not. */
const HEARD_MS = 5_000;

interface Honest {
  readonly client: LoadClient;
  readonly doc: Y.Doc;
  sent: number;
}

/** Sockets that come and vanish at every moment of a connection's life, beside a few that work. */
export async function runChurn({ seed, sockets, patience, plant }: ChurnOptions): Promise<ChurnFigures> {
  const say: Say = (promise) => `seed ${seed}, ${sockets} sockets: ${promise}`;
  const random = randomFrom(seed);
  const server = await TorturedServer.start(plant && { plant });
  try {
    const url = `${await server.url()}/${ROOM}`;
    const started = performance.now();
    const honest = await Promise.all(Array.from({ length: HONEST }, (_, index) => settle(url, index)));
    const seeAll = () => honest.every(({ client }) => client.present.length === HONEST - 1);
    await demandSoon(seeAll, say("the honest ones see each other"), patience);
    let working = true;
    const work = Promise.all(honest.map((one) => keepEditing(one, () => working)));
    await pass(url, sockets, random, say).finally(() => {
      working = false;
    });
    await work;
    const cleared = performance.now();
    await demandSoon(
      () => honest.every(({ client, sent }) => client.closed !== null || client.isStock || client.saved >= sent),
      say("every honest edit is saved"),
      patience,
    );
    for (const { client } of honest) {
      demand(client.closed === null, say(`no honest client is closed, but one was: ${client.closed}`));
      demand(client.rejected === 0, say("no honest edit is rejected"));
      const lost = honest.filter(({ client: { clientId = 0 } }) => client.departed.has(clientId));
      demand(lost.length === 0, say(`nobody is told that an honest one left, but of ${lost.length} somebody was`));
    }
    await demandAlone(server, honest, say, patience);
    const clearedMs = performance.now() - cleared;
    await demandSame(server, honest, say, patience);
    const editsSaved = honest.reduce((sum, { sent }) => sum + sent, 0);
    return { dropped: sockets, milliseconds: performance.now() - started, editsSaved, clearedMs };
  } finally {
    await server.stop();
  }
}

async function settle(url: string, index: number): Promise<Honest> {
  const client = await LoadClient.connect(url, { stock: index === 0 });
  const doc = new Y.Doc();
  doc.clientID = index + 1;
  client.onUpdate = (update) => Y.applyUpdate(doc, update, "room");
  const honest: Honest = { client, doc, sent: 0 };
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== "room") honest.sent = client.sendUpdate(update);
  });
  client.askForDocument();
  client.announce(index + 1, { name: `honest ${index}` });
  return honest;
}

async function keepEditing({ client, doc }: Honest, goesOn: () => boolean): Promise<void> {
  for (let edit = 0; goesOn(); edit++) {
    doc.getText("text").insert(0, `${edit % 10}`);
    client.announce(doc.clientID, { name: `honest ${doc.clientID - 1}`, cursor: edit });
    await pause(EDIT_EVERY_MS);
  }
}

/** Opens and drops all the sockets, some at a time. */
async function pass(url: string, sockets: number, random: Random, say: Say): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < sockets) await passOne(url, FIRST_PASSING_ID + next++, random, say);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** One socket, dropped at a random moment after a random part of what clients do at first. */
async function passOne(url: string, id: number, random: Random, say: Say): Promise<void> {
  const client = LoadClient.begin(url, { stock: random(2) === 0 });
  if (random(8) === 0) {
    // Perhaps before it is open.
    await pause(random(6));
    client.reset();
    return;
  }
  await client.opened.catch(() => {});
  if (random(3) > 0) client.askForDocument();
  if (random(3) === 0) client.askForPresence();
  if (random(4) === 0) {
    // An echo of an honest client's entry, which must not become a claim that takes its id.
    client.sendRaw(echoOf(1 + random(HONEST), random));
    client.askForPresence();
    await patiently(() => client.firstAwareness !== null);
  } else {
    client.announce(id, { name: `passing ${id}` });
    // Half of them not before the room has shown them to everybody.
    if (random(2) === 0) await patiently(() => client.isKnown);
  }
  await pause(random(30));
  client.reset();
  const taken = [...client.presence].filter(([, { state }]) => state === ECHO).map(([clientId]) => clientId);
  demand(taken.length === 0, say(`an echo takes nobody's id, but took ${taken}`));
}

/** Waits for what a healthy room does soon. */
function patiently(holds: () => boolean): Promise<void> {
  return until(holds, "an answer", HEARD_MS).catch(() => {});
}

function echoOf(clientId: number, random: Random): Uint8Array {
  return encodeAwareness([{ clientId, clock: 1 + random(1_000), state: new TextEncoder().encode(ECHO) }]);
}

/** The room counts the honest ones alone, and shows a newcomer them alone. */
async function demandAlone(
  server: TorturedServer,
  honest: readonly Honest[],
  say: Say,
  patience: number,
): Promise<void> {
  const ids = honest.map(({ client }) => client.clientId ?? 0).sort((a, b) => a - b);
  const room = server.room(ROOM);
  let last = "";
  const alone = async () => {
    const { connections } = await room.statistics();
    const participants = await room.participants();
    last = JSON.stringify({ connections, ids: participants.map(({ clientId }) => clientId ?? null).slice(0, 12) });
    const present = participants.map(({ clientId }) => clientId ?? 0).sort((a, b) => a - b);
    return connections.stock === 1 && connections.roomful === HONEST - 1 && `${present}` === `${ids}`;
  };
  await demandSoon(alone, () => say(`the honest ones alone are left, not ${last}`), patience);
  const newcomer = await LoadClient.connect(`${await server.url()}/${ROOM}`);
  newcomer.askForPresence();
  await demandSoon(
    () => `${newcomer.present}` === `${ids}`,
    () => say(`a newcomer is shown the honest ones alone, not ${newcomer.present.slice(0, 12)}`),
    patience,
  );
  newcomer.close();
  await demandSoon(
    () => honest.every(({ client }) => `${client.present}` === `${ids.filter((id) => id !== client.clientId)}`),
    () => say(`the honest ones see each other alone, not ${honest.map(({ client }) => client.present.length)}`),
    patience,
  );
}

async function demandSame(
  server: TorturedServer,
  honest: readonly Honest[],
  say: Say,
  patience: number,
): Promise<void> {
  const edits = honest.reduce((sum, { sent }) => sum + sent, 0);
  let text = "";
  await demandSoon(
    async () => {
      // A stock client is not told what is saved, so that its last words may still be on their way.
      ({ text } = await server.room(ROOM).getJson({ text: "text" }));
      return text.length >= edits && honest.every(({ doc }) => doc.getText("text").toString() === text);
    },
    say("the honest ones and the room have the same text, with every edit"),
    patience,
  );
  demand(text.length === edits, say(`all ${edits} edits are in it, not ${text.length}`));
}
