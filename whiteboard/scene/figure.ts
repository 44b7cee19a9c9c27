/** The figure of each kind of shape, as SVG path data: what is painted, exported and hit is the same. */
import { type Box, grown, type Point, upright } from "../model/box.ts";
import { unpackInk } from "../model/ink.ts";
import type { Shape, ShapeOf } from "../model/shape.ts";
import { inkPath, short } from "./ink-path.ts";

/** Relative to the shape's box, and to be scaled with it; a stroke's is computed once, however often it moves. */
export type Figure =
  | { readonly type: "filled"; readonly path: string; readonly box: Box }
  | { readonly type: "outlined"; readonly path: string };

type Drawn = ShapeOf<"stroke" | "rectangle" | "ellipse" | "line" | "arrow">;

const inkFigures = new WeakMap<Uint8Array, Map<number, Extract<Figure, { type: "filled" }>>>();

export function isDrawn(shape: Shape): shape is Drawn {
  return shape.kind !== "text" && shape.kind !== "note" && shape.kind !== "image";
}

export function inkFigure({ points, size }: ShapeOf<"stroke">): Extract<Figure, { type: "filled" }> {
  const bySize = inkFigures.get(points) ?? new Map<number, Extract<Figure, { type: "filled" }>>();
  inkFigures.set(points, bySize);
  const known = bySize.get(size);
  if (known !== undefined) return known;
  const samples = unpackInk(points);
  const w = Math.max(0, ...samples.map(({ x }) => x));
  const h = Math.max(0, ...samples.map(({ y }) => y));
  const figure = { type: "filled", path: inkPath(samples, { size, isDone: true }), box: { x: 0, y: 0, w, h } } as const;
  bySize.set(size, figure);
  return figure;
}

/** In world units. */
export function outline(shape: Exclude<Drawn, ShapeOf<"stroke">>): string {
  const { box } = shape;
  switch (shape.kind) {
    case "rectangle":
      return rectanglePath(box);
    case "ellipse":
      return ellipsePath(box);
    case "line":
      return `M${at(box.x, box.y)}L${at(box.x + box.w, box.y + box.h)}`;
    case "arrow":
      return arrowPath(box, shape.size);
    default:
      return shape satisfies never;
  }
}

/** How a stroke's own figure comes into its box. */
export function inkScale(figure: Box, box: Box): { readonly sx: number; readonly sy: number } {
  return { sx: figure.w === 0 ? 1 : box.w / figure.w, sy: figure.h === 0 ? 1 : box.h / figure.h };
}

/** All that a shape paints is within, its width and shadow included. */
export function boundsOf(shape: Shape): Box {
  const known = bounds.get(shape);
  if (known !== undefined) return known;
  const box = grown(upright(shape.box), reach(shape));
  bounds.set(shape, box);
  return box;
}

const bounds = new WeakMap<Shape, Box>();

function reach(shape: Shape): number {
  switch (shape.kind) {
    case "stroke": {
      const { sx, sy } = inkScale(inkFigure(shape).box, shape.box);
      return shape.size * 2 * Math.max(1, sx, sy);
    }
    case "arrow":
      return headLength(shape.box, shape.size) + shape.size;
    case "note":
      return 14;
    case "rectangle":
    case "ellipse":
    case "line":
      return shape.size;
    case "text":
    case "image":
      return 2;
    default:
      return shape satisfies never;
  }
}

function rectanglePath({ x, y, w, h }: Box): string {
  const r = Math.min(8, w / 4, h / 4);
  const corner = (toX: number, toY: number) => `A${short(r)} ${short(r)} 0 0 1 ${at(toX, toY)}`;
  return (
    `M${at(x + r, y)}L${at(x + w - r, y)}${corner(x + w, y + r)}L${at(x + w, y + h - r)}${corner(x + w - r, y + h)}` +
    `L${at(x + r, y + h)}${corner(x, y + h - r)}L${at(x, y + r)}${corner(x + r, y)}Z`
  );
}

function ellipsePath({ x, y, w, h }: Box): string {
  const arc = `A${short(w / 2)} ${short(h / 2)} 0 0 1 `;
  return `M${at(x, y + h / 2)}${arc}${at(x + w, y + h / 2)}${arc}${at(x, y + h / 2)}Z`;
}

function arrowPath(box: Box, size: number): string {
  const end: Point = { x: box.x + box.w, y: box.y + box.h };
  const angle = Math.atan2(box.h, box.w);
  const side = (turn: number) => {
    const length = headLength(box, size);
    return at(end.x - length * Math.cos(angle + turn), end.y - length * Math.sin(angle + turn));
  };
  return `M${at(box.x, box.y)}L${at(end.x, end.y)}M${side(0.5)}L${at(end.x, end.y)}L${side(-0.5)}`;
}

function headLength({ w, h }: Box, size: number): number {
  return Math.min(10 + size * 3, Math.hypot(w, h) / 2);
}

function at(x: number, y: number): string {
  return `${short(x)} ${short(y)}`;
}
