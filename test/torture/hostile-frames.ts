/** Frames that nobody honest sends, and some that somebody does. Runs in Node and inside workerd. */
import fc from "fast-check";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import {
  decodeFrame,
  encodeAwareness,
  encodePermissionDenied,
  encodeQueryAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../shared/frames.ts";
import { type Change, change, changed } from "./byte-mutation.ts";
import {
  EXTREMES,
  ROOT_NAMES,
  resolveUpdate,
  type UpdatePlan,
  updatePlan,
  type View,
  viewOf,
} from "./hostile-updates.ts";

/** What to send. References to what exists are numbers, and get their meaning when the frame is forged. */
export type FramePlan =
  | { readonly kind: "update"; readonly plan: UpdatePlan; readonly isAnswer: boolean }
  | { readonly kind: "honest"; readonly edit: HonestEdit; readonly isAnswer: boolean }
  | { readonly kind: "awareness"; readonly entries: readonly EntryPlan[] }
  | { readonly kind: "step-1"; readonly clocks: readonly (readonly [client: number, clock: number])[] }
  | { readonly kind: "auth" | "query" }
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "mutated";
      /** Which of the frames before. */
      readonly base: number;
      readonly changes: readonly Change[];
      /** Whether the length that surrounds the content is made right again. */
      readonly wrapped: boolean;
    };

interface HonestEdit {
  readonly root: (typeof ROOT_NAMES)[number];
  readonly what: "insert" | "delete" | "format" | "embed" | "nest" | "undo";
  readonly at: number;
}

interface EntryPlan {
  /** A number of somebody present, or an id. */
  readonly client: { readonly present: number } | { readonly id: number };
  readonly clock: number;
  readonly state: string;
}

const extreme = fc.constantFrom(...EXTREMES);

