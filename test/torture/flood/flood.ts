import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import { SETTINGS } from "../../../worker/settings/settings.ts";
import type { Plant } from "../../support/plant.ts";
import { LoadClient } from "../load/load-client.ts";
import { demandSoon } from "../support/demand-soon.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";
import { drawing, type Flood } from "./floods.ts";
import { Honest, type Latency, takeLatency } from "./honest.ts";

interface FloodOptions {
  readonly flood: Flood;
  readonly honest: number;
  /** Shapes in the document before the flood. */
  readonly shapes: number;
  /** Of each default rate, how much holds here: on a starved machine a socket can't ask for much. */
  readonly ratePart: number;
  /** Milliseconds within which the flood must be over. */
  readonly patience: number;
  readonly plant?: Plant;
}

export interface FloodFigures {
  readonly before: Latency;
  readonly meanwhile: Latency;
  readonly after: Latency;
  readonly messages: number;
  /** Milliseconds until it was closed. */
  readonly lastedMs: number;
  readonly warnings: number;
  /** Visits that were refused at the door, in the second after it was closed. */
  readonly refusedVisits: number;
}

const ROOM = "square";
/** Bytes that wait on the flooder's side: it sends as fast as the room takes. */
const IN_FLIGHT = 100_000;
const UNANSWERED = 20;
const QUIET_MS = 1_500;
const VISITS_MS = 1_000;
const CLOSE_CODE = 4529;

/** One socket floods a room in which others work. @throws Violation when one of those is disturbed, or it is not closed */
export async function runFlood(options: FloodOptions): Promise<FloodFigures> {
  const { flood, patience, plant } = options;
  const say = (promise: string) => `${flood.name}: ${promise}`;
  const server = await TorturedServer.start({ settings: ratesOf(options.ratePart), ...(plant && { plant }) });
  const honest: Honest[] = [];
  try {
    await server.room(ROOM).applyUpdate(drawing(options.shapes, 1));
    const url = `${await server.url()}/${ROOM}`;
    for (let index = 0; index < options.honest; index++) honest.push(await Honest.join(url, index));
    for (const one of honest) one.start();
    await pause(QUIET_MS);
    const before = takeLatency(honest);
    const flooder = await LoadClient.connect(url);
    flooder.askForDocument();
    await demandSoon(() => flooder.answers > 0, say("the flooder is let in"), patience);
    const started = performance.now();
    const messages = await pour(flooder, flood, started + patience);
    const lastedMs = performance.now() - started;
    demand(flooder.closed !== null, say(`the flooder is closed within ${patience} ms`));
    demand(flooder.closed.startsWith(`${CLOSE_CODE} rate-limited`), say(`it is told to wait: ${flooder.closed}`));
    demand(flooder.closed.includes(`(${flood.kind})`), say(`it is told what for: ${flooder.closed}`));
    const meanwhile = takeLatency(honest);
    const refusedVisits = await visitAgain(url, say);
    takeLatency(honest);
    await pause(QUIET_MS);
    for (const one of honest) one.stop();
    const after = takeLatency(honest);
    for (const { client } of honest) demand(client.closed === null, say(`nobody else is closed: ${client.closed}`));
    await demandSoon(() => honest.every(({ isSaved }) => isSaved), say("what the others wrote is saved"), patience);
    await demandKept(server, honest, say, patience);
    return { before, meanwhile, after, messages, lastedMs, warnings: flooder.warnings, refusedVisits };
  } finally {
    for (const one of honest) {
      one.stop();
      one.client.close();
    }
    await server.stop();
  }
}

function ratesOf(part: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([name, { default: rate }]) =>
      name.endsWith("_RATE") && typeof rate === "number" ? [[name, `${Math.ceil(rate * part)}`]] : [],
    ),
  );
}

/** @returns how many messages were sent until the socket was closed */
async function pour(flooder: LoadClient, flood: Flood, deadline: number): Promise<number> {
  let messages = 0;
  while (flooder.closed === null && performance.now() < deadline) {
    // Who reads no answers is closed as a slow reader.
    const mayAsk = () => flood.kind !== "joins" || flooder.answers + UNANSWERED > messages;
    for (let index = 0; index < 10 && flooder.isOpen && flooder.bufferedBytes < IN_FLIGHT && mayAsk(); index++) {
      flooder.sendRaw(flood.message(messages++));
    }
    await new Promise(setImmediate);
  }
  return messages;
}

/** Who was closed comes back at once, as a stock client does, and gets nothing. */
async function visitAgain(url: string, say: (promise: string) => string): Promise<number> {
  let refused = 0;
  for (const end = performance.now() + VISITS_MS; performance.now() < end; refused++) {
    const visitor = await LoadClient.connect(url);
    visitor.askForDocument();
    await demandSoon(() => visitor.closed !== null || visitor.answers > 0, say("a visit is answered"), 60_000);
    demand(visitor.answers === 0, say("coming back at once is useless"));
    demand(visitor.closed?.startsWith(`${CLOSE_CODE} rate-limited`) === true, say(`it is told why: ${visitor.closed}`));
    await pause(100);
  }
  return refused;
}

async function demandKept(
  server: TorturedServer,
  honest: readonly Honest[],
  say: (promise: string) => string,
  patience: number,
): Promise<void> {
  await demandSoon(
    async () => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, await server.room(ROOM).getState());
      return honest.every(({ root, written }) => doc.getText(root).toString() === written);
    },
    say("everything that the others wrote is there"),
    patience,
  );
}
