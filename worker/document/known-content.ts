/**
 * Compares what an update says of clocks that the document has with what the document holds there. Yjs passes over known
 * clocks unread, so that a client whose clocks somebody else used first would be told that its content is saved.
 */
import * as decoding from "lib0/decoding";
import * as Y from "yjs";
import {
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
import { clockOf } from "./update-effect.ts";
import type { UpdateShape } from "./update-shape.ts";

/** Yjs and UTF-8 put this in the place of half a pair of surrogates. */
const REPLACEMENT = 0xfffd;

/** The content of an item; `null` when it is deleted. */
type Content =
  | null
  | { readonly ref: typeof CONTENT_STRING; readonly text: string }
  | { readonly ref: number; readonly values: readonly unknown[] };

/** An item as an update tells it. */
interface ToldItem {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
  readonly origin: Y.ID | null;
  readonly rightOrigin: Y.ID | null;
  /** The name of a root type, or a shared type's item; `null` when it is the neighbours' parent. */
  readonly parent: string | Y.ID | null;
  readonly parentKey: string | null;
  readonly content: Content;
}

/**
 * Whether an update says something else of a clock than the document holds. Content that was deleted meanwhile, on either side,
 * is no contradiction; neither are runs that were merged or split.
 * @param update that {@link UpdateShape} was read from
 */
export function contradictsKnown(doc: Y.Doc, update: Uint8Array, { structs }: UpdateShape): boolean {
  if (!structs.some(({ client, start, end }) => start < end && start < clockOf(doc, client))) return false;
  const decoder = decoding.createDecoder(update);
  const clients = decoding.readVarUint(decoder);
  for (let index = 0; index < clients; index++) {
    const count = decoding.readVarUint(decoder);
    const client = decoding.readVarUint(decoder);
    const known = clockOf(doc, client);
    let clock = decoding.readVarUint(decoder);
    for (let struct = 0; struct < count; struct++) {
      const info = decoding.readUint8(decoder);
      if (info === GC || info === SKIP) clock += decoding.readVarUint(decoder);
      else {
        const item = readItem(decoder, info, client, clock);
        if (clock < known && isContradicted(doc, item)) return true;
        clock += item.length;
      }
    }
  }
  return false;
}

function isContradicted(doc: Y.Doc, item: ToldItem): boolean {
  const structs = doc.store.clients.get(item.client) ?? [];
  const end = item.clock + item.length;
  for (let index = Y.findIndexSS(structs, item.clock); index < structs.length; index++) {
    const stored = structs[index];
    if (stored === undefined || stored.id.clock >= end) return false;
    if (stored instanceof Y.Item) {
      const from = Math.max(stored.id.clock, item.clock);
      if (!isSamePlace(doc, item, stored, from) || !isSameContent(item, stored, from)) return true;
    } else if (!isCollected(doc, item)) return true;
  }
  return false;
}

/** Whether both have the neighbours and the parent in common that they were written with, seen from a clock of both. */
function isSamePlace(doc: Y.Doc, item: ToldItem, stored: Y.Item, from: number): boolean {
  const before = Y.createID(item.client, from - 1);
  const origin = from > item.clock ? before : item.origin;
  const storedOrigin = from > stored.id.clock ? before : stored.origin;
  if (!Y.compareIDs(origin, storedOrigin) || !Y.compareIDs(item.rightOrigin, stored.rightOrigin)) return false;
  if (from > item.clock || item.parent === null) return true;
  const { parent } = stored;
  if (!(parent instanceof Y.AbstractType) || item.parentKey !== stored.parentSub) return false;
  return typeof item.parent === "string"
    ? doc.share.get(item.parent) === parent
    : Y.compareIDs(parent._item?.id ?? null, item.parent);
}

function isSameContent({ clock, length, content }: ToldItem, stored: Y.Item, from: number): boolean {
  const held = contentOf(stored);
  if (content === null || held === null) return true;
  if (content.ref !== held.ref) return false;
  const count = Math.min(clock + length, stored.id.clock + stored.length) - from;
  for (let offset = 0; offset < count; offset++) {
    const at = from - clock + offset;
    const heldAt = from - stored.id.clock + offset;
    if ("text" in content && "text" in held) {
      const codes = [content.text.charCodeAt(at), held.text.charCodeAt(heldAt)];
      if (codes[0] !== codes[1] && !codes.includes(REPLACEMENT)) return false;
    } else if ("values" in content && "values" in held) {
      if (!isSameValue(content.values[at], held.values[heldAt])) return false;
    }
  }
  return true;
}

/**
 * Whether an item that the document holds as collected can have been: only what stands in a deleted type is, and root types are
 * never deleted.
 */
function isCollected(doc: Y.Doc, { origin, rightOrigin, parent }: ToldItem): boolean {
  if (typeof parent === "string") return false;
  if (parent !== null) return isGone(doc, parent);
  for (const id of [origin, rightOrigin]) {
    const neighbour = id === null ? undefined : structAt(doc, id);
    if (!(neighbour instanceof Y.Item)) continue;
    const { parent: type } = neighbour;
    return type instanceof Y.AbstractType && type._item !== null && type._item.deleted;
  }
  return true;
}

function isGone(doc: Y.Doc, id: Y.ID): boolean {
  return structAt(doc, id)?.deleted ?? true;
}

function structAt(doc: Y.Doc, { client, clock }: Y.ID): Y.Item | Y.GC | undefined {
  const structs = doc.store.clients.get(client);
  return structs === undefined || clock >= clockOf(doc, client) ? undefined : structs[Y.findIndexSS(structs, clock)];
}

function readItem(decoder: decoding.Decoder, info: number, client: number, clock: number): ToldItem {
  const readId = () => Y.createID(decoding.readVarUint(decoder), decoding.readVarUint(decoder));
  const origin = (info & HAS_ORIGIN) === 0 ? null : readId();
  const rightOrigin = (info & HAS_RIGHT_ORIGIN) === 0 ? null : readId();
  let parent: string | Y.ID | null = null;
  let parentKey: string | null = null;
  if (origin === null && rightOrigin === null) {
    parent = decoding.readVarUint(decoder) === 1 ? decoding.readVarString(decoder) : readId();
    if ((info & HAS_PARENT_KEY) !== 0) parentKey = decoding.readVarString(decoder);
  }
  return { client, clock, origin, rightOrigin, parent, parentKey, ...readContent(decoder, info & INFO_TYPE) };
}

function readContent(decoder: decoding.Decoder, ref: number): { readonly length: number; readonly content: Content } {
  const one = (...values: unknown[]) => ({ length: 1, content: { ref, values: [values] } });
  switch (ref) {
    case CONTENT_DELETED:
      return { length: decoding.readVarUint(decoder), content: null };
    case CONTENT_STRING: {
      const text = decoding.readVarString(decoder);
      return { length: text.length, content: { ref, text } };
    }
    case CONTENT_BINARY:
      return one(decoding.readVarUint8Array(decoder));
    case CONTENT_EMBED:
      return one(parseJson(decoding.readVarString(decoder)));
    case CONTENT_FORMAT:
      return one(decoding.readVarString(decoder), parseJson(decoding.readVarString(decoder)));
    case CONTENT_TYPE: {
      const kind = decoding.readVarUint(decoder);
      return one(kind, kind === XML_ELEMENT || kind === XML_HOOK ? decoding.readVarString(decoder) : "");
    }
    default: {
      const length = decoding.readVarUint(decoder);
      const read = ref === CONTENT_JSON ? () => parseJson(decoding.readVarString(decoder)) : decoding.readAny;
      return { length, content: { ref, values: Array.from({ length }, () => read(decoder)) } };
    }
  }
}

function contentOf({ content, deleted }: Y.Item): Content {
  if (deleted || content instanceof Y.ContentDeleted) return null;
  const ref = content.getRef();
  const one = (...values: unknown[]) => ({ ref, values: [values] });
  if (content instanceof Y.ContentString) return { ref: CONTENT_STRING, text: content.str };
  if (content instanceof Y.ContentBinary) return one(content.content);
  if (content instanceof Y.ContentEmbed) return one(content.embed);
  if (content instanceof Y.ContentFormat) return one(content.key, content.value);
  if (content instanceof Y.ContentType) return typeContent(content);
  return { ref, values: content.getContent() };
}

/** A shared type by its kind and name: Yjs has no other access to the kind than its encoding. */
function typeContent(content: Y.ContentType): Content {
  const encoder = new Y.UpdateEncoderV1();
  content.write(encoder, 0);
  return readContent(decoding.createDecoder(encoder.toUint8Array()), CONTENT_TYPE).content;
}

function parseJson(text: string): unknown {
  return text === "undefined" ? undefined : JSON.parse(text);
}

function isSameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other) || one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return one.length === other.length && one.every((byte, index) => byte === other[index]);
  }
  if (one.constructor !== other.constructor) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && isSameValue(one[key as never], other[key as never]));
}
