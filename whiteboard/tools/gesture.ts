/**
 * A tool makes gestures. A gesture is a state from the pointer's going down to its coming up: each movement turns it into the
 * next one, its preview can be shown at any time, and its outcome says in the end what to do. It changes nothing itself.
 */
import type { Box, Point, Transform } from "../model/box.ts";
import type { NewShape } from "../model/commands.ts";
import type { Sample } from "../model/ink.ts";
import type { Color, Shape } from "../model/shape.ts";

export interface PointerInput {
  /** In world units, as all that follows. */
  readonly at: Point;
  /** All places since the last input, of a pen with its pressure. The last one is `at`. */
  readonly samples: readonly Sample[];
  readonly shift: boolean;
}

/** How new shapes look. */
export interface Style {
  readonly color: Color;
  readonly size: number;
  readonly fill: boolean;
}

/** The board and the person's choices when a gesture begins. */
export interface Surroundings {
  /** From the lowest to the highest. */
  readonly shapes: readonly Shape[];
  readonly selection: ReadonlySet<string>;
  readonly style: Style;
  /** How far beside something a pointer still hits it. */
  readonly reach: number;
}

/** The picture of a gesture in progress, here and for others. */
export type Preview =
  | { readonly type: "none" }
  | { readonly type: "ink"; readonly samples: readonly Sample[]; readonly color: Color; readonly size: number }
  | { readonly type: "shape"; readonly shape: NewShape }
  | { readonly type: "transform"; readonly ids: readonly string[]; readonly transform: Transform }
  | { readonly type: "marquee"; readonly box: Box };

/** The change that a gesture comes to. */
export type Outcome =
  | { readonly type: "nothing" }
  | { readonly type: "add"; readonly shape: NewShape; readonly next: "draw-on" | "select" | "write" }
  | { readonly type: "transform"; readonly ids: readonly string[]; readonly transform: Transform }
  | { readonly type: "select"; readonly ids: readonly string[] }
  | { readonly type: "write"; readonly id: string };

export interface Gesture {
  readonly preview: Preview;
  /** The selection from now on; `null` to leave it as it is. */
  readonly selection: readonly string[] | null;
  move(input: PointerInput): Gesture;
  finish(): Outcome;
}

export type BeginGesture = (input: PointerInput, surroundings: Surroundings) => Gesture;

export const NO_PREVIEW: Preview = { type: "none" };
export const NOTHING: Outcome = { type: "nothing" };
