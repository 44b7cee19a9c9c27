import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import type { Plant } from "../support/bare-room-server.ts";
import { demandSoon } from "./demand-soon.ts";
import { LoadClient } from "./load-client.ts";
import { processListeningOn, residentBytes } from "./runtime-process.ts";
import { randomFrom } from "./scale.ts";
import { TorturedServer } from "./tortured-server.ts";
import { demand } from "./violation.ts";

interface PausedReaderOptions {
  readonly seed: number;
  readonly readers: number;
  /** Bytes of updates that are written while one reader reads nothing. */
  readonly bytes: number;
  /** Milliseconds within which what was written must have arrived. */
  readonly patience: number;
  readonly plant?: Plant;
}

interface Latency {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

interface PausedReaderFigures {
  readonly writtenBytes: number;
  /** With nobody paused, at the same rate. */
  readonly before: Latency;
  readonly during: Latency;
  /** Resident bytes of the runtime: before, the most while one was paused, after. `null`: not known here. */
  readonly resident: readonly [before: number | null, most: number | null, after: number | null];
  /** Whether the paused reader was closed, and came back by a reconnect. */
  readonly reconnected: boolean;
}

const ROOM = "lecture";
const VALUE_BYTES = 50_000;
const KEYS = 4;
/** Bytes that the writer sends before it waits for them to be saved. */
const IN_FLIGHT = 500_000;

/** A reader with the document in its hands. */
class Reader {
  client: LoadClient;
  readonly doc = new Y.Doc();
  readonly latencies: number[] = [];

  private constructor(client: LoadClient, sentAt: readonly number[]) {
    this.client = client;
    this.#listen();
    this.doc.getMap("times").observe(({ keysChanged }) => {
      const index = this.doc.getMap("times").get("last");
      const sent = keysChanged.has("last") ? sentAt[Number(index)] : undefined;
      if (sent !== undefined) this.latencies.push(performance.now() - sent);
    });
  }

  static async connect(url: string, sentAt: readonly number[], stock: boolean): Promise<Reader> {
    return new Reader(await LoadClient.connect(url, { stock }), sentAt);
  }

  #listen(): void {
    this.client.onUpdate = (update) => Y.applyUpdate(this.doc, update);
    this.client.askForDocument(Y.encodeStateVector(this.doc));
  }

  async reconnect(url: string): Promise<void> {
    this.client = await LoadClient.connect(url);
    this.#listen();
  }

  /** Forgets the latencies until now. @returns them */
  takeLatency(): Latency {
    const sorted = this.latencies.splice(0).sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }
}

/** Replaces large values under a few keys, so that much is sent and the document stays small. */
class Writer {
  readonly doc = new Y.Doc();
  readonly #client: LoadClient;
  readonly #sentAt: number[];
  readonly #letter: () => string;
  readonly #patience: number;
  writtenBytes = 0;
  #unsaved: { readonly frame: number; readonly bytes: number }[] = [];

  constructor(client: LoadClient, sentAt: number[], seed: number, patience: number) {
    this.#client = client;
    this.#sentAt = sentAt;
    this.#patience = patience;
    const random = randomFrom(seed);
    this.#letter = () => String.fromCharCode(97 + random(26));
    this.doc.on("update", (update: Uint8Array) => {
      this.#unsaved.push({ frame: client.sendUpdate(update), bytes: update.length });
      this.writtenBytes += update.length;
    });
  }

  async write(bytes: number, say: (promise: string) => string): Promise<void> {
    for (const end = this.writtenBytes + bytes; this.writtenBytes < end; ) {
      const value = this.#letter().repeat(VALUE_BYTES);
      const index = this.#sentAt.push(performance.now()) - 1;
      this.doc.transact(() => {
        this.doc.getMap("values").set(`key ${index % KEYS}`, `${index} ${value}`);
        this.doc.getMap("times").set("last", index);
      });
      await this.#untilSaved(IN_FLIGHT, say);
    }
    await this.#untilSaved(0, say);
  }

