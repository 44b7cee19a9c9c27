/**
 * Writes Yjs updates of version 1 field by field, valid or not: what Yjs itself would never write.
 * Format: https://github.com/yjs/yjs/blob/main/INTERNALS.md and the encoders of yjs 13.
 */
import * as encoding from "lib0/encoding";
import type { Json } from "../../shared/rooms.ts";

export interface Id {
  readonly client: number;
  readonly clock: number;
}

/** What lib0's encoding of any value takes. */
export type AnyValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AnyValue[]
  | { readonly [key: string]: AnyValue };

export type Content =
  | { readonly type: "deleted"; readonly length: number }
  | { readonly type: "json"; readonly texts: readonly string[] }
  | { readonly type: "binary"; readonly bytes: Uint8Array }
  | { readonly type: "string"; readonly text: string }
  | { readonly type: "embed"; readonly json: string }
  | { readonly type: "format"; readonly key: string; readonly json: string }
  | { readonly type: "type"; readonly kind: number; readonly name?: string }
  | { readonly type: "any"; readonly values: readonly AnyValue[] }
  | { readonly type: "doc"; readonly guid: string }
  | { readonly type: "unknown"; readonly tag: number; readonly bytes: Uint8Array };

/** Kinds of shared types, as their numbers on the wire. */
export const TYPE = { array: 0, map: 1, text: 2, element: 3, fragment: 4, hook: 5, xmlText: 6 } as const;

export interface Item {
  readonly type: "item";
  readonly origin?: Id | undefined;
  readonly rightOrigin?: Id | undefined;
  /** A root's name or a type's id; written when there is neither origin. */
  readonly parent: string | Id;
  readonly key?: string | undefined;
  readonly content: Content;
}

export type Struct = { readonly type: "gc" | "skip"; readonly length: number } | Item;

/** The structs of one client. */
export interface Block {
  readonly client: number;
  readonly clock: number;
  readonly structs: readonly Struct[];
  /** A count to announce instead of the true one. */
  readonly announced?: number | undefined;
}

export interface Deletions {
  readonly client: number;
  readonly ranges: readonly (readonly [clock: number, length: number])[];
  readonly announced?: number | undefined;
}

export interface UpdateSpec {
  readonly blocks?: readonly Block[];
  readonly deletions?: readonly Deletions[];
  readonly announcedBlocks?: number | undefined;
  readonly announcedDeletions?: number | undefined;
}

const TAGS: Record<Exclude<Content["type"], "unknown">, number> = {
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
};
const SKIP = 10;

/** The clocks that a struct takes. */
export function lengthOf(struct: Struct): number {
  if (struct.type !== "item") return struct.length;
  const { content } = struct;
  switch (content.type) {
    case "deleted":
      return content.length;
    case "json":
      return content.texts.length;
    case "string":
      return content.text.length;
    case "any":
      return content.values.length;
    default:
      return 1;
  }
}

export function writeUpdate(spec: UpdateSpec): Uint8Array<ArrayBuffer> {
  const { blocks = [], deletions = [] } = spec;
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, spec.announcedBlocks ?? blocks.length);
    for (const { client, clock, structs, announced } of blocks) {
      encoding.writeVarUint(encoder, announced ?? structs.length);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock);
      for (const struct of structs) writeStruct(encoder, struct);
    }
    encoding.writeVarUint(encoder, spec.announcedDeletions ?? deletions.length);
    for (const { client, ranges, announced } of deletions) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, announced ?? ranges.length);
      for (const number of ranges.flat()) encoding.writeVarUint(encoder, number);
    }
  });
}

function writeStruct(encoder: encoding.Encoder, struct: Struct): void {
  if (struct.type !== "item") {
    encoding.writeUint8(encoder, struct.type === "gc" ? 0 : SKIP);
    encoding.writeVarUint(encoder, struct.length);
    return;
  }
  const { origin, rightOrigin, parent, key, content } = struct;
  const tag = content.type === "unknown" ? content.tag : TAGS[content.type];
  encoding.writeUint8(encoder, tag | (origin ? 0x80 : 0) | (rightOrigin ? 0x40 : 0) | (key === undefined ? 0 : 0x20));
  if (origin) writeId(encoder, origin);
  if (rightOrigin) writeId(encoder, rightOrigin);
  if (!origin && !rightOrigin) {
    encoding.writeVarUint(encoder, typeof parent === "string" ? 1 : 0);
    if (typeof parent === "string") encoding.writeVarString(encoder, parent);
    else writeId(encoder, parent);
    if (key !== undefined) encoding.writeVarString(encoder, key);
  }
  writeContent(encoder, content);
}

function writeId(encoder: encoding.Encoder, { client, clock }: Id): void {
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, clock);
}

function writeContent(encoder: encoding.Encoder, content: Content): void {
  switch (content.type) {
    case "deleted":
      encoding.writeVarUint(encoder, content.length);
      return;
    case "json":
      encoding.writeVarUint(encoder, content.texts.length);
      for (const text of content.texts) encoding.writeVarString(encoder, text);
      return;
    case "binary":
      encoding.writeVarUint8Array(encoder, content.bytes);
      return;
    case "string":
      encoding.writeVarString(encoder, content.text);
      return;
    case "embed":
      encoding.writeVarString(encoder, content.json);
      return;
    case "format":
      encoding.writeVarString(encoder, content.key);
      encoding.writeVarString(encoder, content.json);
      return;
    case "type":
      encoding.writeVarUint(encoder, content.kind);
      if (content.kind === TYPE.element || content.kind === TYPE.hook) {
        encoding.writeVarString(encoder, content.name ?? "p");
      }
      return;
    case "any":
      encoding.writeVarUint(encoder, content.values.length);
      for (const value of content.values) encoding.writeAny(encoder, value as never);
      return;
    case "doc":
      encoding.writeVarString(encoder, content.guid);
      encoding.writeAny(encoder, {});
      return;
    case "unknown":
      encoding.writeUint8Array(encoder, content.bytes);
      return;
    default:
      content satisfies never;
  }
}

/** A JSON array in as many others. */
export function nestedJson(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
