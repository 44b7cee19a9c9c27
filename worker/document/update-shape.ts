/**
 * Structural validation of Yjs updates, version 1. `Y.applyUpdate` is not atomic and trusts announced counts, so every
 * update is walked here first, without building anything from it.
 * Format: https://github.com/yjs/yjs/blob/main/INTERNALS.md and the decoders of yjs 13 and lib0.
 */
import { RoomfulError } from "../../shared/errors.ts";
import { CLOCK_BOUND, KEY_BYTES, VALUE_DEPTH } from "../../shared/limits.ts";
import { decodeUtf8, isPlainJson } from "../runtime/json.ts";

/** The structs of one client in an update: clocks `start` up to, not including, `end`. */
export interface StructRange {
  readonly client: number;
  readonly start: number;
  readonly end: number;
  /** End of the last gap inside the range, or `start` when there is none. What follows it needs all before it. */
  readonly gapEnd: number;
}

/** A run of deleted clocks. */
export interface DeletedRange {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

/** What an update holds and needs, as far as its structure tells. */
export interface UpdateShape {
  readonly structs: readonly StructRange[];
  readonly deletions: readonly DeletedRange[];
  /** How many structs have content, and how many have none: collected content, and gaps. */
  readonly items: number;
  readonly gaps: number;
  /** For each client the highest clock that a struct refers to as its origin or parent. */
  readonly references: ReadonlyMap<number, number>;
  /** Names of the root types that structs stand in. */
  readonly roots: ReadonlySet<string>;
}

const INFO_TYPE = 0b0001_1111;
const HAS_PARENT_KEY = 0b0010_0000;
const HAS_RIGHT_ORIGIN = 0b0100_0000;
const HAS_ORIGIN = 0b1000_0000;

const GC = 0;
const CONTENT_DELETED = 1;
const CONTENT_JSON = 2;
const CONTENT_BINARY = 3;
const CONTENT_STRING = 4;
const CONTENT_EMBED = 5;
const CONTENT_FORMAT = 6;
const CONTENT_TYPE = 7;
const CONTENT_ANY = 8;
const SKIP = 10;

const ANY_OBJECT = 118;
const ANY_ARRAY = 117;

const XML_ELEMENT = 3;
const XML_HOOK = 5;
const LAST_TYPE = 6;

/**
 * Walks an update and tells what it holds.
 * @throws RoomfulError `invalid-update` when `Y.applyUpdate` could not take it whole and safely
 */
export function readUpdateShape(update: Uint8Array): UpdateShape {
  return new ShapeReader(update).read();
}

class ShapeReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  readonly #structs: StructRange[] = [];
  readonly #deletions: DeletedRange[] = [];
  readonly #references = new Map<number, number>();
  readonly #roots = new Set<string>();
  #items = 0;
  #gaps = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): UpdateShape {
    const clients = this.#count();
    const seen = new Set<number>();
    for (let index = 0; index < clients; index++) this.#clientStructs(seen);
    const deletingClients = this.#count();
    seen.clear();
    for (let index = 0; index < deletingClients; index++) this.#clientDeletions(seen);
    if (this.#position !== this.#bytes.length) fail("bytes left over");
    return {
      structs: this.#structs,
      deletions: this.#deletions,
      items: this.#items,
      gaps: this.#gaps,
      references: this.#references,
      roots: this.#roots,
    };
  }

