/**
 * Structural validation of Yjs updates, version 1. `Y.applyUpdate` is not atomic and trusts announced counts, so every
 * update is walked here first, without building anything from it.
 * Format: https://github.com/yjs/yjs/blob/main/INTERNALS.md and the decoders of yjs 13 and lib0.
 */
import { RoomfulError } from "../../shared/errors.ts";
import { CLOCK_BOUND, KEY_BYTES, VALUE_DEPTH } from "../../shared/limits.ts";
import { decodeUtf8, isPlainJson } from "../runtime/json.ts";
import {
  arrayHeap,
  BUFFER,
  COLLECTED,
  ITEM,
  indexOfKey,
  jsonHeap,
  KEYED,
  objectHeap,
  SHARED_TYPE,
  VALUE,
  VALUE_LIST,
} from "./heap-weights.ts";
import {
  CONTENT_ANY,
  CONTENT_BINARY,
  CONTENT_DELETED,
  CONTENT_EMBED,
  CONTENT_FORMAT,
  CONTENT_JSON,
  CONTENT_STRING,
  CONTENT_TYPE,
  GC,
  HAS_ORIGIN,
  HAS_PARENT_KEY,
  HAS_RIGHT_ORIGIN,
  INFO_TYPE,
  SKIP,
  XML_ELEMENT,
  XML_HOOK,
} from "./struct-tags.ts";

/** The structs of one client in an update: its clocks from `start` up to, not including, `end`. */
export interface StructRange {
  readonly client: number;
  readonly start: number;
  readonly end: number;
  /** End of the last gap inside the range, or `start` when there is none. The structs after it need all clocks before it. */
  readonly gapEnd: number;
}

/** A run of deleted clocks. */
export interface DeletedRange {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

/** The content and the needs of an update, as far as its structure shows them. */
export interface UpdateShape {
  readonly structs: readonly StructRange[];
  readonly deletions: readonly DeletedRange[];
  /** Structs with content. */
  readonly items: number;
  /** Structs without content: gaps, and what was garbage-collected. */
  readonly gaps: number;
  /** The highest clock of each client that a struct refers to as its origin or parent. */
  readonly references: ReadonlyMap<number, number>;
  /** Names of the root types that structs stand in. */
  readonly roots: ReadonlySet<string>;
  /** Bytes of JSON and Any values. */
  readonly checkedBytes: number;
  /** Bytes of heap that the structs take in a document, about, besides those of their client ids. */
  readonly heap: number;
  /** Encoded bytes of structs without content, about: they stay whatever is deleted. */
  readonly lasting: number;
}

/** Thrown by {@link readUpdateShape}: says how many bytes were checked before the update was found to be none. */
export class UnusableUpdate extends RoomfulError {
  readonly checkedBytes: number;

