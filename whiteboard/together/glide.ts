import type { Box, Point } from "../model/box.ts";

/** How long a cursor takes for two thirds of its way: a little more than the time between two samples. */
const TIME_CONSTANT_MS = 45;

/** Nearer than this is there. */
const ARRIVED = 0.1;

/** A point that follows samples, some milliseconds later. It is in the same place at any frame rate. */
export function glide(from: Point, to: Point, milliseconds: number): Point {
  const part = 1 - Math.exp(-milliseconds / TIME_CONSTANT_MS);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  return Math.hypot(dx, dy) < ARRIVED ? to : { x: from.x + dx * part, y: from.y + dy * part };
}

/** The same for what is in view; slower, since everything moves. */
export function glideBox(from: Box, to: Box, milliseconds: number): Box {
  const part = 1 - Math.exp(-milliseconds / (TIME_CONSTANT_MS * 2));
  const between = (one: number, other: number) =>
    Math.abs(other - one) < ARRIVED ? other : one + (other - one) * part;
  return { x: between(from.x, to.x), y: between(from.y, to.y), w: between(from.w, to.w), h: between(from.h, to.h) };
}
