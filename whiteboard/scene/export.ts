/** The drawing as a file of its own. */
import { toBase64 } from "lib0/buffer";
import { type Box, grown, unionOf, upright } from "../model/box.ts";
import { readHeader } from "../model/image-format.ts";
import type { Shape, ShapeOf } from "../model/shape.ts";
import { boundsOf, inkFigure, inkScale, outline } from "./figure.ts";
import { short } from "./ink-path.ts";
import { type Context2D, type PaintKit, paintShape } from "./paint.ts";
import { FONT_FAMILY, FONT_WEIGHT, LINE_HEIGHT, type Measure, setNote } from "./text.ts";
import type { Theme } from "./theme.ts";

const MARGIN = 24;

/** Pixels of an exported picture, on its longer side. Browsers refuse larger canvases. */
const LARGEST_SIDE = 8_192;

export interface SvgKit {
  readonly theme: Theme;
  readonly measure: Measure;
  readonly bytesOf: (image: string) => Uint8Array | null;
}

/** The part of the world that a picture shows. @returns `null` without shapes */
export function pictureBox(shapes: readonly Shape[]): Box | null {
  const box = unionOf(shapes.map(boundsOf));
  return box === null ? null : grown(box, MARGIN);
}

/** Two pixels per unit, unless that is too large. */
export function pictureScale(box: Box): number {
  return Math.min(2, LARGEST_SIDE / Math.max(box.w, box.h));
}

export function paintPicture(context: Context2D, shapes: readonly Shape[], box: Box, kit: PaintKit): void {
  const scale = pictureScale(box);
  context.fillStyle = kit.theme.paper;
  context.fillRect(0, 0, box.w * scale, box.h * scale);
  context.setTransform(scale, 0, 0, scale, -box.x * scale, -box.y * scale);
  for (const shape of shapes) paintShape(context, shape, kit);
}

/** One element per shape. What people wrote is escaped text, never markup. */
export function svgOf(shapes: readonly Shape[], box: Box, kit: SvgKit): string {
  const place = `${short(box.x)} ${short(box.y)} ${short(box.w)} ${short(box.h)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${place}" width="${short(box.w)}" height="${short(box.h)}"`,
    ` font-family="${escaped(FONT_FAMILY)}" font-weight="${FONT_WEIGHT}">`,
    `<rect ${attributes(box)} fill="${kit.theme.paper}"/>`,
    ...shapes.map((shape) => element(shape, kit)),
    "</svg>\n",
  ].join("\n");
}

function element(shape: Shape, kit: SvgKit): string {
  const { theme } = kit;
  switch (shape.kind) {
    case "stroke": {
      const figure = inkFigure(shape);
      const { sx, sy } = inkScale(figure.box, shape.box);
      const transform = `translate(${short(shape.box.x)} ${short(shape.box.y)}) scale(${sx} ${sy})`;
      return `<path d="${figure.path}" transform="${transform}" fill="${theme.ink[shape.color]}"/>`;
    }
    case "rectangle":
    case "ellipse":
    case "line":
    case "arrow": {
      const fill = "fill" in shape && shape.fill ? theme.fill[shape.color] : "none";
      const line = `stroke="${theme.ink[shape.color]}" stroke-width="${shape.size}" stroke-linecap="round"`;
      return `<path d="${outline(shape)}" fill="${fill}" ${line} stroke-linejoin="round"/>`;
    }
    case "text":
      return lines(shape.text.split("\n"), {
        fontSize: shape.fontSize,
        x: shape.box.x,
        top: shape.box.y,
        color: theme.ink[shape.color],
        anchor: "start",
      });
    case "note":
      return note(shape, kit);
    case "image":
      return image(shape, kit);
    default:
      return shape satisfies never;
  }
}

function note({ box, color, text }: ShapeOf<"note">, { theme, measure }: SvgKit): string {
  const set = setNote(text, box, measure);
  const paper = `<rect ${attributes(box)} rx="6" fill="${theme.note[color]}"/>`;
  const top = box.y + (box.h - set.lines.length * set.fontSize * LINE_HEIGHT) / 2;
  const { fontSize } = set;
  return paper + lines(set.lines, { fontSize, x: box.x + box.w / 2, top, color: theme.noteText, anchor: "middle" });
}

function image({ box, image: name }: ShapeOf<"image">, { theme, bytesOf }: SvgKit): string {
  const bytes = bytesOf(name);
  const header = bytes === null ? null : readHeader(bytes);
  if (bytes === null || header === null) return `<rect ${attributes(upright(box))} fill="${theme.placeholder}"/>`;
  const data = `data:${header.type};base64,${toBase64(bytes)}`;
  return `<image ${attributes(upright(box))} preserveAspectRatio="none" href="${data}"/>`;
}

interface SetLines {
  readonly fontSize: number;
  readonly x: number;
  readonly top: number;
  readonly color: string;
  readonly anchor: "start" | "middle";
}

function lines(all: readonly string[], { fontSize, x, top, color, anchor }: SetLines): string {
  const spans = all.map((line, index) => {
    const y = top + (index + 0.5) * fontSize * LINE_HEIGHT;
    return `<tspan x="${short(x)}" y="${short(y)}" dominant-baseline="central">${escaped(line)}</tspan>`;
  });
  const text = `font-size="${short(fontSize)}" fill="${color}" text-anchor="${anchor}" xml:space="preserve"`;
  return `<text ${text}>${spans.join("")}</text>`;
}

function attributes({ x, y, w, h }: Box): string {
  return `x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}"`;
}

/** Control characters, which no XML may hold, are left out. */
function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is left out
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}
