/** The corners and sides of a selection, by which it is resized. */
import type { Box, Point, Transform } from "../model/box.ts";

/** Which edges move: -1 the left or upper one, 1 the right or lower one, 0 neither. */
export interface Handle {
  readonly x: -1 | 0 | 1;
  readonly y: -1 | 0 | 1;
}

export const CORNERS: readonly Handle[] = [
  { x: -1, y: -1 },
  { x: 1, y: -1 },
  { x: 1, y: 1 },
  { x: -1, y: 1 },
];
const SIDES: readonly Handle[] = [
  { x: 0, y: -1 },
  { x: 1, y: 0 },
  { x: 0, y: 1 },
  { x: -1, y: 0 },
];

/** Nothing becomes smaller than this part of itself in one go, nor turns over. */
const SMALLEST = 0.02;

/** Corners before sides; a side only beside the box, so that what is thin can still be moved. */
export function handleAt(box: Box, point: Point, reach: number): Handle | null {
  const corner = CORNERS.find((handle) => {
    const { x, y } = handlePoint(box, handle);
    return Math.abs(point.x - x) <= reach && Math.abs(point.y - y) <= reach;
  });
  if (corner !== undefined) return corner;
  const isBeside = (handle: Handle) => {
    const { x, y } = handlePoint(box, handle);
    const along =
      handle.x === 0 ? point.x > box.x && point.x < box.x + box.w : point.y > box.y && point.y < box.y + box.h;
    const off = handle.x === 0 ? (point.y - y) * handle.y : (point.x - x) * handle.x;
    return along && off >= -reach / 4 && off <= reach;
  };
  return SIDES.find(isBeside) ?? null;
}

export function handlePoint({ x, y, w, h }: Box, handle: Handle): Point {
  return { x: x + (w * (handle.x + 1)) / 2, y: y + (h * (handle.y + 1)) / 2 };
}

/** The cursor that says what a handle does. */
export function handleCursor({ x, y }: Handle): string {
  if (x === 0) return "ns-resize";
  if (y === 0) return "ew-resize";
  return x === y ? "nwse-resize" : "nesw-resize";
}

/** The transform of a box when a handle is moved; the opposite corner or side stays. */
export function resizeBy(box: Box, handle: Handle, by: Point, keepsRatio: boolean): Transform {
  let sx = scale(box.w, handle.x, by.x);
  let sy = scale(box.h, handle.y, by.y);
  if (keepsRatio) {
    const both = handle.x === 0 ? sy : handle.y === 0 ? sx : Math.max(sx, sy);
    sx = both;
    sy = both;
  }
  const fixed = handlePoint(box, { x: opposite(handle.x), y: opposite(handle.y) });
  return { sx, sy, dx: fixed.x - fixed.x * sx, dy: fixed.y - fixed.y * sy };
}

function scale(length: number, edge: -1 | 0 | 1, by: number): number {
  if (edge === 0 || length === 0) return 1;
  return Math.max(SMALLEST, (length + edge * by) / length);
}

function opposite(edge: -1 | 0 | 1): -1 | 0 | 1 {
  return edge === 0 ? 0 : edge === 1 ? -1 : 1;
}
