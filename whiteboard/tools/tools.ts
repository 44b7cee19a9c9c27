import type { Point } from "../model/box.ts";
import { beginFigure, figureAt, shapeOf } from "./figure.ts";
import type { BeginGesture, Outcome, Style } from "./gesture.ts";
import { NOTHING } from "./gesture.ts";
import { beginStroke } from "./pen.ts";
import { beginSelect } from "./select.ts";
import { beginNote, beginText, noteAt, textAt } from "./write.ts";

export const TOOLS = ["select", "hand", "pen", "rectangle", "ellipse", "arrow", "line", "text", "note"] as const;
export type Tool = (typeof TOOLS)[number];

/** @returns `null` for the hand, which moves the view and nothing on the board */
export function beginOf(tool: Tool): BeginGesture | null {
  switch (tool) {
    case "select":
      return beginSelect;
    case "hand":
      return null;
    case "pen":
      return beginStroke;
    case "rectangle":
    case "ellipse":
    case "line":
    case "arrow":
      return beginFigure(tool);
    case "text":
      return beginText;
    case "note":
      return beginNote;
    default:
      return tool satisfies never;
  }
}

/** The outcome of a tool without a pointer: the keyboard's way to draw. */
export function placeBy(tool: Tool, at: Point, style: Style): Outcome {
  switch (tool) {
    case "rectangle":
    case "ellipse":
    case "line":
    case "arrow":
      return { type: "add", shape: shapeOf({ kind: tool, style }, figureAt(tool, at)), next: "select" };
    case "text":
      return { type: "add", shape: textAt(at, style), next: "write" };
    case "note":
      return { type: "add", shape: noteAt(at, style), next: "write" };
    case "select":
    case "hand":
    case "pen":
      return NOTHING;
    default:
      return tool satisfies never;
  }
}
