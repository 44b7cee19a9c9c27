/** Frames made on purpose to hurt a room, each with what is expected of it. */
import * as Y from "yjs";
import { encodeAwareness, encodeSyncStep2, encodeUpdate } from "../../../shared/frames.ts";
import { PLATFORM_LIMIT } from "./attacker.ts";
import { type Content, type Id, type Struct, TYPE, type UpdateSpec, writeUpdate } from "./update-writer.ts";

/** What there is in the room before. */
export interface Victim {
  /** The Yjs client id of a participant that is present and has written something. */
  readonly clientId: number;
  /** Its next clock. */
  readonly clock: number;
}

export interface Crafted {
  readonly name: string;
  /** Updates to be applied one after the other, or whole frames where there is no update to speak of. */
  readonly updates?: (victim: Victim) => readonly Uint8Array[];
  readonly frames?: (victim: Victim) => readonly (Uint8Array | string)[];
  /**
   * `taken`: nothing is refused. `dropped`: nothing is refused and nothing is changed. A code: at least one frame is
   * refused, each by this code.
   */
  readonly expect: "taken" | "dropped" | (string & {});
  /** By RPC an update is taken whole or refused: what is expected there, when it differs. */
  readonly expectByRpc?: string;
  /** What is expected of a stock client's frames, when it differs. */
  readonly expectByStock?: string;
  /** Large enough to be left out of the short form. */
  readonly isHeavy?: boolean;
}

const text = (words: string): Content => ({ type: "string", text: words });
const inRoot = (content: Content, parent: string | Id = "text"): Struct => ({ type: "item", parent, content });
const one = (client: number, clock: number, ...structs: Struct[]): Uint8Array =>
  writeUpdate({ blocks: [{ client, clock, structs }] });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const states = (entries: readonly (readonly [clientId: number, clock: number, state: string | null])[]) =>
  encodeAwareness(
    entries.map(([clientId, clock, state]) => ({
      clientId,
      clock,
      state: state === null ? null : new TextEncoder().encode(state),
    })),
  );

/** Map types, each in the one before. */
const nestedTypes = (from: number, levels: number): Struct[] =>
  times(levels, (index) => ({
    type: "item",
    parent: from + index === 0 ? "map" : { client: 1, clock: from + index - 1 },
    key: "k",
    content: { type: "type", kind: TYPE.map },
  }));

/**
 * A text, and items that all stand after its first character, each before another one of the rest: cheap to place in
 * this order, and searched for among all the others when they are loaded.
 */
const sameOrigin = (count: number): readonly Uint8Array[] => [
  one(1, 0, inRoot(text("x".repeat(count + 1)))),
  one(
    2,
    0,
    ...times(
      count,
      (index): Struct => ({
        type: "item",
        parent: "text",
        origin: { client: 1, clock: 0 },
        rightOrigin: { client: 1, clock: count - index },
        content: text("y"),
      }),
    ),
  ),
];

const atOnePlace = (clients: number, items: number): UpdateSpec => ({
  blocks: times(clients, (index) => ({
    client: index + 1,
    clock: 0,
    structs: times(items, () => inRoot({ type: "any", values: [1] })),
  })),
});

/** Arrays of one element, each in the one before, around `null`. */
const anyNested = (levels: number): Uint8Array => new Uint8Array([1, ...times(levels, () => [117, 1]).flat(), 126]);

const deletions = (ranges: readonly (readonly [number, number])[], client = 1): Uint8Array =>
  writeUpdate({ deletions: [{ client, ranges }] });

function version2(): Uint8Array {
  const doc = new Y.Doc();
  doc.getText("text").insert(0, "version two");
  doc.getMap("map").set("k", [1, 2]);
  return Y.encodeStateAsUpdateV2(doc);
}

const MB = 1024 * 1024;