  constructor({ code, detail }: RoomfulError, checkedBytes: number) {
    super(code, detail);
    this.checkedBytes = checkedBytes;
  }
}

/** Encoded bytes of a struct without content, and of its deletion. */
const COLLECTED_BYTES = 6;

/** Encoded bytes of an item whose content is deleted, and of its deletion. */
const DELETED_BYTES = 16;

const ANY_OBJECT = 118;
const ANY_ARRAY = 117;

const LAST_TYPE = 6;

/**
 * Walks an update and returns its shape.
 * @throws UnusableUpdate `invalid-update` when `Y.applyUpdate` could not take it whole and safely
 */
export function readUpdateShape(update: Uint8Array): UpdateShape {
  const reader = new ShapeReader(update);
  try {
    return reader.read();
  } catch (cause) {
    throw cause instanceof RoomfulError ? new UnusableUpdate(cause, reader.walkedBytes) : cause;
  }
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
  #checkedBytes = 0;
  /** Bytes of strings and binaries, which are passed over as a whole. */
  #passedBytes = 0;
  #heap = 0;
  #lasting = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): UpdateShape {
    const clients = this.#readCount();
    const seen = new Set<number>();
    for (let index = 0; index < clients; index++) this.#walkStructs(seen);
    this.#heap += this.#position;
    const deletingClients = this.#readCount();
    seen.clear();
    for (let index = 0; index < deletingClients; index++) this.#walkDeletions(seen);
    if (this.#position !== this.#bytes.length) fail("bytes left over");
    return {
      structs: this.#structs,
      deletions: this.#deletions,
      items: this.#items,
      gaps: this.#gaps,
      references: this.#references,
      roots: this.#roots,
      checkedBytes: this.#checkedBytes,
      heap: this.#heap,
      lasting: this.#lasting,
    };
  }

  /** Bytes up to here that were walked one by one. */
  get walkedBytes(): number {
    return Math.min(this.#position, this.#bytes.length) - this.#passedBytes;
  }

  #walkStructs(seen: Set<number>): void {
    const count = this.#readCount();
    const client = this.#readUint();
    // Yjs keeps only the last block of a client and forgets the others.
    if (seen.has(client)) fail("a client twice");
    seen.add(client);
    const start = this.#readUint();
    let clock = start;
    let gapEnd = start;
    for (let index = 0; index < count; index++) {
      const info = this.#readByte();
      const isGap = info === SKIP || info === GC;
      if (isGap) this.#gaps++;
      else this.#items++;
      this.#heap += isGap ? COLLECTED : ITEM;
      if (isGap) this.#lasting += COLLECTED_BYTES;
      const length = isGap ? this.#readUint() : this.#walkItem(info, client, clock);
      if (length === 0) fail("a struct without length");
      clock += length;
      if (clock >= CLOCK_BOUND) fail("a clock out of bounds");
      if (info === SKIP) gapEnd = clock;
    }
    this.#structs.push({ client, start, end: clock, gapEnd });
  }

  #walkItem(info: number, client: number, clock: number): number {
    const hasOrigin = (info & HAS_ORIGIN) !== 0;
    const hasRightOrigin = (info & HAS_RIGHT_ORIGIN) !== 0;
    if (hasOrigin) this.#walkReference(client, clock);
    if (hasRightOrigin) this.#walkReference(client, clock);
    if (!hasOrigin && !hasRightOrigin) {
      const inRoot = this.#readUint() === 1;
      if (inRoot) this.#roots.add(this.#readKey());
      else this.#walkReference(client, clock);
      if ((info & HAS_PARENT_KEY) !== 0) {
        this.#readKey();
        this.#heap += KEYED;
      }
    }
    return this.#walkContent(info & INFO_TYPE);
  }

