/** How text is set: one way for the canvas, for SVG and for the box that it needs. */
import type { Box } from "../model/box.ts";

/** The width of a line at a font size, in the same unit. */
export type Measure = (line: string, fontSize: number) => number;

export interface SetText {
  readonly lines: readonly string[];
  readonly fontSize: number;
}

export const FONT_FAMILY = `"Inter Variable", Inter, system-ui, sans-serif`;
export const FONT_WEIGHT = 500;
export const LINE_HEIGHT = 1.3;
/** Of a note, around its text. */
export const NOTE_PADDING = 16;

/** From the largest to the smallest; a text that does not fit is cut. */
const NOTE_FONT_SIZES = [24, 21, 18, 16, 14, 12, 10];

/** The box of a text whose lines are as long as they are written. */
export function textSize(text: string, fontSize: number, measure: Measure): { readonly w: number; readonly h: number } {
  const lines = text.split("\n");
  const w = Math.max(fontSize * 0.5, ...lines.map((line) => measure(line, fontSize)));
  return { w: Math.ceil(w), h: Math.ceil(lines.length * fontSize * LINE_HEIGHT) };
}

/** The text of a note, in the largest font size in which it fits. A large note has a larger font. */
export function setNote(text: string, box: Box, measure: Measure): SetText {
  const scale = Math.max(0.25, Math.min(box.w, box.h) / 200);
  const padding = NOTE_PADDING * scale;
  const [width, height] = [box.w - 2 * padding, box.h - 2 * padding];
  let set: SetText = { lines: [], fontSize: 0 };
  for (const size of NOTE_FONT_SIZES) {
    const fontSize = size * scale;
    set = { lines: wrap(text, width, fontSize, measure), fontSize };
    if (set.lines.length * fontSize * LINE_HEIGHT <= height) return set;
  }
  return { ...set, lines: set.lines.slice(0, Math.max(1, Math.floor(height / (set.fontSize * LINE_HEIGHT)))) };
}

/** Breaks lines between words, and inside a word that is wider than a line. */
export function wrap(text: string, width: number, fontSize: number, measure: Measure): string[] {
  return text.split("\n").flatMap((paragraph) => wrapParagraph(paragraph, width, fontSize, measure));
}

function wrapParagraph(paragraph: string, width: number, fontSize: number, measure: Measure): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(/(?<=\s)/)) {
    if (line !== "" && measure((line + word).trimEnd(), fontSize) > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += word;
    while (measure(line.trimEnd(), fontSize) > width && line.length > 1) {
      const length = fitting(line, width, fontSize, measure);
      lines.push(line.slice(0, length));
      line = line.slice(length);
    }
  }
  return [...lines, line.trimEnd()];
}

/** How many characters fit, at least one; no pair of surrogates is parted. */
function fitting(line: string, width: number, fontSize: number, measure: Measure): number {
  let [low, high] = [1, line.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (measure(line.slice(0, middle), fontSize) <= width) low = middle;
    else high = middle - 1;
  }
  return /[\uD800-\uDBFF]/.test(line[low - 1] ?? "") ? low + 1 : low;
}
