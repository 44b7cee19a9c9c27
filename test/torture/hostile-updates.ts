/** Updates of which each field is mostly valid and refers to what exists in a document, and sometimes is hostile. */
import fc from "fast-check";
import * as Y from "yjs";
import {
  type AnyValue,
  type Block,
  type Content,
  type Deletions,
  type Id,
  type Item,
  lengthOf,
  type Struct,
  type UpdateSpec,
  writeUpdate,
} from "./update-writer.ts";

/** What exists: what plans refer to by number, so that they keep their meaning while they shrink. */
export interface View {
  readonly clients: readonly (readonly [client: number, clock: number])[];
  /** Items that hold a shared type. */
  readonly types: readonly Id[];
  /** Whether an item holds a value of a key. */
  readonly isKeyed: (id: Id) => boolean;
}

export function viewOf(doc: Y.Doc): View {
  const clients: [number, number][] = [];
  const types: Id[] = [];
  for (const [client, structs] of doc.store.clients) {
    clients.push([client, Y.getState(doc.store, client)]);
    for (const struct of structs) {
      if (struct instanceof Y.Item && struct.content instanceof Y.ContentType) types.push(struct.id);
    }
  }
  return { clients, types, isKeyed: (id) => isKeyed(doc, id) };
}

function isKeyed(doc: Y.Doc, { client, clock }: Id): boolean {
  const structs = doc.store.clients.get(client) ?? [];
  const found = structs.find(({ id, length }) => clock >= id.clock && clock < id.clock + length);
  return found instanceof Y.Item && found.parentSub !== null;
}

/** Numbers at which something overflows or wraps. */
export const EXTREMES = [0, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1] as const;

/** Roots that real clients use, one that nobody else does, and hostile ones. */
export const ROOT_NAMES = ["text", "map", "list", "xml", "other"] as const;
const HOSTILE_NAMES = ["__proto__", "constructor", "", "k".repeat(4_096), "k".repeat(4_097)] as const;

type Ref =
  | { readonly to: "existing"; readonly client: number; readonly place: number }
  | { readonly to: "own"; readonly back: number }
  | { readonly to: "block"; readonly block: number; readonly offset: number }
  | { readonly to: "raw"; readonly id: Id };

type Parent = { readonly root: string } | { readonly type: number } | { readonly ref: Ref };

type StructPlan =
  | { readonly type: "gc" | "skip"; readonly length: number }
  | {
      readonly type: "item";
      readonly origin: Ref | null;
      readonly rightOrigin: Ref | null;
      readonly parent: Parent;
      readonly key: string | null;
      /** Whether content of a key may be longer than one clock, which Yjs never writes. */
      readonly isRun: boolean;
      readonly content: Content;
    };

type ClientPlan = { readonly known: number } | { readonly id: number };

interface BlockPlan {
  readonly client: ClientPlan;
  /** Where it starts, from the client's next clock. */
  readonly ahead: number;
  readonly start: number | null;
  readonly structs: readonly StructPlan[];
  readonly announced: number | null;
}

interface DeletionsPlan {
  readonly client: ClientPlan;
  readonly ranges: readonly { readonly place: number; readonly length: number }[];
  readonly raw: readonly (readonly [number, number])[];
  readonly inOrder: boolean;
}

export interface UpdatePlan {
  readonly blocks: readonly BlockPlan[];
  readonly deletions: readonly DeletionsPlan[];
  readonly sameClientTwice: boolean;
  /** Whether it may write as a client for which another frame was forged since the document was looked at. */
  readonly collides: boolean;
  readonly announcedBlocks: number | null;
  readonly announcedDeletions: number | null;
}

const extreme = fc.constantFrom(...EXTREMES);
const place = fc.nat({ max: 9_999 });
/** `null` most of the time. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, among: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: among - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...ROOT_NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_NAMES) },
);

const client: fc.Arbitrary<ClientPlan> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ known: place }) },
  { weight: 10, arbitrary: fc.record({ id: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ id: extreme }) },
);

const ref: fc.Arbitrary<Ref> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ to: fc.constant("own" as const), back: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 30, arbitrary: fc.record({ to: fc.constant("existing" as const), client: place, place }) },
  {
    weight: 12,
    arbitrary: fc.record({ to: fc.constant("block" as const), block: fc.nat({ max: 3 }), offset: fc.nat({ max: 8 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      to: fc.constant("raw" as const),
      id: fc.record({ client: fc.oneof(fc.nat({ max: 12 }), extreme), clock: fc.oneof(fc.nat({ max: 40 }), extreme) }),
    }),
  },
);

const parent: fc.Arbitrary<Parent> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ root: name }) },
  { weight: 6, arbitrary: fc.record({ type: place }) },
  { weight: 1, arbitrary: fc.record({ ref }) },
);

const anyValue: fc.Arbitrary<AnyValue> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<AnyValue>(undefined, null, true, false, 0, -1, 1.5, 2 ** 40, 7n, "s") },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom<AnyValue>([1, ["x"]], { a: { b: 1 } }, { constructor: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom<AnyValue>(nested(64), nested(65), JSON.parse('{"__proto__":1}')) },
);

function nested(levels: number): AnyValue {
  let value: AnyValue = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const json = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom("1", "null", '"x"', "[1]", '{"a":[null]}', "true") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("undefined", "", "{", '{"__proto__":1}', `${"[".repeat(65)}${"]".repeat(65)}`),
  },
);
const text = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom("a", "hello", "é", "😀", "a😀b", "\ud83d", "\u0000") },
  { weight: 1, arbitrary: fc.constant("") },
);
/** One to so many, seldom none. */
const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 20, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength }) },
    { weight: 1, arbitrary: fc.constant<T[]>([]) },
  );

