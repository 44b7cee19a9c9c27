import { equalityDeep } from "lib0/function";
import type { Board } from "../model/board.ts";
import { shapesToText } from "../model/clipboard.ts";
import type { Shape } from "../model/shape.ts";

/** What the room did not take, so that it can be copied out. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** Shapes as they were here and are not in the room. */
  readonly shapes: readonly Shape[];
  /** The same as text that can be pasted into a board. */
  readonly text: string;
}

/** @param mine the board that was refused @param theirs the room's */
export function refusalOf(mine: Board, theirs: Board, code: string, message: string): Refusal {
  const shapes = mine.shapes.filter((shape) => !equalityDeep(shape, theirs.shape(shape.id)));
  return { code, message: message.replace(/^[a-z-]+: /, ""), shapes, text: shapesToText(shapes, mine) };
}