const entry: fc.Arbitrary<EntryPlan> = fc.record({
  client: fc.oneof(
    { weight: 3, arbitrary: fc.record({ id: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 2, arbitrary: fc.record({ present: fc.nat({ max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ id: extreme }) },
  ),
  clock: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 5 }) }, { weight: 1, arbitrary: extreme }),
  state: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('{"name":"x"}', '{"cursor":{"x":1}}', "null", "{}") },
    { weight: 1, arbitrary: fc.constantFrom("1", "[]", '"x"', "", "{", '{"__proto__":{}}', '{"a":"\ud800"}') },
    { weight: 1, arbitrary: fc.constant(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`) },
  ),
});

const honestEdit: fc.Arbitrary<HonestEdit> = fc.record({
  root: fc.constantFrom(...ROOT_NAMES),
  what: fc.constantFrom("insert", "insert", "delete", "format", "embed", "nest", "undo"),
  at: fc.nat({ max: 9_999 }),
});

const TEXTS = [
  '{"type":"ping" }',
  '{"type":"welcome"}',
  '{"type":"saved","frame":9}',
  '{"type":"offer","to":"x"}',
  '{"type":1}',
  '{"type":"__proto__"}',
  '{"type":"constructor"}',
  "[]",
  "null",
  "1",
  "",
  "{",
  "\u0000",
  "\ud800",
  `{"type":"${"x".repeat(500)}"}`,
  `${"[".repeat(3_000)}${"]".repeat(3_000)}`,
];

const mutated: fc.Arbitrary<FramePlan> = fc.record({
  kind: fc.constant("mutated"),
  base: fc.nat({ max: 999 }),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  wrapped: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

const update: fc.Arbitrary<FramePlan> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("update" as const),
      plan: updatePlan,
      isAnswer: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("honest" as const), edit: honestEdit, isAnswer: fc.boolean() }),
  },
);

const other: fc.Arbitrary<FramePlan> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("awareness" as const), entries: fc.array(entry, { maxLength: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("step-1" as const),
      clocks: fc.array(
        fc.tuple(fc.oneof(fc.nat({ max: 12 }), extreme), fc.oneof(fc.nat({ max: 20 }), extreme)) as fc.Arbitrary<
          readonly [number, number]
        >,
        { maxLength: 4 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("auth" as const, "query" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("text" as const),
      text: fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 20 })),
    }),
  },
);

/** Half of them mutated bytes, half aware of the structure. */
export const anyFrame: fc.Arbitrary<FramePlan> = fc.oneof(
  { weight: 10, arbitrary: mutated },
  { weight: 8, arbitrary: update },
  { weight: 2, arbitrary: other },
);

/** The same, of those frames alone that carry edits. */
export const editFrame: fc.Arbitrary<FramePlan> = fc.oneof(
  { weight: 1, arbitrary: mutated },
  { weight: 1, arbitrary: update },
);

/** Frames that were forged and can be mutated. */
const REMEMBERED = 64;

/** Turns plans into frames, about a document as it is now. */
export class Forge {
  readonly #present: readonly number[];
  readonly #recent: Uint8Array[];
  #count = 0;
  #room: Y.Doc;
  #view: View | undefined;
  #author: Y.Doc | undefined;
  #taken = new Set<number>();

  /**
   * @param room the document as far as it is known
   * @param present client ids of others
   */
  constructor(room: Y.Doc, present: readonly number[] = []) {
    this.#room = room;
    this.#present = present;
    this.#recent = seeds();
  }

  /** To be called when the document changed. */
  look(): void {
    this.#view = undefined;
    this.#author = undefined;
    this.#taken = new Set();
  }

  forge(plan: FramePlan): Uint8Array | string {
    const frame = this.#forge(plan);
    if (typeof frame !== "string" && plan.kind !== "mutated") this.#recent[this.#count++ % REMEMBERED] = frame;
    return frame;
  }

  #forge(plan: FramePlan): Uint8Array | string {
    switch (plan.kind) {
      case "update": {
        this.#view ??= viewOf(this.#room);
        return wrap(resolveUpdate(plan.plan, this.#view, this.#taken), plan.isAnswer);
      }
      case "honest":
        return wrap(this.#edit(plan.edit), plan.isAnswer);
      case "awareness":
        return encodeAwareness(
          plan.entries.map(({ client, clock, state }) => ({
            clientId: "id" in client ? client.id : (this.#present[client.present % this.#present.length] ?? 1),
            clock,
            state: new TextEncoder().encode(state),
          })),
        );
      case "step-1":
        return encodeSyncStep1(stateVector(plan.clocks));
      case "auth":
        return encodePermissionDenied("no");
      case "query":
        return encodeQueryAwareness();
      case "text":
        return plan.text;
      case "mutated":
        return this.#mutate(plan);
      default:
        return plan satisfies never;
    }
  }

  #mutate({ base, changes, wrapped }: Extract<FramePlan, { kind: "mutated" }>): Uint8Array {
    const original = this.#recent[base % this.#recent.length] ?? new Uint8Array();
    const apply = (bytes: Uint8Array, others: readonly Uint8Array[]) =>
      changes.reduce((mutant, plan) => changed(mutant, plan, others), bytes);
    const content = wrapped ? contentOf(original) : null;
    if (content === null) return apply(original, this.#recent);
    const others = this.#recent.flatMap((frame) => contentOf(frame)?.bytes ?? []);
    return content.wrap(apply(content.bytes, others));
  }

  /** An edit as an application makes it. */
  #edit({ root, what, at }: HonestEdit): Uint8Array {
    if (this.#author === undefined) {
      this.#author = new Y.Doc();
      Y.applyUpdate(this.#author, Y.encodeStateAsUpdate(this.#room));
      this.#author.clientID = 100 + (at % 12);
    }
    const author = this.#author;
    const emitted: Uint8Array[] = [];
    const listen = (emission: Uint8Array) => emitted.push(emission);
    author.on("update", listen);
    try {
      author.transact(() => EDITS[root](author, what, at));
    } catch {
      // What hostile frames left in a root is not always what its kind can edit.
      this.#author = undefined;
    }
    author.off("update", listen);
    return emitted.length === 0 ? new Uint8Array([0, 0]) : Y.mergeUpdates(emitted);
  }
}

const EDITS: Record<HonestEdit["root"], (doc: Y.Doc, what: HonestEdit["what"], at: number) => void> = {
  text: (doc, what, at) => editText(doc.getText("text"), what, at),
  map: (doc, what, at) => editMap(doc.getMap("map"), what, at),
  other: (doc, what, at) => editMap(doc.getMap("other"), what, at),
  list: (doc, what, at) => {
    const list = doc.getArray("list");
    if (what === "delete" && list.length > 0) list.delete(at % list.length, 1);
    else list.insert(at % (list.length + 1), [what === "nest" ? new Y.Map([["in", new Y.Text("t")]]) : at, "x"]);
  },
  xml: (doc, what, at) => {
    const xml = doc.getXmlFragment("xml");
    if (what === "delete" && xml.length > 0) xml.delete(at % xml.length, 1);
    else xml.insert(at % (xml.length + 1), [what === "nest" ? new Y.XmlElement("p") : new Y.XmlText("x")]);
  },
};

function editText(text: Y.Text, what: HonestEdit["what"], at: number): void {
  const place = at % (text.length + 1);
  const length = Math.min(3, text.length - place);
  if (what === "delete") text.delete(place, length);
  else if (what === "format") text.format(place, length, { bold: at % 2 === 0 ? true : null });
  else if (what === "embed") text.insertEmbed(place, { image: at });
  else text.insert(place, what === "nest" ? "b" : "word ", what === "nest" ? { link: "x" } : undefined);
}

function editMap(map: Y.Map<unknown>, what: HonestEdit["what"], at: number): void {
  const key = `k${at % 5}`;
  if (what === "delete") map.delete(key);
  else map.set(key, what === "nest" ? new Y.Map([["array", new Y.Array()]]) : at);
}

function wrap(bytes: Uint8Array, isAnswer: boolean): Uint8Array {
  return isAnswer ? encodeSyncStep2(bytes) : encodeUpdate(bytes);
}

function stateVector(clocks: readonly (readonly [number, number])[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, clocks.length);
    for (const number of clocks.flat()) encoding.writeVarUint(encoder, number);
  });
}

interface Wrapped {
  readonly bytes: Uint8Array;
  readonly wrap: (bytes: Uint8Array) => Uint8Array;
}

/** The part of a frame that its announced length surrounds, if it has one. */
function contentOf(frame: Uint8Array): Wrapped | null {
  let decoded: ReturnType<typeof decodeFrame>;
  try {
    decoded = decodeFrame(frame);
  } catch {
    return null;
  }
  switch (decoded.type) {
    case "sync-step-1":
      return { bytes: decoded.stateVector, wrap: encodeSyncStep1 };
    case "sync-step-2":
      return { bytes: decoded.update, wrap: encodeSyncStep2 };
    case "update":
      return { bytes: decoded.update, wrap: encodeUpdate };
    default:
      return null;
  }
}

/** Frames to begin with: every kind of frame, and every kind of content that Yjs writes. */
function seeds(): Uint8Array[] {
  const doc = new Y.Doc();
  doc.clientID = 3;
  const steps: Uint8Array[] = [];
  doc.on("update", (emission: Uint8Array) => steps.push(emission));
  const text = doc.getText("text");
  text.insert(0, "aé😀");
  text.insert(1, "bold", { bold: true, link: { href: "x" } });
  text.insertEmbed(2, { image: ["a", null] });
  text.delete(1, 3);
  const map = doc.getMap("map");
  map.set("values", [1, -70_000, 1.5, 0.1, 2n ** 60n, true, null, undefined, "s", new Uint8Array([1, 2])]);
  map.set("bytes", new Uint8Array([1, 2, 3]));
  map.set("type", new Y.Map([["array", new Y.Array()]]));
  map.set("type", { replaced: true });
  const element = new Y.XmlElement("p");
  element.setAttribute("class", "x");
  doc.getXmlFragment("xml").push([element, new Y.XmlText("t")]);
  doc.getArray("list").push([1, 2, 3]);
  doc.getArray("list").delete(0, 2);
  const state = Y.encodeStateAsUpdate(doc);
  return [
    encodeSyncStep1(Y.encodeStateVector(doc)),
    encodeSyncStep2(state),
    encodeUpdate(state),
    ...steps.map(encodeUpdate),
    encodeAwareness([
      { clientId: 3, clock: 1, state: new TextEncoder().encode('{"name":"x"}') },
      { clientId: 4, clock: 2, state: null },
    ]),
    encodePermissionDenied("no"),
    encodeQueryAwareness(),
  ];
}

/** The edits in a frame, if it has any. */
export function editsIn(frame: Uint8Array | string): Uint8Array | null {
  if (typeof frame === "string") return null;
  try {
    const decoded = decodeFrame(frame);
    return decoded.type === "update" || decoded.type === "sync-step-2" ? decoded.update : null;
  } catch {
    return null;
  }
}
