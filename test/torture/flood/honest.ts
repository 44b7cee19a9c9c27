import * as Y from "yjs";
import { LoadClient } from "../load/load-client.ts";

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

const PING_EVERY_MS = 50;
const EDIT_EVERY_MS = 200;

/** An honest participant: it types now and then, moves its cursor, and measures how long the room takes to answer. */
export class Honest {
  readonly client: LoadClient;
  readonly #doc = new Y.Doc();
  readonly #index: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #frame = 0;
  #turns = 0;

  private constructor(client: LoadClient, index: number) {
    this.client = client;
    this.#index = index;
    this.#doc.clientID = 10_000 + index;
    this.#doc.on("update", (update: Uint8Array) => {
      this.#frame = client.sendUpdate(update);
    });
  }

  static async join(url: string, index: number): Promise<Honest> {
    const honest = new Honest(await LoadClient.connect(url, { stock: index % 4 === 3 }), index);
    honest.client.askForDocument();
    honest.#moveCursor();
    return honest;
  }

  start(): void {
    if (!this.client.isStock) this.#timers.push(setInterval(() => this.client.ping(), PING_EVERY_MS));
    this.#timers.push(
      setInterval(() => {
        this.#doc.getText(`notes ${this.#index}`).insert(0, "word ");
        this.#moveCursor();
      }, EDIT_EVERY_MS),
    );
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Whether everything that it wrote is saved. A stock client is not told. */
  get isSaved(): boolean {
    return this.client.isStock || this.client.saved >= this.#frame;
  }

  get written(): string {
    return this.#doc.getText(`notes ${this.#index}`).toString();
  }

  get root(): string {
    return `notes ${this.#index}`;
  }

  #moveCursor(): void {
    this.client.announce(this.#doc.clientID, { name: `person ${this.#index}`, cursor: this.#turns++ });
  }
}

/** Forgets the latencies until now. @returns them, of all together */
export function takeLatency(all: readonly Honest[]): Latency {
  const sorted = all.flatMap(({ client }) => client.pings.splice(0)).sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