  /** Walks an item's content. @returns its length in clocks */
  #walkContent(type: number): number {
    switch (type) {
      case CONTENT_DELETED:
        this.#lasting += DELETED_BYTES;
        return this.#readUint();
      case CONTENT_JSON: {
        const count = this.#readCount();
        this.#heap += VALUE_LIST;
        for (let index = 0; index < count; index++) this.#walkJson(true);
        return count;
      }
      case CONTENT_BINARY:
        this.#heap += BUFFER;
        this.#skip(this.#readUint());
        return 1;
      case CONTENT_STRING:
        return this.#walkString();
      case CONTENT_EMBED:
        this.#walkJson();
        return 1;
      case CONTENT_FORMAT:
        this.#readKey();
        this.#walkJson();
        return 1;
      case CONTENT_TYPE: {
        this.#heap += SHARED_TYPE;
        const kind = this.#readUint();
        if (kind > LAST_TYPE) fail("an unknown shared type");
        if (kind === XML_ELEMENT || kind === XML_HOOK) this.#readKey();
        return 1;
      }
      case CONTENT_ANY: {
        const count = this.#readCount();
        this.#heap += VALUE_LIST;
        const start = this.#position - this.#passedBytes;
        for (let index = 0; index < count; index++) this.#walkAny(VALUE_DEPTH);
        this.#checkedBytes += this.#position - this.#passedBytes - start;
        return count;
      }
      default:
        // Subdocuments (9) are refused too: each would be a document inside this one's memory.
        return fail(`content of type ${type}`);
    }
  }

  /** Walks one value of lib0's `any` encoding. */
  #walkAny(depth: number): void {
    const type = this.#readByte();
    this.#heap += VALUE;
    if (depth === 0 && (type === ANY_OBJECT || type === ANY_ARRAY)) fail("a value nested too deeply");
    switch (type) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        return;
      case 125:
        this.#skipInt();
        return;
      case 124:
        this.#skip(4);
        return;
      case 123:
      case 122:
        this.#skip(8);
        return;
      case 119:
        this.#walkString();
        return;
      case ANY_OBJECT: {
        const count = this.#readCount();
        let highestIndex = -1;
        for (let index = 0; index < count; index++) {
          highestIndex = Math.max(highestIndex, indexOfKey(this.#readKey()));
          this.#walkAny(depth - 1);
        }
        this.#heap += objectHeap(count, highestIndex);
        return;
      }
      case ANY_ARRAY: {
        const count = this.#readCount();
        for (let index = 0; index < count; index++) this.#walkAny(depth - 1);
        this.#heap += arrayHeap(count);
        return;
      }
      case 116:
        this.#heap += BUFFER;
        this.#skip(this.#readUint());
        return;
      default:
        fail(`a value of type ${type}`);
    }
  }

  #walkDeletions(seen: Set<number>): void {
    const client = this.#readUint();
    if (seen.has(client)) fail("a client's deletions twice");
    seen.add(client);
    const count = this.#readCount();
    let end = 0;
    for (let index = 0; index < count; index++) {
      const clock = this.#readUint();
      const length = this.#readUint();
      // Yjs sorts and merges what it writes. An empty range would split an item, overlapping ones cost their product.
      if (length === 0) fail("an empty deletion");
      if (clock < end) fail("deletions out of order");
      end = clock + length;
      if (end >= CLOCK_BOUND) fail("a clock out of bounds");
      this.#deletions.push({ client, clock, length });
    }
  }

  /** Walks a reference of an item. Its author had what it refers to, so it can't be the item itself or a later one. */
  #walkReference(ownClient: number, ownClock: number): void {
    const client = this.#readUint();
    const clock = this.#readUint();
    if (clock >= CLOCK_BOUND) fail("a clock out of bounds");
    if (client === ownClient && clock >= ownClock) fail("an item that refers to itself or a later one");
    const known = this.#references.get(client);
    if (known === undefined || known < clock) this.#references.set(client, clock);
  }

  #readByte(): number {
    const byte = this.#bytes[this.#position++];
    return byte === undefined ? fail("truncated") : byte;
  }

  #readUint(): number {
    return this.#readRest(0, 1);
  }

  /** Skips a signed number: six bits in its first byte, seven in each further one. */
  #skipInt(): void {
    const first = this.#readByte();
    if (first >= 128) this.#readRest(first & 63, 64);
  }

  /** Reads the further bytes of a number. Their count is bounded: zeros could go on until the multiplier is infinite. */
  #readRest(start: number, startMultiplier: number): number {
    let value = start;
    for (let multiplier = startMultiplier; multiplier <= Number.MAX_SAFE_INTEGER; multiplier *= 128) {
      const byte = this.#readByte();
      value += (byte & 127) * multiplier;
      if (value > Number.MAX_SAFE_INTEGER) fail("a number out of bounds");
      if (byte < 128) return value;
    }
    return fail("a number out of bounds");
  }

  /** Reads a count of things. Each takes a byte at least, so a count above the bytes that remain is a lie. */
  #readCount(): number {
    const count = this.#readUint();
    if (count > this.#bytes.length - this.#position) fail("a count above the bytes that remain");
    return count;
  }

  #skip(bytes: number): void {
    if (bytes > this.#bytes.length - this.#position) fail("truncated");
    this.#position += bytes;
    this.#passedBytes += bytes;
  }

  #readSlice(): Uint8Array {
    const length = this.#readUint();
    const start = this.#position;
    this.#skip(length);
    return this.#bytes.subarray(start, this.#position);
  }

  #readKey(): string {
    const bytes = this.#readSlice();
    if (bytes.length > KEY_BYTES) fail("a name above its limit");
    const key = decodeText(bytes);
    // Assigning this key to a plain object, as readers do, would replace the object's prototype.
    if (key === "__proto__") fail("the name __proto__");
    return key;
  }

  /** Walks a JSON value, or the `undefined` that Yjs writes among them where it is allowed. */
  #walkJson(mayBeUndefined = false): void {
    const bytes = this.#readSlice();
    this.#passedBytes -= bytes.length;
    this.#checkedBytes += bytes.length;
    const text = decodeText(bytes);
    if (!(mayBeUndefined && text === "undefined")) this.#heap += checkJson(text);
  }

  /** Walks a string. @returns its length in UTF-16 units, which are what Yjs counts */
  #walkString(): number {
    return utf16Length(this.#readSlice());
  }
}

function fail(detail: string): never {
  throw new RoomfulError("invalid-update", detail);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return fail("text that is not UTF-8");
  }
}

function utf16Length(bytes: Uint8Array): number {
  for (const byte of bytes) {
    if (byte >= 128) return decodeText(bytes).length;
  }
  return bytes.length;
}

/** @returns the heap that the value takes */
function checkJson(text: string): number {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail("a JSON value that is none");
  }
  if (!isPlainJson(value)) fail("a JSON value nested too deeply, or with the name __proto__");
  return jsonHeap(value);
}
