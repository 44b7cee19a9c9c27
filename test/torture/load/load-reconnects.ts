import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import type { Plant } from "../../support/plant.ts";
import { demandSoon } from "../support/demand-soon.ts";
import { processListeningOn, processorSeconds } from "../support/runtime-process.ts";
import { type Random, randomFrom } from "../support/scale.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";
import { LoadClient } from "./load-client.ts";

interface ReconnectOptions {
  readonly seed: number;
  readonly clients: number;
  readonly documentBytes: number;
  /** Milliseconds within which everybody must be served. */
  readonly patience: number;
  readonly plant?: Plant;
}

interface ReconnectFigures {
  /** Milliseconds from the first connection until the last client was synced. */
  readonly syncedMs: number;
  /** Likewise until the last edit was saved. */
  readonly savedMs: number;
  /** Processor time that the runtime used until then; `null`: not known here. */
  readonly runtimeSeconds: number | null;
  readonly receivedBytes: number;
  /** Bytes that those received in answer to step 1 who knew everything. */
  readonly answersToKnowing: number;
  readonly answersToUnknowing: number;
  readonly loads: number;
}

/** Bytes of an answer to who lacks just the edits of a storm: each is some 40. */
const bytesOfEdits = (clients: number) => 1_000 + 80 * clients;

const ROOM = "storm";
const PARAGRAPH_BYTES = 500;
const FIRST_CLIENT_ID = 1_000;
/** From the client id of somebody's first edit to that of the second. */
const SECOND_EDIT = 100_000;
/** Real clients come back within a second. */
const JITTER_MS = 1_000;

/** One who comes back: what it knows, its edit, and whose edits it has heard of. */
interface Returning {
  readonly client: LoadClient;
  readonly knows: boolean;
  readonly editor: number;
  readonly heardOf: Set<number>;
  synced: boolean;
  /** The number of its last sync frame. */
  frame: number;
}

/** A document that many short paragraphs make up. */
function documentOf(bytes: number, random: Random): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = 1;
  const text = doc.getText("text");
  const letter = () => String.fromCharCode(97 + random(26));
  for (let length = 0; length < bytes; length += PARAGRAPH_BYTES) {
    // At the beginning, so that no two paragraphs become one item.
    text.insert(0, Array.from({ length: PARAGRAPH_BYTES }, letter).join(""));
  }
  return doc;
}

/** One edit of its own author, independent of all others. */
function editOf(editor: number): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = editor;
  doc.getMap("edits").set(`${editor}`, editor);
  return Y.encodeStateAsUpdate(doc);
}

/** Everybody comes back at once after a restart, half knowing the document and half not, each with an edit. */
export async function runReconnectStorm(options: ReconnectOptions): Promise<ReconnectFigures> {
  const { seed, clients, patience } = options;
  const server = await TorturedServer.start(options.plant && { plant: options.plant });
  try {
    const base = documentOf(options.documentBytes, randomFrom(seed));
    await server.room(ROOM).applyUpdate(Y.encodeStateAsUpdate(base));
    const url = `${await server.url()}/${ROOM}`;
    const before = await Promise.all(Array.from({ length: clients }, () => LoadClient.connect(url)));
    await server.restart();
    await demandSoon(() => before.every(({ closed }) => closed !== null), `seed ${seed}: a restart closes`, patience);
    return await storm(server, base, options);
  } finally {
    await server.stop();
  }
}

