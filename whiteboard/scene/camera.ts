import type { Box, Point } from "../model/box.ts";
import { EXTENT } from "../model/limits.ts";

/** The view of the board: the world point at the upper left corner, and screen pixels per world unit. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** In CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export const ZOOM_RANGE = { min: 0.05, max: 16 } as const;

export function toWorld({ x, y, zoom }: Camera, point: Point): Point {
  return { x: x + point.x / zoom, y: y + point.y / zoom };
}

export function toScreen({ x, y, zoom }: Camera, point: Point): Point {
  return { x: (point.x - x) * zoom, y: (point.y - y) * zoom };
}

/** The part of the world that is in view. */
export function viewOf({ x, y, zoom }: Camera, { width, height }: Size): Box {
  return { x, y, w: width / zoom, h: height / zoom };
}

/** @param by in screen pixels; what is under a finger stays under it */
export function panned(camera: Camera, by: Point): Camera {
  return bounded({ ...camera, x: camera.x - by.x / camera.zoom, y: camera.y - by.y / camera.zoom });
}

/** @param at the screen point that stays where it is */
export function zoomed(camera: Camera, factor: number, at: Point): Camera {
  const zoom = Math.min(ZOOM_RANGE.max, Math.max(ZOOM_RANGE.min, camera.zoom * factor));
  const fixed = toWorld(camera, at);
  return bounded({ x: fixed.x - at.x / zoom, y: fixed.y - at.y / zoom, zoom });
}

/** Shows all of a box, with a margin around it, and not larger than it is. */
export function fitted(box: Box, size: Size, margin = usualMargin(size), largest = 1): Camera {
  const room = { width: Math.max(50, size.width - 2 * margin), height: Math.max(50, size.height - 2 * margin) };
  const wanted = Math.min(largest, room.width / Math.max(1, box.w), room.height / Math.max(1, box.h));
  const zoom = Math.min(ZOOM_RANGE.max, Math.max(ZOOM_RANGE.min, wanted));
  return bounded({
    x: box.x + box.w / 2 - size.width / zoom / 2,
    y: box.y + box.h / 2 - size.height / zoom / 2,
    zoom,
  });
}

function usualMargin({ width, height }: Size): number {
  return Math.min(80, width / 12, height / 8);
}

/** On whole device pixels, so that a shift of the picture is a copy of it. */
export function snapped(camera: Camera, pixelRatio: number): Camera {
  const scale = camera.zoom * pixelRatio;
  return { ...camera, x: Math.round(camera.x * scale) / scale, y: Math.round(camera.y * scale) / scale };
}

function bounded({ x, y, zoom }: Camera): Camera {
  const bound = (value: number) => Math.min(EXTENT, Math.max(-EXTENT, value));
  return { x: bound(x), y: bound(y), zoom };
}
