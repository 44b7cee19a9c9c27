import { contains, type Point } from "../model/box.ts";
import type { NewShape } from "../model/commands.ts";
import { hasText } from "../model/shape.ts";
import { LINE_HEIGHT } from "../scene/text.ts";
import { type BeginGesture, type Gesture, NO_PREVIEW, type Outcome, type Style } from "./gesture.ts";

const NOTE_SIDE = 200;

/** A pen's width and the size of letters are one choice. */
const FONT_SIZE_PER_SIZE = 6;

/** Puts down a note and writes in it, or writes in what is there. */
export const beginNote: BeginGesture = (input, { shapes, style }) => {
  const under = shapes.findLast((shape) => hasText(shape) && contains(shape.box, input.at));
  if (under !== undefined) return place({ type: "write", id: under.id });
  return place({ type: "add", shape: noteAt(input.at, style), next: "write" });
};

/** Begins a text, or goes on with one that is there. */
export const beginText: BeginGesture = (input, { shapes, style }) => {
  const under = shapes.findLast((shape) => hasText(shape) && contains(shape.box, input.at));
  if (under !== undefined) return place({ type: "write", id: under.id });
  return place({ type: "add", shape: textAt(input.at, style), next: "write" });
};

export function noteAt({ x, y }: Point, { color }: Style): NewShape {
  const box = { x: x - NOTE_SIDE / 2, y: y - NOTE_SIDE / 2, w: NOTE_SIDE, h: NOTE_SIDE };
  return { kind: "note", color: color === "ink" ? "yellow" : color, box, text: "" };
}

export function textAt({ x, y }: Point, { color, size }: Style): NewShape {
  const fontSize = 8 + size * FONT_SIZE_PER_SIZE;
  const h = Math.ceil(fontSize * LINE_HEIGHT);
  return { kind: "text", color, box: { x, y: y - h / 2, w: Math.ceil(fontSize / 2), h }, fontSize, text: "" };
}

/** Done when the pointer goes up, wherever that is: on a touch screen the keyboard comes with the tap. */
function place(outcome: Outcome): Gesture {
  const gesture: Gesture = { preview: NO_PREVIEW, selection: [], move: () => gesture, finish: () => outcome };
  return gesture;
}
