import { toBase64 } from "lib0/buffer";
import * as Y from "yjs";
import type { Json } from "../../shared/rooms.ts";

/**
 * Bytes that parts of what is read take in memory, about. They stand for time as well: an entry of a map costs more than a
 * property of a plain value, which is handed on as it is.
 */
const ITEM = 8;
const SCALAR = 8;
const STRING = 16;
const LIST = 16;
const OBJECT = 16;
const PROPERTY = 12;
const ENTRY = 64;

/** Properties above which an object is a hash table, each of whose properties costs as much as an entry of a map. */
const WIDE = 1_000;

/** Counts what a reading makes, and ends the reading before it makes more than is allowed. */
export class ReadMeter {
  readonly #most: number;
  #bytes = 0;

  /** @param most bytes */
  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes in memory of what was made, about. What was passed over counts too. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Called before something is made. @throws TooMuch */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#most) throw new TooMuch();
  }
}

/** Thrown when more would be read than is allowed. */
export class TooMuch extends Error {}

/** A shared type's content. */
export type Content = Pick<Y.AbstractType<unknown>, "_start" | "_map">;

type JsonObject = { [key: string]: Json };

/** Fills a list or an object that was made empty. */
type Filling = () => void;

/**
 * Turns shared types and values into JSON, as their own `toJSON` and `toDelta` do. Two things differ: everything is counted
 * before it is made, since formats that are open over many pieces are repeated in each; and nothing recurses, since lists and
 * objects are made empty and filled later. Plain values are shared with the document and must not be changed.
 */
export class JsonWalk {
  readonly #meter: ReadMeter;
  readonly #fillings: Filling[] = [];

  constructor(meter: ReadMeter) {
    this.#meter = meter;
  }

  /** Reads a root by one of the methods below, with all that is in it. */
  run<Read>(read: (walk: this) => Read): Read {
    const result = read(this);
    for (let fill = this.#fillings.pop(); fill !== undefined; fill = this.#fillings.pop()) fill();
    return result;
  }

  text(content: Content): string {
    let text = "";
    for (const item of this.#shown(content)) {
      if (!(item.content instanceof Y.ContentString)) continue;
      this.#meter.count(item.content.str.length);
      text += item.content.str;
    }
    return text;
  }

  list(content: Content): Json[] {
    this.#meter.count(LIST);
    const list: Json[] = [];
    this.#fillings.push(() => {
      for (const value of this.#valuesIn(content)) list.push(this.#json(value));
    });
    return list;
  }