const content: fc.Arbitrary<Content> = fc.oneof(
  { weight: 36, arbitrary: fc.record({ type: fc.constant("string" as const), text }) },
  {
    weight: 12,
    arbitrary: fc.record({ type: fc.constant("any" as const), values: some(anyValue, 4) }),
  },
  {
    weight: 20,
    arbitrary: fc.record({ type: fc.constant("type" as const), kind: fc.nat({ max: 6 }), name: fc.constant("p") }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ type: fc.constant("format" as const), key: fc.constantFrom("bold", "link"), json }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("embed" as const), json }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("json" as const), texts: some(json, 3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("binary" as const), bytes: fc.uint8Array({ maxLength: 5 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant("deleted" as const), length: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("deleted" as const), length: extreme }) },
  { weight: 1, arbitrary: fc.constant({ type: "doc" as const, guid: "g" }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("unknown" as const),
      tag: fc.integer({ min: 9, max: 31 }),
      bytes: fc.uint8Array({ maxLength: 6 }),
    }),
  },
);

const struct: fc.Arbitrary<StructPlan> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({
      type: fc.constant("item" as const),
      origin: fc.option(ref, { nil: null, freq: 2 }),
      rightOrigin: fc.option(ref, { nil: null, freq: 1 }),
      parent,
      key: fc.oneof(
        { weight: 4, arbitrary: fc.constant(null) },
        { weight: 2, arbitrary: fc.constantFrom("a", "b", "c") },
        { weight: 1, arbitrary: name },
      ),
      isRun: fc.oneof({ weight: 200, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      content,
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("gc" as const), length: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("skip" as const), length: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom("gc" as const, "skip" as const), length: extreme }),
  },
);

