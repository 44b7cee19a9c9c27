/** Presence: people of a board tell each other their names and what they do right now. Anybody may send anything. */
import { fromBase64, toBase64 } from "lib0/buffer";
import * as v from "valibot";
import type { Box, Point, Transform } from "../model/box.ts";
import { packInk, type Sample, unpackInk } from "../model/ink.ts";
import { EXTENT } from "../model/limits.ts";
import { COLORS, type Content, parseContent } from "../model/shape.ts";
import type { Preview } from "../tools/gesture.ts";

const NAME_CHARACTERS = 40;

/** Names of shapes in one state: of a larger selection the rest is not told. */
const IDS = 200;

/** Samples of a stroke in progress. It is sent whole about 30 times a second, and finished with all that it has. */
const LIVE_SAMPLES = 400;

/** The colours in which people are shown. White on each contrasts by at least 4.5 to 1. */
export const PERSON_COLORS = [
  "#c2303a",
  "#a84f00",
  "#7c6200",
  "#267a3e",
  "#0f7676",
  "#2467c9",
  "#6a4bc4",
  "#a3389f",
  "#b8336f",
] as const;

const number = v.pipe(v.number(), v.minValue(-EXTENT * 2), v.maxValue(EXTENT * 2));
const ids = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(100))),
  v.transform((all) => all.slice(0, IDS)),
);

const user = v.object({
  name: v.pipe(
    v.string(),
    v.transform((name) => cleanName(name)),
    v.minLength(1),
  ),
  color: v.picklist(PERSON_COLORS),
});

const doing = v.variant("type", [
  v.object({
    type: v.literal("ink"),
    x: number,
    y: number,
    points: v.pipe(v.string(), v.maxLength(20_000)),
    color: v.picklist(COLORS),
    size: v.pipe(v.number(), v.minValue(0.5), v.maxValue(100)),
  }),
  v.object({ type: v.literal("shape"), shape: v.unknown() }),
  v.object({ type: v.literal("transform"), ids, by: v.tuple([number, number, number, number]) }),
]);

const presence = v.object({
  user: v.fallback(user, { name: "Somebody", color: "#6a4bc4" }),
  cursor: v.fallback(v.nullable(v.tuple([number, number])), null),
  selection: v.fallback(ids, []),
  view: v.fallback(
    v.nullable(v.tuple([number, number, v.pipe(number, v.minValue(1)), v.pipe(number, v.minValue(1))])),
    null,
  ),
  doing: v.fallback(v.nullable(doing), null),
});

export type User = v.InferOutput<typeof user>;

/** As it goes over the wire. */
type Doing = v.InferOutput<typeof doing>;

/** Somebody else's action in progress, as it is shown. */
export type Activity =
  | {
      readonly type: "ink";
      readonly samples: readonly Sample[];
      readonly color: (typeof COLORS)[number];
      readonly size: number;
    }
  | { readonly type: "shape"; readonly shape: Content }
  | { readonly type: "transform"; readonly ids: readonly string[]; readonly transform: Transform };

export interface PersonState {
  readonly user: User;
  readonly cursor: Point | null;
  readonly selection: readonly string[];
  /** The part of the world that they see. */
  readonly view: Box | null;
  readonly activity: Activity | null;
}

/** @returns `null` for a client that is no person on this board, such as another kind of client of the room */
export function parsePresence(state: unknown): PersonState | null {
  const parsed = v.safeParse(presence, state);
  if (!parsed.success || typeof state !== "object" || state === null || !("user" in state)) return null;
  const { user, cursor, selection, view, doing } = parsed.output;
  return {
    user,
    cursor: cursor === null ? null : { x: cursor[0], y: cursor[1] },
    selection,
    view: view === null ? null : { x: view[0], y: view[1], w: view[2], h: view[3] },
    activity: doing === null ? null : parseDoing(doing),
  };
}

export function toWire(state: Omit<PersonState, "activity"> & { readonly preview: Preview }): object {
  const { user, cursor, selection, view, preview } = state;
  return {
    user,
    cursor: cursor === null ? null : [round(cursor.x), round(cursor.y)],
    selection: selection.slice(0, IDS),
    view: view === null ? null : [round(view.x), round(view.y), round(view.w), round(view.h)],
    doing: doingOf(preview),
  };
}

/** Without what would break a line or turn the direction of what follows. */
export function cleanName(name: string): string {
  return name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .trim()
    .slice(0, NAME_CHARACTERS);
}

function doingOf(preview: Preview): Doing | null {
  switch (preview.type) {
    case "none":
    case "marquee":
      return null;
    case "ink": {
      const { box, points } = packInk(thinned(preview.samples));
      const { color, size } = preview;
      return { type: "ink", x: round(box.x), y: round(box.y), points: toBase64(points), color, size };
    }
    case "shape": {
      const { x, y, w, h } = preview.shape.box;
      return { type: "shape", shape: { ...preview.shape, box: [x, y, w, h] } };
    }
    case "transform": {
      const { sx, sy, dx, dy } = preview.transform;
      return { type: "transform", ids: preview.ids.slice(0, IDS), by: [sx, sy, dx, dy] };
    }
    default:
      return preview satisfies never;
  }
}

function parseDoing(doing: Doing): Activity | null {
  switch (doing.type) {
    case "ink": {
      const { x, y, color, size } = doing;
      const samples = unpackInk(bytesOf(doing.points)).slice(0, LIVE_SAMPLES);
      return { type: "ink", samples: samples.map((each) => ({ ...each, x: each.x + x, y: each.y + y })), color, size };
    }
    case "shape": {
      const fields = typeof doing.shape === "object" ? doing.shape : {};
      const shape = parseContent({ ...fields, order: "a0" });
      return shape === null ? null : { type: "shape", shape };
    }
    case "transform": {
      const [sx, sy, dx, dy] = doing.by;
      return { type: "transform", ids: doing.ids, transform: { sx, sy, dx, dy } };
    }
    default:
      return doing satisfies never;
  }
}

/** A long stroke is told with fewer samples; its end, where the pen is, with all of them. */
function thinned(samples: readonly Sample[]): readonly Sample[] {
  if (samples.length <= LIVE_SAMPLES) return samples;
  const end = samples.slice(-LIVE_SAMPLES / 2);
  const rest = samples.slice(0, -LIVE_SAMPLES / 2);
  const step = Math.ceil(rest.length / (LIVE_SAMPLES / 2));
  return [...rest.filter((_, index) => index % step === 0), ...end];
}

function bytesOf(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch {
    return new Uint8Array();
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