  object(content: Content): JsonObject {
    this.#meter.count(OBJECT);
    const object: JsonObject = {};
    this.#fillings.push(() => {
      for (const [key, value] of this.#entriesOf(content)) this.#put(object, key, value);
    });
    return object;
  }

  /** Quill deltas. */
  delta(content: Content): Json[] {
    const delta: Json[] = [];
    for (const { insert, attributes } of this.#pieces(content)) {
      this.#meter.count(OBJECT);
      const piece: JsonObject = {};
      this.#put(piece, "insert", insert);
      if (attributes.size > 0) {
        this.#meter.count(OBJECT);
        const copies: JsonObject = {};
        for (const [key, value] of attributes) this.#put(copies, key, value);
        Object.assign(piece, { attributes: copies });
      }
      delta.push(piece);
    }
    return delta;
  }

  xml(content: Content): string {
    return this.#join(this.#xmlOfChildren(content));
  }

  /** Pieces of a text, each with the formats that are open there. */
  *#pieces(content: Content): Generator<{ insert: unknown; attributes: ReadonlyMap<string, unknown> }> {
    const attributes = new Map<string, unknown>();
    let insert = "";
    for (const { content: part } of this.#shown(content)) {
      if (part instanceof Y.ContentString) {
        // Yjs keeps this one for itself.
        if (attributes.has("ychange")) {
          if (insert !== "") yield { insert, attributes };
          insert = "";
          attributes.delete("ychange");
        }
        insert += part.str;
        continue;
      }
      const isFormat = part instanceof Y.ContentFormat;
      if (!isFormat && !(part instanceof Y.ContentEmbed) && !(part instanceof Y.ContentType)) continue;
      if (insert !== "") yield { insert, attributes };
      insert = "";
      if (!isFormat) yield { insert: part.getContent()[0], attributes };
      else if (part.value === null) attributes.delete(part.key);
      else attributes.set(part.key, part.value);
    }
    if (insert !== "") yield { insert, attributes };
  }

  /** Runs writers of XML, each of which hands over text, or the writer of what stands in its midst. */
  #join(outermost: XmlWriter): string {
    const parts: string[] = [];
    const writers = [outermost];
    for (let writer = writers.at(-1); writer !== undefined; writer = writers.at(-1)) {
      const { done, value } = writer.next();
      if (done) writers.pop();
      else if (typeof value === "string") {
        this.#meter.count(STRING + value.length);
        parts.push(value);
      } else writers.push(value);
    }
    return parts.join("");
  }

  *#xmlOfChildren(content: Content): XmlWriter {
    for (const value of this.#valuesIn(content)) {
      if (value === null || value === undefined) throw new TypeError("a value that is no node");
      yield this.#xmlOf(value);
    }
  }

  #xmlOf(value: unknown): XmlWriter | string {
    // Y.XmlText is a Y.Text, and Y.XmlElement a Y.XmlFragment: the narrower type comes first.
    if (value instanceof Y.XmlText) return this.#xmlOfText(value);
    if (value instanceof Y.XmlElement) return this.#xmlOfElement(value);
    if (value instanceof Y.XmlFragment) return this.#xmlOfChildren(value);
    if (value instanceof Y.Text) return this.text(value);
    return this.#string(value);
  }

  *#xmlOfElement(element: Y.XmlElement): XmlWriter {
    const name = element.nodeName.toLocaleLowerCase();
    yield `<${name}`;
    const attributes = [...this.#entriesOf(element)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, value] of attributes) {
      yield ` ${key}="`;
      yield this.#xmlOf(value);
      yield '"';
    }
    yield ">";
    yield* this.#xmlOfChildren(element);
    yield `</${name}>`;
  }

  /** Formats are elements around their pieces, in the order of their names. */
  *#xmlOfText(text: Y.XmlText): XmlWriter {
    for (const { insert, attributes } of this.#pieces(text)) {
      this.#meter.count(ENTRY * attributes.size);
      const formats = [...attributes].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [name, format] of formats) {
        yield `<${name}`;
        for (const key of this.#keysOf(format)) {
          yield ` ${key}="`;
          yield this.#string(Object(format)[key]);
          yield '"';
        }
        yield ">";
      }
      yield this.#xmlOf(insert);
      for (const [name] of formats.reverse()) yield `</${name}>`;
    }
  }

  /** Keys of a format's value in their order: those of an object, the places of a list or a string. */
  #keysOf(format: unknown): string[] {
    if (typeof format !== "object" && typeof format !== "string") return [];
    if (typeof format === "string" || Array.isArray(format)) this.#meter.count(ENTRY * format.length);
    const keys: string[] = [];
    for (const key in Object(format)) {
      this.#meter.count(ENTRY);
      keys.push(key);
    }
    return keys.sort();
  }

  /** Turns a value into a string as a template does. It is counted before. */
  #string(value: unknown): string {
    // The text of a byte has up to three digits and a comma.
    if (value instanceof Uint8Array) this.#meter.count(4 * value.length);
    else if (typeof value === "object" && !(value instanceof Y.AbstractType)) this.#isJson(value);
    return `${value}`;
  }

  /** A value as JSON. It is copied only if something in it is no JSON; lists and objects are filled later then. */
  #json(value: unknown): Json {
    if (value instanceof Y.AbstractType) return this.#jsonOfType(value);
    return this.#isJson(value) ? value : this.#copy(value);
  }

  /** Counts a value, and tells whether it is JSON as it stands. */
  #isJson(value: unknown): value is Json {
    const meter = this.#meter;
    let isJson = true;
    for (const values = [value]; values.length > 0; ) {
      const inner = values.pop();
      if (typeof inner === "string") meter.count(STRING + inner.length);
      else if (typeof inner === "number") {
        meter.count(SCALAR);
        isJson &&= Number.isFinite(inner);
      } else if (Array.isArray(inner)) {
        meter.count(LIST + SCALAR * inner.length);
        for (const each of inner) values.push(each);
      } else if (inner instanceof Uint8Array) {
        meter.count(STRING + 2 * inner.length);
        isJson = false;
      } else if (typeof inner === "object" && inner !== null) {
        meter.count(OBJECT);
        let keys = 0;
        for (const key in inner) {
          meter.count((++keys > WIDE ? ENTRY : PROPERTY) + key.length);
          values.push(inner[key as never]);
        }
      } else {
        meter.count(SCALAR);
        isJson &&= typeof inner === "boolean" || inner === null;
      }
    }
    return isJson;
  }

  /** Copies a value that was counted. */
  #copy(value: unknown): Json {
    if (typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    if (typeof value === "bigint") return value.toString();
    if (typeof value !== "object" || value === null) return null;
    if (value instanceof Uint8Array) return toBase64(value);
    if (Array.isArray(value)) {
      const list: Json[] = [];
      this.#fillings.push(() => {
        for (const inner of value) list.push(this.#copy(inner));
      });
      return list;
    }
    const object: JsonObject = {};
    this.#fillings.push(() => {
      for (const key in value) {
        const inner: unknown = value[key as never];
        if (inner !== undefined) object[key] = this.#copy(inner);
      }
    });
    return object;
  }

  #jsonOfType(type: Y.AbstractType<unknown>): Json {
    if (type instanceof Y.XmlText || type instanceof Y.XmlFragment) {
      const writer = this.#xmlOf(type);
      return typeof writer === "string" ? writer : this.#join(writer);
    }
    if (type instanceof Y.Text) {
      this.#meter.count(STRING);
      return this.text(type);
    }
    return type instanceof Y.Array ? this.list(type) : this.object(type);
  }

  /** Copies a property. One that is undefined is none in JSON. */
  #put(object: JsonObject, key: string, value: unknown): void {
    this.#meter.count(ENTRY + key.length);
    if (value !== undefined) object[key] = this.#json(value);
  }

  /** Items that were not deleted. */
  *#shown({ _start: start }: Content): Generator<Y.Item> {
    for (let item = start; item !== null; item = item.right) {
      this.#meter.count(ITEM);
      if (!item.deleted) yield item;
    }
  }

  /** Values of a list. */
  *#valuesIn(content: Content): Generator<unknown> {
    for (const item of this.#shown(content)) {
      if (!item.countable) continue;
      // Yjs cuts a string into its characters.
      this.#meter.count(SCALAR * item.length);
      yield* item.content.getContent();
    }
  }

  /** Keys of a map with their values. */
  *#entriesOf({ _map: map }: Content): Generator<[string, unknown]> {
    for (const [key, item] of map) {
      this.#meter.count(ITEM);
      if (item.deleted) continue;
      const { content } = item;
      yield [key, content instanceof Y.ContentString ? content.str.at(-1) : content.getContent()[item.length - 1]];
    }
  }
}

/** Writes XML in parts: text, or the writer of what comes next. */
type XmlWriter = Generator<string | XmlWriter>;
