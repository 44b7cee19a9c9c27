import { generateKeyBetween } from "fractional-indexing";
import * as v from "valibot";
import type { Box } from "./box.ts";
import { unpackInk } from "./ink.ts";
import { EXTENT, ORDER_CHARACTERS, STROKE_BYTES, TEXT_CHARACTERS } from "./limits.ts";

/** Named, so that each theme shows them in its own way. */
export const COLORS = ["ink", "grey", "red", "orange", "yellow", "green", "blue", "violet", "pink"] as const;
export type Color = (typeof COLORS)[number];

const place = v.pipe(v.number(), v.minValue(-EXTENT), v.maxValue(EXTENT));
const length = v.pipe(v.number(), v.minValue(0), v.maxValue(EXTENT));

/** `[x, y, w, h]` */
const toBox = ([x, y, w, h]: [number, number, number, number]): Box => ({ x, y, w, h });
const box = v.pipe(v.tuple([place, place, length, length]), v.transform(toBox));
/** A line's end may be left of its start or above it. */
const span = v.pipe(v.tuple([place, place, place, place]), v.transform(toBox));

const order = v.pipe(v.string(), v.maxLength(ORDER_CHARACTERS), v.check(isOrder));
/** A newer version may have more. */
const color = v.fallback(v.picklist(COLORS), "ink");
const size = v.pipe(v.number(), v.minValue(0.5), v.maxValue(100));
const text = v.pipe(
  v.string(),
  v.transform((all) => all.slice(0, TEXT_CHARACTERS)),
);

const common = { order, color };

/** Fields of a shape in the document, by kind. `docs/whiteboard.md` describes them. */
const content = v.variant("kind", [
  v.object({
    kind: v.literal("stroke"),
    ...common,
    box,
    size,
    points: v.pipe(
      v.custom<Uint8Array>((value) => value instanceof Uint8Array),
      v.check((points) => points.length <= STROKE_BYTES && unpackInk(points).length > 0),
    ),
  }),
  v.object({ kind: v.literal("rectangle"), ...common, box, size, fill: v.boolean() }),
  v.object({ kind: v.literal("ellipse"), ...common, box, size, fill: v.boolean() }),
  v.object({ kind: v.literal("line"), ...common, box: span, size }),
  v.object({ kind: v.literal("arrow"), ...common, box: span, size }),
  v.object({
    kind: v.literal("text"),
    ...common,
    box,
    fontSize: v.pipe(v.number(), v.minValue(4), v.maxValue(400)),
    text,
  }),
  v.object({ kind: v.literal("note"), ...common, box, text }),
  v.object({ kind: v.literal("image"), ...common, box, image: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
]);

/** A shape without its name. */
export type Content = v.InferOutput<typeof content>;
export type Kind = Content["kind"];
export type ContentOf<K extends Kind> = Extract<Content, { kind: K }>;

/** Never changed: another state of a shape is another object. */
export type Shape = Content & { readonly id: string };
export type ShapeOf<K extends Kind> = ContentOf<K> & { readonly id: string };

/** @returns `null` for what no version of this page can show */
export function parseContent(value: unknown): Content | null {
  const parsed = v.safeParse(content, value, { abortEarly: true });
  return parsed.success ? parsed.output : null;
}

/** Whether a stacking order can be gone on from. */
function isOrder(key: string): boolean {
  try {
    generateKeyBetween(key, null);
    return true;
  } catch {
    return false;
  }
}

/** Shapes by their stacking order; those that two people put at one place at once, by their names. */
export function compareShapes(one: Shape, other: Shape): number {
  if (one.order !== other.order) return one.order < other.order ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}

export function isLine(shape: Content): shape is ContentOf<"line"> | ContentOf<"arrow"> {
  return shape.kind === "line" || shape.kind === "arrow";
}

export function hasText(shape: Content): shape is ContentOf<"text"> | ContentOf<"note"> {
  return shape.kind === "text" || shape.kind === "note";
}