  /** Waits until no more than so many bytes are on their way. */
  #untilSaved(bytes: number, say: (promise: string) => string): Promise<void> {
    return demandSoon(
      () => {
        demand(this.#client.rejected === 0, say("no update is rejected"));
        demand(this.#client.closed === null, say(`the writer is not closed, but was: ${this.#client.closed}`));
        this.#unsaved = this.#unsaved.filter(({ frame }) => frame > this.#client.saved);
        return this.#unsaved.reduce((sum, one) => sum + one.bytes, 0) <= bytes;
      },
      say("what is written is saved"),
      this.#patience,
    );
  }
}

/** One reader reads nothing for a while, beside many that do. */
export async function runPausedReader(options: PausedReaderOptions): Promise<PausedReaderFigures> {
  const { seed, readers, bytes, patience, plant } = options;
  const say = (promise: string) => `seed ${seed}, ${readers} readers, ${bytes} bytes: ${promise}`;
  const server = await TorturedServer.start(plant && { plant });
  try {
    const base = await server.url();
    const url = `${base}/${ROOM}`;
    const pid = processListeningOn(Number(new URL(base).port));
    const sentAt: number[] = [];
    const live = await Promise.all(
      Array.from({ length: readers }, (_, index) => Reader.connect(url, sentAt, index % 2 === 1)),
    );
    const paused = await Reader.connect(url, sentAt, false);
    const writer = new Writer(await LoadClient.connect(url), sentAt, seed, patience);
    const untilSame = (which: readonly Reader[], who: string) =>
      demandSoon(
        () => {
          for (const { client } of which) demand(client.closed === null, say(`${who} stay: ${client.closed}`));
          return which.every(({ doc }) => isSame(doc, writer.doc));
        },
        say(`${who} receive everything`),
        patience,
      );
    await writer.write(bytes / 5, say);
    await untilSame([...live, paused], "all");
    const before = worst(live);
    const residentBefore = residentBytes(pid);
    paused.client.pause();
    const memory = watch(pid);
    await writer.write(bytes, say);
    await untilSame(live, "live readers");
    const during = worst(live);
    demand(!isSame(paused.doc, writer.doc), say("the paused reader is behind"));
    paused.client.resume();
    // What was sent to it before a close is still to be read.
    await demandSoon(
      () => paused.client.closed !== null || isSame(paused.doc, writer.doc),
      say("the paused reader receives everything, or is closed"),
      patience,
    );
    const reconnected = paused.client.closed !== null;
    if (reconnected) await paused.reconnect(url);
    await untilSame([paused], "the paused one");
    const resident = [residentBefore, memory.stop(), residentBytes(pid)] as const;
    await demandStored(server, writer.doc, say);
    return {
      writtenBytes: writer.writtenBytes,
      before,
      during,
      resident,
      reconnected,
    };
  } finally {
    await server.stop();
  }
}

function isSame(one: Y.Doc, other: Y.Doc): boolean {
  const state = (doc: Y.Doc) => Buffer.from(Y.encodeStateVector(doc)).toString("hex");
  return state(one) === state(other) && sameValues(one, other);
}

function sameValues(one: Y.Doc, other: Y.Doc): boolean {
  const [values, others] = [one.getMap("values"), other.getMap("values")];
  return values.size === others.size && [...values].every(([key, value]) => others.get(key) === value);
}

function worst(readers: readonly Reader[]): Latency {
  const all = readers.map((reader) => reader.takeLatency());
  return { p50: Math.max(...all.map(({ p50 }) => p50)), p99: Math.max(...all.map(({ p99 }) => p99)) };
}

/** Watches a process's memory. */
function watch(pid: number | null): { stop: () => number | null } {
  let most = residentBytes(pid);
  let stopped = false;
  const look = () => {
    const now = residentBytes(pid);
    if (most !== null && now !== null) most = Math.max(most, now);
  };
  void (async () => {
    while (!stopped) {
      look();
      await pause(50);
    }
  })();
  return {
    stop: () => {
      stopped = true;
      look();
      return most;
    },
  };
}

async function demandStored(server: TorturedServer, written: Y.Doc, say: (promise: string) => string): Promise<void> {
  await server.restart();
  const cold = new Y.Doc();
  Y.applyUpdate(cold, await server.room(ROOM).getState());
  cold.getMap("values");
  demand(isSame(cold, written), say("a cold load has everything"));
}
