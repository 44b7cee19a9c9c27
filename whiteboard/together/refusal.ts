import { equalityDeep } from "lib0/function";
import type { ErrorCode } from "../../client/index.ts";
import type { Board } from "../model/board.ts";
import { shapesToText } from "../model/clipboard.ts";
import type { NewShape } from "../model/commands.ts";
import type { Shape } from "../model/shape.ts";

/** Shapes that the room did not take, to be copied out. */
export interface Refusal {
  /** A code of the room; `cut-off` when the right to draw was taken while something was being drawn. */
  readonly code: ErrorCode | "cut-off";
  readonly message: string;
  /** Shapes as they were here and are not in the room. */
  readonly shapes: readonly Shape[];
  /** The same as text that can be pasted into a board. */
  readonly text: string;
}

/** @param mine the board that was refused @param theirs the room's */
export function refusalOf(mine: Board, theirs: Board, code: ErrorCode, message: string): Refusal {
  const shapes = mine.shapes.filter((shape) => !equalityDeep(shape, theirs.shape(shape.id)));
  return { code, message: message.replace(/^[a-z-]+: /, ""), shapes, text: shapesToText(shapes, mine) };
}

/** A shape that was being drawn when the right to edit was taken, and is in no document. */
export function cutOff(shape: NewShape, board: Board): Refusal {
  const shapes = [{ ...shape, id: "", order: "a0" }];
  return { code: "cut-off", message: "", shapes, text: shapesToText(shapes, board) };
}
