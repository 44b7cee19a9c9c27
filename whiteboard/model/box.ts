/** Plane geometry of the board, in world units: one is a CSS pixel at a zoom of 1. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Width and height may be negative in the box of a line, which runs from one corner to the other. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Scales, then shifts: `x * sx + dx`. */
export interface Transform {
  readonly sx: number;
  readonly sy: number;
  readonly dx: number;
  readonly dy: number;
}

export function shiftBy(dx: number, dy: number): Transform {
  return { sx: 1, sy: 1, dx, dy };
}

export function applyToPoint({ sx, sy, dx, dy }: Transform, { x, y }: Point): Point {
  return { x: x * sx + dx, y: y * sy + dy };
}

export function applyToBox(transform: Transform, box: Box): Box {
  return { ...applyToPoint(transform, box), w: box.w * transform.sx, h: box.h * transform.sy };
}

export function boxOf(one: Point, other: Point): Box {
  return { x: one.x, y: one.y, w: other.x - one.x, h: other.y - one.y };
}

/** The same box with width and height that are not negative. */
export function upright({ x, y, w, h }: Box): Box {
  return { x: Math.min(x, x + w), y: Math.min(y, y + h), w: Math.abs(w), h: Math.abs(h) };
}

/** Of upright boxes; `null` when there is none. */
export function unionOf(boxes: Iterable<Box>): Box | null {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, -Infinity, -Infinity];
  for (const { x, y, w, h } of boxes) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + w);
    bottom = Math.max(bottom, y + h);
  }
  return left > right ? null : { x: left, y: top, w: right - left, h: bottom - top };
}

/** Of upright boxes. */
export function overlap(one: Box, other: Box): boolean {
  return (
    one.x <= other.x + other.w && other.x <= one.x + one.w && one.y <= other.y + other.h && other.y <= one.y + one.h
  );
}

/** Of an upright box. */
export function grown({ x, y, w, h }: Box, by: number): Box {
  return { x: x - by, y: y - by, w: w + 2 * by, h: h + 2 * by };
}

/** Of an upright box. */
export function contains({ x, y, w, h }: Box, point: Point): boolean {
  return point.x >= x && point.x <= x + w && point.y >= y && point.y <= y + h;
}

export function centreOf({ x, y, w, h }: Box): Point {
  return { x: x + w / 2, y: y + h / 2 };
}
