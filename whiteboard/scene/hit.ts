/** Hit tests: the shapes under a point, or within a box. */
import { type Box, contains, grown, overlap, type Point, upright } from "../model/box.ts";
import { unpackInk } from "../model/ink.ts";
import type { Shape, ShapeOf } from "../model/shape.ts";
import { boundsOf, inkFigure, inkScale } from "./figure.ts";

/** @param reach how far beside a line still counts, in world units. @returns the topmost shape */
export function shapeAt(shapes: readonly Shape[], point: Point, reach: number): Shape | undefined {
  return shapes.findLast((shape) => contains(grown(boundsOf(shape), reach), point) && isHit(shape, point, reach));
}

/** @returns the names of shapes of which a part is within */
export function shapesWithin(shapes: readonly Shape[], box: Box): string[] {
  const within = upright(box);
  return shapes.filter((shape) => touches(shape, within)).map(({ id }) => id);
}

function isHit(shape: Shape, point: Point, reach: number): boolean {
  switch (shape.kind) {
    case "text":
    case "note":
    case "image":
      return contains(grown(upright(shape.box), reach), point);
    case "rectangle":
      return isAtEdge(shape, point, reach, insideBox);
    case "ellipse":
      return isAtEdge(shape, point, reach, insideEllipse);
    case "line":
    case "arrow":
    case "stroke": {
      const near = shape.size / 2 + reach;
      return segmentsOf(shape).some(([from, to]) => distance(point, from, to) <= near);
    }
    default:
      return shape satisfies never;
  }
}

function touches(shape: Shape, box: Box): boolean {
  if (!overlap(upright(shape.box), box)) return false;
  if (shape.kind !== "stroke" && shape.kind !== "line" && shape.kind !== "arrow") return true;
  return segmentsOf(shape).some(([from, to]) => crosses(box, from, to));
}

/** Inside what is filled, or at the edge of what is not. */
function isAtEdge(
  { box, size, fill }: ShapeOf<"rectangle" | "ellipse">,
  point: Point,
  reach: number,
  inside: (box: Box, point: Point) => boolean,
): boolean {
  const near = size / 2 + reach;
  if (!inside(grown(box, near), point)) return false;
  const inner = grown(box, -near);
  return fill || inner.w <= 0 || inner.h <= 0 || !inside(inner, point);
}

function insideBox(box: Box, point: Point): boolean {
  return contains(box, point);
}

function insideEllipse({ x, y, w, h }: Box, point: Point): boolean {
  return ((point.x - x - w / 2) / (w / 2)) ** 2 + ((point.y - y - h / 2) / (h / 2)) ** 2 <= 1;
}

type Segment = readonly [from: Point, to: Point];

function segmentsOf(shape: ShapeOf<"stroke" | "line" | "arrow">): readonly Segment[] {
  const { box } = shape;
  if (shape.kind !== "stroke") {
    return [
      [
        { x: box.x, y: box.y },
        { x: box.x + box.w, y: box.y + box.h },
      ],
    ];
  }
  const { sx, sy } = inkScale(inkFigure(shape).box, box);
  const points = unpackInk(shape.points).map(({ x, y }) => ({ x: box.x + x * sx, y: box.y + y * sy }));
  return points.map((point, index) => [points[index - 1] ?? point, point] as const);
}

function distance(point: Point, from: Point, to: Point): number {
  const [w, h] = [to.x - from.x, to.y - from.y];
  const length = w * w + h * h;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((point.x - from.x) * w + (point.y - from.y) * h) / length));
  return Math.hypot(point.x - from.x - along * w, point.y - from.y - along * h);
}

/** Clips a segment to a box, after Liang and Barsky. */
function crosses(box: Box, from: Point, to: Point): boolean {
  let [start, end] = [0, 1];
  const sides = [
    [from.x - to.x, from.x - box.x],
    [to.x - from.x, box.x + box.w - from.x],
    [from.y - to.y, from.y - box.y],
    [to.y - from.y, box.y + box.h - from.y],
  ] as const;
  for (const [step, room] of sides) {
    if (step === 0 && room < 0) return false;
    if (step < 0) start = Math.max(start, room / step);
    if (step > 0) end = Math.min(end, room / step);
  }
  return start <= end;
}
