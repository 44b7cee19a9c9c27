import { ByteReader } from "./bytes.ts";
import { writerOf } from "./updates.ts";

/** What a message says, as far as counting needs it. */
export type MessageKind = "step-1" | "step-2" | "update" | "awareness" | "other";

/** Told that a frame carries a writer's edits of the clocks `from` to before `to`. */
export type Carried = (writer: number, from: number, to: number) => void;

/** Struct kinds of Yjs, by the low bits of the info byte. */
const GC = 0;
const DELETED = 1;
const STRING = 4;
const SKIP = 10;
const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_KEY = 0x20;

const reader = new ByteReader();

/** The kind of a message, without reading on. @param start where it begins, after a prefix */
export function kindOf(message: Uint8Array, start: number): MessageKind {
  switch (message[start]) {
    case 0:
    // Hocuspocus tells answers apart.
    case 4:
      return message[start + 1] === 0 ? "step-1" : message[start + 1] === 1 ? "step-2" : "update";
    case 1:
      return "awareness";
    default:
      return "other";
  }
}

/**
 * Reads whose edits a sync message carries, from the structs' headers alone. Understands what the load's writers send,
 * merged or not: text of one byte a character.
 */
export function readUpdate(message: Uint8Array, start: number, carried: Carried): void {
  reader.reset(message);
  reader.at = start + 2;
  reader.varUint();
  const clients = reader.varUint();
  for (let index = 0; index < clients; index++) {
    const structs = reader.varUint();
    const writer = writerOf(reader.varUint());
    const from = reader.varUint();
    let to = from;
    for (let struct = 0; struct < structs; struct++) to += readStruct();
    carried(writer, from, to);
  }
}

/** Passes over a struct. @returns its length in clocks */
function readStruct(): number {
  const info = reader.byte();
  const kind = info & 0x1f;
  if (kind === GC || kind === SKIP) return reader.varUint();
  const hasOrigin = (info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) !== 0;
  if ((info & HAS_ORIGIN) !== 0) skipId();
  if ((info & HAS_RIGHT_ORIGIN) !== 0) skipId();
  if (!hasOrigin) {
    if (reader.varUint() === 1) reader.skipVarBytes();
    else skipId();
    if ((info & HAS_KEY) !== 0) reader.skipVarBytes();
  }
  if (kind === DELETED) return reader.varUint();
  if (kind !== STRING) throw new Error(`struct of kind ${kind}`);
  return reader.skipVarBytes();
}

function skipId(): void {
  reader.varUint();
  reader.varUint();
}

/** Reads whose states an awareness message carries: a writer's state of a clock makes the earlier ones needless. */
export function readAwareness(message: Uint8Array, start: number, carried: Carried): void {
  reader.reset(message);
  reader.at = start + 1;
  reader.varUint();
  const entries = reader.varUint();
  for (let index = 0; index < entries; index++) {
    const writer = writerOf(reader.varUint());
    const clock = reader.varUint();
    reader.skipVarBytes();
    if (clock > 0) carried(writer, clock - 1, clock);
  }
}

/** How far each subscriber of a room has got with each writer. */
export class Progress {
  readonly #writers: number;
  readonly #subscribers: number;
  readonly #next: Uint32Array;
  /** Edits delivered: for each, once per subscriber other than its writer. */
  delivered = 0;
  /** Times that a frame began after what its subscriber had: something was left out. */
  gaps = 0;

  /** The first `writers` of the subscribers write. */
  constructor(subscribers: number, writers: number) {
    this.#subscribers = subscribers;
    this.#writers = writers;
    this.#next = new Uint32Array(subscribers * writers);
  }

  /** @returns the first clock that was not there before, or `to` when all were */
  advance(subscriber: number, writer: number, from: number, to: number): number {
    if (subscriber === writer || writer < 0 || writer >= this.#writers) return to;
    const index = subscriber * this.#writers + writer;
    const next = this.#next[index] ?? 0;
    if (to <= next) return to;
    if (from > next) this.gaps++;
    this.#next[index] = to;
    this.delivered += to - next;
    return next;
  }

  /** How many of a writer's edits the slowest of the others has. */
  slowest(writer: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (let subscriber = 0; subscriber < this.#subscribers; subscriber++) {
      if (subscriber === writer) continue;
      const next = this.#next[subscriber * this.#writers + writer] ?? 0;
      if (next < least) least = next;
    }
    return least;
  }
}
