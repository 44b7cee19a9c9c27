/** Paints shapes in world units: whoever calls has set the context's transform. */
import { type Box, upright } from "../model/box.ts";
import type { Shape, ShapeOf } from "../model/shape.ts";
import { inkFigure, inkScale, outline } from "./figure.ts";
import { FONT_FAMILY, FONT_WEIGHT, LINE_HEIGHT, type Measure, setNote } from "./text.ts";
import type { Theme } from "./theme.ts";

export type Context2D = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Things that painting needs beside the shape. */
export interface PaintKit {
  readonly theme: Theme;
  readonly measure: Measure;
  /** `null` as long as it is not decoded, and for what there is none. */
  readonly imageOf: (image: string) => ImageBitmap | null;
  /** A shape whose text is not painted, since an editor shows it. */
  readonly editing: string | null;
}

/** Paths are parsed once: of a shape as long as it is the same, of ink as long as its bytes are. */
const outlines = new WeakMap<Shape, Path2D>();
const inks = new WeakMap<object, Path2D>();

export function paintShape(context: Context2D, shape: Shape, kit: PaintKit): void {
  switch (shape.kind) {
    case "stroke":
      paintInk(context, shape, kit);
      return;
    case "rectangle":
    case "ellipse":
    case "line":
    case "arrow":
      paintOutline(context, shape, kit);
      return;
    case "text":
      paintText(context, shape, kit);
      return;
    case "note":
      paintNote(context, shape, kit);
      return;
    case "image":
      paintImage(context, shape, kit);
      return;
    default:
      shape satisfies never;
  }
}

export function fontOf(fontSize: number): string {
  return `${FONT_WEIGHT} ${fontSize}px ${FONT_FAMILY}`;
}

function paintInk(context: Context2D, shape: ShapeOf<"stroke">, { theme }: PaintKit): void {
  const figure = inkFigure(shape);
  const path = inks.get(figure) ?? new Path2D(figure.path);
  inks.set(figure, path);
  const { sx, sy } = inkScale(figure.box, shape.box);
  context.save();
  context.translate(shape.box.x, shape.box.y);
  context.scale(sx, sy);
  context.fillStyle = theme.ink[shape.color];
  context.fill(path);
  context.restore();
}

function paintOutline(
  context: Context2D,
  shape: ShapeOf<"rectangle" | "ellipse" | "line" | "arrow">,
  { theme }: PaintKit,
): void {
  const path = outlines.get(shape) ?? new Path2D(outline(shape));
  outlines.set(shape, path);
  if ("fill" in shape && shape.fill) {
    context.fillStyle = theme.fill[shape.color];
    context.fill(path);
  }
  context.strokeStyle = theme.ink[shape.color];
  context.lineWidth = shape.size;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.stroke(path);
}

function paintText(context: Context2D, shape: ShapeOf<"text">, { theme, editing }: PaintKit): void {
  if (editing === shape.id) return;
  context.fillStyle = theme.ink[shape.color];
  context.font = fontOf(shape.fontSize);
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const [index, line] of shape.text.split("\n").entries()) {
    context.fillText(line, shape.box.x, shape.box.y + (index + 0.5) * shape.fontSize * LINE_HEIGHT);
  }
}

function paintNote(context: Context2D, shape: ShapeOf<"note">, { theme, measure, editing }: PaintKit): void {
  const { x, y, w, h } = shape.box;
  for (const [grow, alpha] of [
    [5, 0.035],
    [2.5, 0.05],
    [1, 0.06],
  ] as const) {
    context.fillStyle = `rgb(0 0 0 / ${alpha})`;
    fillRounded(context, { x: x - grow, y: y - grow + 4, w: w + 2 * grow, h: h + 2 * grow }, 6 + grow);
  }
  context.fillStyle = theme.note[shape.color];
  fillRounded(context, shape.box, 6);
  if (editing === shape.id) return;
  const { lines, fontSize } = setNote(shape.text, shape.box, measure);
  const top = y + (h - lines.length * fontSize * LINE_HEIGHT) / 2;
  context.fillStyle = theme.noteText;
  context.font = fontOf(fontSize);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const [index, line] of lines.entries()) {
    context.fillText(line, x + w / 2, top + (index + 0.5) * fontSize * LINE_HEIGHT);
  }
}

function paintImage(context: Context2D, shape: ShapeOf<"image">, { theme, imageOf }: PaintKit): void {
  const { x, y, w, h } = upright(shape.box);
  const bitmap = imageOf(shape.image);
  if (bitmap !== null) {
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, x, y, w, h);
    return;
  }
  context.fillStyle = theme.placeholder;
  fillRounded(context, shape.box, 6);
}

function fillRounded(context: Context2D, { x, y, w, h }: Box, radius: number): void {
  context.beginPath();
  context.roundRect(x, y, w, h, radius);
  context.fill();
}
