/**
 * A tool turns what a pointer does into what is to be done. From `down` to `up` that is a gesture: a state that each movement
 * turns into the next one, that can be shown at any time, and that in the end says what it did. It changes nothing itself.
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

/** What a gesture begins in. */
export interface Surroundings {
  /** From the lowest to the highest. */
  readonly shapes: readonly Shape[];
  readonly selection: ReadonlySet<string>;
  readonly style: Style;
  /** How far beside something a pointer still hits it. */
  readonly reach: number;
}

/** What is shown while a gesture lasts, here and to others. */
export type Preview =
  | { readonly type: "none" }
  | { readonly type: "ink"; readonly samples: readonly Sample[]; readonly color: Color; readonly size: number }
  | { readonly type: "shape"; readonly shape: NewShape }
  | { readonly type: "transform"; readonly ids: readonly string[]; readonly transform: Transform }
  | { readonly type: "marquee"; readonly box: Box };

/** What a gesture did. */
export type Outcome =
  | { readonly type: "nothing" }
  | { readonly type: "add"; readonly shape: NewShape; readonly next: "draw-on" | "select" | "write" }
  | { readonly type: "transform"; readonly ids: readonly string[]; readonly transform: Transform }
  | { readonly type: "select"; readonly ids: readonly string[] }
  | { readonly type: "write"; readonly id: string };

export interface Gesture {
  readonly preview: Preview;
  /** What is selected from now on; `null` to leave it as it is. */
  readonly selection: readonly string[] | null;
  move(input: PointerInput): Gesture;
  finish(): Outcome;
}

export type BeginGesture = (input: PointerInput, surroundings: Surroundings) => Gesture;

export const NO_PREVIEW: Preview = { type: "none" };
export const NOTHING: Outcome = { type: "nothing" };