const block: fc.Arbitrary<BlockPlan> = fc.record({
  client,
  ahead: fc.oneof(
    { weight: 30, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -5, max: -1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
  start: seldom(extreme, 80),
  structs: fc.array(struct, { minLength: 1, maxLength: 5 }),
  announced: seldom(fc.oneof(fc.nat({ max: 6 }), extreme), 60),
});

const deletions: fc.Arbitrary<DeletionsPlan> = fc.record({
  client,
  ranges: fc.array(fc.record({ place, length: fc.integer({ min: 1, max: 6 }) }), { maxLength: 4 }),
  raw: fc.oneof(
    { weight: 14, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(fc.oneof(fc.nat({ max: 50 }), extreme), fc.oneof(fc.nat({ max: 9 }), extreme)), {
        maxLength: 2,
      }),
    },
  ),
  inOrder: fc.oneof({ weight: 14, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

export const updatePlan: fc.Arbitrary<UpdatePlan> = fc.record({
  blocks: fc.oneof(
    { weight: 6, arbitrary: fc.array(block, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(block, { maxLength: 4 }) },
  ),
  deletions: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(deletions, { maxLength: 3 }) },
  ),
  sameClientTwice: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  collides: fc.oneof({ weight: 20, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  announcedBlocks: seldom(fc.oneof(fc.nat({ max: 4 }), extreme), 80),
  announcedDeletions: seldom(fc.oneof(fc.nat({ max: 4 }), extreme), 80),
});

/**
 * The bytes of a plan, in a document as it is now.
 * @param taken clients that were written for since; those of this plan are added
 */
export function resolveUpdate(plan: UpdatePlan, view: View, taken: Set<number>): Uint8Array<ArrayBuffer> {
  const blocks: Block[] = [];
  const keyed = new Set<string>();
  const known: View = { ...view, isKeyed: (id) => keyed.has(keyOf(id)) || view.isKeyed(id) };
  for (const planned of plan.blocks) {
    const [first] = plan.sameClientTwice ? blocks : [];
    const chosen = first === undefined ? resolveClient(planned.client, view) : endOf(first);
    const { id, clock } =
      taken.has(chosen.id) && first === undefined && !plan.collides
        ? resolveClient({ id: 1_000 + taken.size }, view)
        : chosen;
    taken.add(id);
    if (!plan.sameClientTwice && blocks.some((other) => other.client === id)) continue;
    const start = planned.start ?? Math.max(0, clock + planned.ahead);
    let at = start;
    const structs: Struct[] = [];
    for (const structPlan of planned.structs) {
      const resolved =
        structPlan.type === "item" ? resolveItem(structPlan, { id, at, blocks, view: known }) : structPlan;
      structs.push(resolved);
      if (resolved.type === "item" && takesKey(resolved, known)) keyed.add(keyOf({ client: id, clock: at }));
      at += lengthOf(resolved);
    }
    blocks.push({ client: id, clock: start, structs, announced: planned.announced ?? undefined });
  }
  const deletions: Deletions[] = [];
  for (const planned of plan.deletions) {
    const { id, clock } = resolveClient(planned.client, view);
    if (!plan.sameClientTwice && deletions.some((other) => other.client === id)) continue;
    const ranges = planned.ranges.map((range) => [range.place % (clock + 2), range.length] as [number, number]);
    deletions.push({ client: id, ranges: [...(planned.inOrder ? apart(ranges) : ranges), ...planned.raw] });
  }
  const spec: UpdateSpec = {
    blocks,
    deletions,
    announcedBlocks: plan.announcedBlocks ?? undefined,
    announcedDeletions: plan.announcedDeletions ?? undefined,
  };
  return writeUpdate(spec);
}

/** Ranges in order, without those that would overlap. */
function apart(ranges: [number, number][]): [number, number][] {
  let end = 0;
  return ranges
    .sort(([a], [b]) => a - b)
    .filter(([clock, length]) => {
      if (clock < end) return false;
      end = clock + length;
      return true;
    });
}

function endOf({ client, clock, structs }: Block): { id: number; clock: number } {
  return { id: client, clock: structs.reduce((end, struct) => end + lengthOf(struct), clock) };
}

function resolveClient(plan: ClientPlan, view: View): { id: number; clock: number } {
  if ("id" in plan) return { id: plan.id, clock: view.clients.find(([id]) => id === plan.id)?.[1] ?? 0 };
  const [id, clock] = view.clients[plan.known % Math.max(1, view.clients.length)] ?? [1, 0];
  return { id, clock };
}

interface Place {
  readonly id: number;
  readonly at: number;
  readonly blocks: readonly Block[];
  readonly view: View;
}

function keyOf({ client, clock }: Id): string {
  return `${client} ${clock}`;
}

/** Whether an item gets a key: its own, or that of its origin. */
function takesKey({ origin, rightOrigin, key }: Item, view: View): boolean {
  if (origin === undefined && rightOrigin === undefined) return key !== undefined;
  return (origin !== undefined && view.isKeyed(origin)) || (rightOrigin !== undefined && view.isKeyed(rightOrigin));
}

function resolveItem(plan: Extract<StructPlan, { type: "item" }>, where: Place): Item {
  const item = resolveFields(plan, where);
  return plan.isRun || !takesKey(item, where.view) ? item : { ...item, content: oneClock(item.content) };
}

function oneClock(content: Content): Content {
  switch (content.type) {
    case "string":
      return { ...content, text: content.text.slice(0, 1) };
    case "any":
      return { ...content, values: content.values.slice(0, 1) };
    case "json":
      return { ...content, texts: content.texts.slice(0, 1) };
    default:
      return content;
  }
}

function resolveFields(plan: Extract<StructPlan, { type: "item" }>, where: Place): Item {
  return {
    type: "item",
    origin: plan.origin ? resolveRef(plan.origin, where) : undefined,
    rightOrigin: plan.rightOrigin ? resolveRef(plan.rightOrigin, where) : undefined,
    parent: resolveParent(plan.parent, where),
    key: plan.key ?? undefined,
    content: plan.content,
  };
}

function resolveRef(plan: Ref, { id, at, blocks, view }: Place): Id | undefined {
  switch (plan.to) {
    case "existing": {
      const [client, clock] = view.clients[plan.client % Math.max(1, view.clients.length)] ?? [id, 0];
      return clock === 0 ? undefined : { client, clock: plan.place % clock };
    }
    case "own":
      return at < plan.back ? undefined : { client: id, clock: at - plan.back };
    case "block": {
      const other = blocks[plan.block];
      return other === undefined ? undefined : { client: other.client, clock: other.clock + plan.offset };
    }
    case "raw":
      return plan.id;
    default:
      return plan satisfies never;
  }
}

function resolveParent(plan: Parent, where: Place): string | Id {
  if ("root" in plan) return plan.root;
  if ("type" in plan) return where.view.types[plan.type % Math.max(1, where.view.types.length)] ?? "text";
  return resolveRef(plan.ref, where) ?? "text";
}