async function storm(server: TorturedServer, base: Y.Doc, options: ReconnectOptions): Promise<ReconnectFigures> {
  const { seed, clients, patience } = options;
  const say = (promise: string) => `seed ${seed}, ${clients} clients: ${promise}`;
  const random = randomFrom(seed + 1);
  const serverUrl = await server.url();
  const url = `${serverUrl}/${ROOM}`;
  const pid = processListeningOn(Number(new URL(serverUrl).port));
  const started = performance.now();
  const stateVector = Y.encodeStateVector(base);
  const returning = await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      await pause(random(JITTER_MS));
      return comeBack(url, index, stateVector);
    }),
  );
  const count = (holds: (one: Returning) => boolean) => `${returning.filter(holds).length} of ${clients}`;
  const all = async (holds: (one: Returning) => boolean, what: string) =>
    demandSoon(
      () => returning.every(holds) || returning.some(({ client }) => client.closed !== null),
      () => say(`${what}: only ${count(holds)}`),
      patience,
    );
  await all(({ synced }) => synced, "everybody is synced");
  const syncedMs = performance.now() - started;
  await all(({ client, frame }) => client.isStock || (frame === 2 && client.saved >= 2), "every edit is saved");
  const savedMs = performance.now() - started;
  const runtimeSeconds = processorSeconds(pid);
  // All at once, so that windows hold the edits of several.
  for (const { client, editor } of returning) client.sendUpdate(editOf(editor + SECOND_EDIT));
  await all(({ heardOf }) => heardOf.size === 2 * clients, "everybody is told every edit");
  await all(({ client }) => client.present.length === clients - 1, "everybody is shown everybody");
  for (const { client } of returning) {
    demand(client.closed === null, say(`nobody is closed, but one was: ${client.closed}`));
    demand(client.rejected === 0, say("nothing is rejected"));
  }
  const knowing = returning.filter(({ knows }) => knows);
  const most = Math.max(...knowing.map(({ client }) => client.answerBytes));
  demand(most < bytesOfEdits(clients), say(`who knows everything is sent next to nothing, not ${most} bytes`));
  const { document } = await server.room(ROOM).statistics();
  demand(document.loads === 1, say(`the document is loaded once, not ${document.loads} times`));
  await demandStored(server, base, returning, say);
  return {
    syncedMs,
    savedMs,
    runtimeSeconds,
    receivedBytes: sum(returning),
    answersToKnowing: sum(knowing, "answerBytes"),
    answersToUnknowing: sum(
      returning.filter(({ knows }) => !knows),
      "answerBytes",
    ),
    loads: document.loads,
  };
}

function sum(of: readonly Returning[], what: "bytesReceived" | "answerBytes" = "bytesReceived"): number {
  return of.reduce((total, { client }) => total + client[what], 0);
}

function comeBack(url: string, index: number, stateVector: Uint8Array): Promise<Returning> {
  const editor = FIRST_CLIENT_ID + index;
  const knows = index % 2 === 0;
  const edit = editOf(editor);
  const heardOf = new Set([editor, editor + SECOND_EDIT]);
  return LoadClient.connect(url, { stock: index % 4 === 3 }).then((client) => {
    const one: Returning = { client, knows, editor, heardOf, synced: false, frame: 0 };
    client.onUpdate = (update) => {
      for (const author of Y.decodeStateVector(Y.encodeStateVectorFromUpdate(update)).keys()) {
        if (author >= FIRST_CLIENT_ID) heardOf.add(author);
      }
      if (client.answers === 0 || one.synced) return;
      one.synced = true;
      // It has nothing that the room lacks, and says so; then it goes on working.
      client.answer(new Uint8Array([0, 0]));
      one.frame = client.sendUpdate(edit);
    };
    client.askForDocument(knows ? stateVector : undefined);
    client.announce(editor, { name: `client ${index}` });
    return one;
  });
}

/** The document is what it was with every edit, read from storage anew. */
async function demandStored(
  server: TorturedServer,
  base: Y.Doc,
  returning: readonly Returning[],
  say: (promise: string) => string,
): Promise<void> {
  await server.room(ROOM).flush();
  await server.restart();
  const cold = new Y.Doc();
  Y.applyUpdate(cold, await server.room(ROOM).getState());
  demand(cold.getText("text").toString() === base.getText("text").toString(), say("a cold load has the old text"));
  const edits = cold.getMap("edits");
  const made = returning.flatMap(({ editor }) => [editor, editor + SECOND_EDIT]);
  const missing = made.filter((editor) => edits.get(`${editor}`) !== editor);
  demand(missing.length === 0, say(`a cold load has every edit, but ${missing.length} are missing`));
  demand(edits.size === made.length, say("a cold load has no other edit"));
}