export const CRAFTED: readonly Crafted[] = [
  {
    name: "garbage near 2^53 clocks long",
    updates: () => [2 ** 53 - 1, 2 ** 53 - 2, 2 ** 32, 2 ** 31].map((length) => one(1, 0, { type: "gc", length })),
    expect: "invalid-update",
  },
  {
    name: "garbage that ends at 2^53",
    updates: () => [one(1, 2 ** 53 - 5, { type: "gc", length: 4 }), one(1, 5, { type: "skip", length: 2 ** 53 - 6 })],
    expect: "invalid-update",
  },
  {
    name: "33 million structs announced by 7 bytes",
    updates: () => [new Uint8Array([1, 255, 255, 255, 15, 1, 0])],
    expect: "invalid-update",
  },
  {
    name: "33 million deletions announced by 7 bytes",
    updates: () => [new Uint8Array([0, 1, 1, 255, 255, 255, 15])],
    expect: "invalid-update",
  },
  {
    name: "types 5,000 deep in one frame",
    updates: () => [one(1, 0, ...nestedTypes(0, 5_000))],
    expect: "invalid-update",
  },
  {
    name: "types 5,000 deep, one level in each frame",
    updates: () => nestedTypes(0, 5_000).map((struct, index) => one(1, index, struct)),
    // What comes after the first that is refused refers to it.
    expect: "invalid-update missing-dependencies",
    isHeavy: true,
  },
  {
    name: "an embed of 10 KB, all of it depth",
    updates: () => [one(1, 0, inRoot({ type: "embed", json: "[".repeat(5_000) + "]".repeat(5_000) }))],
    expect: "invalid-update",
  },
  {
    name: "a format of 10 KB, all of it depth",
    updates: () => [
      one(1, 0, inRoot({ type: "format", key: "k", json: `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}` })),
    ],
    expect: "invalid-update",
  },
  {
    name: "an Any value 5,000 deep",
    updates: () => [one(1, 0, inRoot({ type: "unknown", tag: 8, bytes: anyNested(5_000) }))],
    expect: "invalid-update",
  },
  {
    name: "an Any value a million deep",
    isHeavy: true,
    updates: () => [one(1, 0, inRoot({ type: "unknown", tag: 8, bytes: anyNested(1_000_000) }))],
    expect: "invalid-update",
  },
  {
    name: "2,000 items of one origin with distinct right origins",
    updates: () => sameOrigin(2_000),
    // A tenth of what is borne.
    expect: "taken",
  },
  {
    name: "8,000 items of one origin with distinct right origins",
    updates: () => sameOrigin(8_000),
    expect: "update-too-costly",
    isHeavy: true,
  },
  {
    name: "two clients with 8,000 items each at one place",
    updates: () => [writeUpdate(atOnePlace(2, 8_000))],
    expect: "update-too-costly",
    isHeavy: true,
  },
  {
    name: "one map key set by 20,000 clients",
    updates: () => [
      writeUpdate({
        blocks: times(20_000, (index) => ({
          client: index + 1,
          clock: 0,
          structs: [{ type: "item", parent: "map", key: "k", content: { type: "any", values: [index] } }],
        })),
      }),
    ],
    expect: "update-too-costly",
    isHeavy: true,
  },
  {
    name: "fragmented deletions in reverse order",
    updates: () => [deletions(times(20_000, (index) => [40_000 - 2 * index, 1]))],
    expect: "invalid-update",
  },
  {
    name: "deletions that overlap",
    updates: () => [deletions(times(20_000, (index) => [index, 1_000]))],
    expect: "invalid-update",
  },
  {
    name: "deletions of one client in 20,000 parts",
    updates: () => [
      writeUpdate({ deletions: times(20_000, (index) => ({ client: 1, ranges: [[index, 1]] as const })) }),
    ],
    expect: "invalid-update",
  },
  {
    name: "every second character of 20,000 deleted",
    updates: () => [one(1, 0, inRoot(text("x".repeat(20_000)))), deletions(times(10_000, (index) => [2 * index, 1]))],
    expect: "taken",
  },
  {
    name: "2,000 frames with missing dependencies",
    isHeavy: true,
    updates: () =>
      times(2_000, (index) =>
        one(index + 1, 5, {
          type: "item",
          parent: "text",
          origin: { client: 99_999, clock: index },
          content: text("x"),
        }),
      ),
    expect: "dropped",
    expectByRpc: "missing-dependencies",
  },
  {
    name: "16,000 clients with missing dependencies in one frame",
    isHeavy: true,
    updates: () => [
      writeUpdate({
        blocks: times(16_000, (index) => ({ client: index + 1, clock: 1 + (index % 7), structs: [inRoot(text("x"))] })),
      }),
    ],
    expect: "missing-dependencies",
  },
  {
    name: "16,000 clients, each waiting for the next",
    updates: () => [
      writeUpdate({
        blocks: times(16_000, (index) => ({
          client: index + 1,
          clock: 0,
          structs: [
            {
              type: "item" as const,
              parent: "text",
              origin: { client: index + 2, clock: 0 },
              content: text("x"),
            },
          ],
        })),
      }),
    ],
    expect: "missing-dependencies",
  },
  {
    name: "two items that wait for each other, among honest frames",
    updates: () => [
      ...times(3, (index) => one(index + 10, 0, inRoot(text("before")))),
      writeUpdate({
        blocks: [
          { client: 1, clock: 0, structs: [inRoot(text("x"), { client: 2, clock: 0 })] },
          { client: 2, clock: 0, structs: [inRoot(text("x"), { client: 1, clock: 0 })] },
        ],
      }),
      ...times(3, (index) => one(index + 20, 0, inRoot(text("after")))),
    ],
    expect: "invalid-update",
  },
  {
    name: "deletions of what nobody has",
    updates: () => [
      writeUpdate({ deletions: times(5_000, (index) => ({ client: index + 1, ranges: [[0, 1_000]] as const })) }),
      deletions([[0, 2 ** 31 - 2]]),
    ],
    expect: "dropped",
    expectByRpc: "missing-dependencies",
  },
  {
    name: "80,000 root names in one frame",
    updates: () => [one(1, 0, ...times(80_000, (index) => inRoot(text("x"), `root ${index}`)))],
    expect: "invalid-update",
  },
  {
    name: "80,000 root names over 80 frames",
    isHeavy: true,
    updates: () =>
      times(80, (frame) => one(1, frame * 1_000, ...times(1_000, (index) => inRoot(text("x"), `${frame} ${index}`)))),
    // What comes after the first that is refused refers to it.
    expect: "invalid-update missing-dependencies",
  },
  {
    name: "a participant's client id with other content",
    updates: ({ clientId }) => [one(clientId, 0, inRoot(text("not what the victim wrote, and longer than that")))],
    expect: "invalid-update",
  },
  {
    name: "a participant's next clock, garbage-collected",
    updates: ({ clientId, clock }) => [one(clientId, clock, { type: "gc", length: 10 })],
    expect: "taken",
  },
  {
    name: "a participant's far clocks, garbage-collected",
    updates: ({ clientId, clock }) => [one(clientId, clock + 100, { type: "gc", length: 10 })],
    expect: "dropped",
    expectByRpc: "missing-dependencies",
  },
  {
    name: "all of a participant's clocks",
    updates: ({ clientId, clock }) => [one(clientId, clock, { type: "gc", length: 2 ** 31 - 2 - clock })],
    expect: "taken",
  },
  { name: "an update of version 2", updates: () => [version2()], expect: "invalid-update" },
  {
    name: "a subdocument",
    updates: () => [one(1, 0, inRoot({ type: "doc", guid: "inner" }))],
    expect: "invalid-update",
  },
  {
    name: "__proto__ as the name of a root",
    updates: () => [one(1, 0, inRoot(text("x"), "__proto__"))],
    expect: "invalid-update",
  },
  {
    name: "__proto__ as a key",
    updates: () => [
      one(1, 0, { type: "item", parent: "map", key: "__proto__", content: { type: "any", values: [1] } }),
    ],
    expect: "invalid-update",
  },
  {
    name: "__proto__ in an Any value",
    updates: () => [one(1, 0, inRoot({ type: "any", values: [JSON.parse('{"__proto__":{"polluted":true}}')] }))],
    expect: "invalid-update",
  },
  {
    name: "__proto__ in JSON",
    updates: () => [
      one(1, 0, inRoot({ type: "embed", json: '{"__proto__":{"polluted":true}}' })),
      one(1, 0, inRoot({ type: "json", texts: ['{"a":{"__proto__":1}}'] })),
      one(1, 0, inRoot({ type: "format", key: "__proto__", json: "1" })),
    ],
    expect: "invalid-update",
  },
  {
    name: "keys that every object has",
    updates: () => [
      one(
        1,
        0,
        ...["constructor", "toString", "hasOwnProperty"].map(
          (key): Struct => ({
            type: "item",
            parent: "map",
            key,
            content: { type: "any", values: [{ constructor: 1 }] },
          }),
        ),
      ),
      one(2, 0, inRoot(text("x"), "constructor")),
    ],
    expect: "taken",
  },
  {
    name: "unpaired surrogates, in pieces",
    updates: () => [
      one(1, 0, inRoot(text("a😀b"))),
      one(2, 0, {
        type: "item",
        parent: "text",
        origin: { client: 1, clock: 1 },
        rightOrigin: { client: 1, clock: 2 },
        content: text("x"),
      }),
    ],
    expect: "taken",
  },
  {
    name: "presence of depth",
    frames: () => [states([[1, 1, `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`]])],
    expect: "invalid-presence",
  },
  {
    name: "presence with __proto__",
    frames: () => [states([[1, 1, '{"__proto__":{"polluted":true}}']]), states([[1, 1, '{"a":{"__proto__":1}}']])],
    expect: "invalid-presence",
  },
  {
    name: "presence clocks at the limit",
    frames: () => [2 ** 31, 2 ** 32, 2 ** 53 - 1].map((clock) => states([[1, clock, "{}"]])),
    expect: "invalid-presence",
  },
  {
    name: "a presence clock just below the limit",
    frames: () => [states([[1, 2 ** 31 - 1, '{"name":"x"}']]), states([[1, 2 ** 31 - 1, null]])],
    expect: "dropped",
  },
  {
    name: "90,000 null states",
    frames: () => [states(times(90_000, (index) => [index, 1, null]))],
    expect: "malformed-frame",
  },
  {
    name: "10,000 null states, a hundred times",
    frames: () => {
      const frame = states(times(10_000, (index) => [index, 1, null]));
      return times(100, () => frame);
    },
    expect: "dropped",
  },
  {
    name: "echoes and nulls of others' presence",
    frames: ({ clientId }) => [
      states([[clientId, 50, null]]),
      states([[clientId, 2 ** 31 - 1, null]]),
      states([
        [7, 1, "{}"],
        [clientId, 60, '{"bystander":false}'],
      ]),
      states([[7, 1, '{"name":"x"}']]),
      states([[clientId, 70, '{"bystander":false}']]),
      states([[clientId, 80, null]]),
      states([
        [7, 2, '{"name":"y"}'],
        [clientId, 2 ** 31 - 1, '{"bystander":false}'],
      ]),
    ],
    expect: "dropped",
  },
  {
    name: "a claim to a participant's presence",
    frames: ({ clientId }) => [states([[clientId, 2 ** 31 - 2, '{"bystander":false}']])],
    expect: "dropped",
  },
  {
    name: "10 MB of text",
    frames: () => ["x".repeat(10 * MB)],
    expect: "malformed-message",
    expectByStock: "text-not-accepted",
  },
  {
    name: "text of depth",
    frames: () => ["[".repeat(30_000) + "]".repeat(30_000), '{"type":'.repeat(8_000)],
    expect: "malformed-message",
    expectByStock: "text-not-accepted",
  },
  {
    name: "text that is no message",
    frames: () => ["not JSON", '{"type":"unknown"}', '{"type":"__proto__"}', '{"type":["ping"]}', "null", "\ud800"],
    expect: "malformed-message",
    expectByStock: "text-not-accepted",
  },
  {
    name: "frames of 1, 1.9 and 2.1 MiB",
    updates: () =>
      [1, 1.9, 2.1].map((size, index) =>
        one(index + 1, 0, inRoot({ type: "binary", bytes: new Uint8Array(size * MB) })),
      ),
    isHeavy: true,
    expect: "taken",
  },
  {
    name: "a frame of 33 MiB",
    frames: () => [one(1, 0, inRoot({ type: "binary", bytes: new Uint8Array(33 * MB) }))],
    expect: PLATFORM_LIMIT,
    isHeavy: true,
  },
  {
    name: "a frame of 9 MB",
    updates: () => [one(1, 0, inRoot({ type: "binary", bytes: new Uint8Array(9 * MB) }))],
    expect: "frame-too-large",
  },
];

/** The frames of an entry, as a socket sends them. */
export function framesOf(entry: Crafted, victim: Victim, isAnswer = false): readonly (Uint8Array | string)[] {
  const updates = entry.updates?.(victim) ?? [];
  return [
    ...updates.map((update) => (isAnswer ? encodeSyncStep2(update) : encodeUpdate(update))),
    ...(entry.frames?.(victim) ?? []),
  ];
}