  #clientStructs(seen: Set<number>): void {
    const count = this.#count();
    const client = this.#uint();
    // Yjs keeps only the last block of a client and forgets the others.
    if (seen.has(client)) fail("a client twice");
    seen.add(client);
    const start = this.#uint();
    let clock = start;
    let gapEnd = start;
    for (let index = 0; index < count; index++) {
      const info = this.#byte();
      const isGap = info === SKIP || info === GC;
      if (isGap) this.#gaps++;
      else this.#items++;
      const length = isGap ? this.#uint() : this.#item(info, client, clock);
      if (length === 0) fail("a struct without length");
      clock += length;
      if (clock >= CLOCK_BOUND) fail("a clock out of bounds");
      if (info === SKIP) gapEnd = clock;
    }
    this.#structs.push({ client, start, end: clock, gapEnd });
  }

  #item(info: number, client: number, clock: number): number {
    const hasOrigin = (info & HAS_ORIGIN) !== 0;
    const hasRightOrigin = (info & HAS_RIGHT_ORIGIN) !== 0;
    if (hasOrigin) this.#reference(client, clock);
    if (hasRightOrigin) this.#reference(client, clock);
    if (!hasOrigin && !hasRightOrigin) {
      const inRoot = this.#uint() === 1;
      if (inRoot) this.#roots.add(this.#key());
      else this.#reference(client, clock);
      if ((info & HAS_PARENT_KEY) !== 0) this.#key();
    }
    return this.#content(info & INFO_TYPE);
  }

  /** Walks an item's content. Returns its length in clocks. */
  #content(type: number): number {
    switch (type) {
      case CONTENT_DELETED:
        return this.#uint();
      case CONTENT_JSON: {
        const count = this.#count();
        for (let index = 0; index < count; index++) {
          const text = this.#text();
          if (text !== "undefined") checkJson(text);
        }
        return count;
      }
      case CONTENT_BINARY:
        this.#skip(this.#uint());
        return 1;
      case CONTENT_STRING:
        return this.#string();
      case CONTENT_EMBED:
        checkJson(this.#text());
        return 1;
      case CONTENT_FORMAT:
        this.#key();
        checkJson(this.#text());
        return 1;
      case CONTENT_TYPE: {
        const kind = this.#uint();
        if (kind > LAST_TYPE) fail("an unknown shared type");
        if (kind === XML_ELEMENT || kind === XML_HOOK) this.#key();
        return 1;
      }
      case CONTENT_ANY: {
        const count = this.#count();
        for (let index = 0; index < count; index++) this.#any(VALUE_DEPTH);
        return count;
      }
      default:
        // Subdocuments (9) are refused too: each would be a document inside this one's memory.
        return fail(`content of type ${type}`);
    }
  }

  /** Walks one value of lib0's `any` encoding. */
  #any(depth: number): void {
    const type = this.#byte();
    if (depth === 0 && (type === ANY_OBJECT || type === ANY_ARRAY)) fail("a value nested too deeply");
    switch (type) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        return;
      case 125:
        this.#int();
        return;
      case 124:
        this.#skip(4);
        return;
      case 123:
      case 122:
        this.#skip(8);
        return;
      case 119:
        this.#string();
        return;
      case ANY_OBJECT: {
        const count = this.#count();
        for (let index = 0; index < count; index++) {
          this.#key();
          this.#any(depth - 1);
        }
        return;
      }
      case ANY_ARRAY: {
        const count = this.#count();
        for (let index = 0; index < count; index++) this.#any(depth - 1);
        return;
      }
      case 116:
        this.#skip(this.#uint());
        return;
      default:
        fail(`a value of type ${type}`);
    }
  }

  #clientDeletions(seen: Set<number>): void {
    const client = this.#uint();
    if (seen.has(client)) fail("a client's deletions twice");
    seen.add(client);
    const count = this.#count();
    let end = 0;
    for (let index = 0; index < count; index++) {
      const clock = this.#uint();
      const length = this.#uint();
      // Yjs sorts and merges what it writes. An empty range would split an item, overlapping ones cost their product.
      if (length === 0) fail("an empty deletion");
      if (clock < end) fail("deletions out of order");
      end = clock + length;
      if (end >= CLOCK_BOUND) fail("a clock out of bounds");
      this.#deletions.push({ client, clock, length });
    }
  }

  /** What an item at a clock of its client refers to: an item that its author had, so never itself or a later one. */
  #reference(ownClient: number, ownClock: number): void {
    const client = this.#uint();
    const clock = this.#uint();
    if (clock >= CLOCK_BOUND) fail("a clock out of bounds");
    if (client === ownClient && clock >= ownClock) fail("an item that refers to itself or a later one");
    const known = this.#references.get(client);
    if (known === undefined || known < clock) this.#references.set(client, clock);
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    return byte === undefined ? fail("truncated") : byte;
  }

  #uint(): number {
    return this.#rest(0, 1);
  }

  /** A signed number: six bits in its first byte, seven in each further one. */
  #int(): void {
    const first = this.#byte();
    if (first >= 128) this.#rest(first & 63, 64);
  }

  /** The further bytes of a number. Bounded in their count, since zeros could go on until the multiplier is infinite. */
  #rest(start: number, startMultiplier: number): number {
    let value = start;
    for (let multiplier = startMultiplier; multiplier <= Number.MAX_SAFE_INTEGER; multiplier *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * multiplier;
      if (value > Number.MAX_SAFE_INTEGER) fail("a number out of bounds");
      if (byte < 128) return value;
    }
    return fail("a number out of bounds");
  }

  /** A count of things that take at least one byte each, so that it can't announce more than the bytes that remain. */
  #count(): number {
    const count = this.#uint();
    if (count > this.#bytes.length - this.#position) fail("a count above the bytes that remain");
    return count;
  }

  #skip(bytes: number): void {
    if (bytes > this.#bytes.length - this.#position) fail("truncated");
    this.#position += bytes;
  }

  #slice(): Uint8Array {
    const length = this.#uint();
    const start = this.#position;
    this.#skip(length);
    return this.#bytes.subarray(start, this.#position);
  }

  #text(): string {
    return readText(this.#slice());
  }

  #key(): string {
    const bytes = this.#slice();
    if (bytes.length > KEY_BYTES) fail("a name above its limit");
    const key = readText(bytes);
    // Assigning this key to a plain object, as readers do, would replace the object's prototype.
    if (key === "__proto__") fail("the name __proto__");
    return key;
  }

  /** Walks a string and returns its length in UTF-16 units, which is what Yjs counts. */
  #string(): number {
    return utf16Length(this.#slice());
  }
}

function fail(detail: string): never {
  throw new RoomfulError("invalid-update", detail);
}

function readText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return fail("text that is not UTF-8");
  }
}

function utf16Length(bytes: Uint8Array): number {
  for (const byte of bytes) {
    if (byte >= 128) return readText(bytes).length;
  }
  return bytes.length;
}

function checkJson(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail("a JSON value that is none");
  }
  if (!isPlainJson(value)) fail("a JSON value nested too deeply, or with the name __proto__");
}
