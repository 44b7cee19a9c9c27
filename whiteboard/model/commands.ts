/** Commands, which change a board. Each is one transaction. */

import { generateNKeysBetween } from "fractional-indexing";
import { simpleDiffString } from "lib0/diff";
import { nanoid } from "nanoid";
import * as Y from "yjs";
import { type Board, type Override, type ShapeMap, VERSION } from "./board.ts";
import { applyToBox, type Box, type Transform, upright } from "./box.ts";
import { EXTENT, TEXT_CHARACTERS } from "./limits.ts";
import { type Color, type Content, isLine, type Shape } from "./shape.ts";

/** A shape to be: its place in the stacking order is at the top. */
export type NewShape = Content extends infer Each ? (Each extends Content ? Omit<Each, "order"> : never) : never;

/** @returns the names of the new shapes */
export function addShapes(board: Board, shapes: readonly NewShape[]): string[] {
  const orders = generateNKeysBetween(topOf(board), null, shapes.length);
  const ids = shapes.map(() => nanoid(10));
  edit(board, () => {
    if (board.meta.get("version") === undefined) board.meta.set("version", VERSION);
    for (const [index, shape] of shapes.entries()) {
      const { box, ...rest } = shape;
      const born: Record<string, unknown> = { ...rest, box: stored(box), order: orders[index] };
      const map = new Y.Map<unknown>();
      if ("text" in shape) {
        delete born.text;
        map.set("text", new Y.Text(shape.text.slice(0, TEXT_CHARACTERS)));
      }
      map.set("shape", born);
      board.maps.set(ids[index] ?? nanoid(10), map);
    }
  });
  return ids;
}

export function transformShapes(board: Board, ids: Iterable<string>, transform: Transform): void {
  edit(board, () => {
    for (const [shape, map] of existing(board, ids)) {
      const moved = transformed(shape, transform);
      set(map, "box", stored(moved.box));
      if (moved.kind === "text" && shape.kind === "text" && moved.fontSize !== shape.fontSize) {
        set(map, "fontSize", moved.fontSize);
      }
    }
  });
}

/** The shape as it will be, which is what is shown while somebody moves it. */
export function transformed(shape: Shape, transform: Transform): Shape {
  const box = applyToBox(transform, shape.box);
  const within = clampBox(isLine(shape) ? box : upright(box));
  if (shape.kind !== "text") return { ...shape, box: within };
  return { ...shape, box: within, fontSize: Math.min(400, Math.max(4, shape.fontSize * Math.abs(transform.sy))) };
}

export function recolor(board: Board, ids: Iterable<string>, color: Color): void {
  setAll(board, ids, "color", color, () => true);
}

export function resizeStroke(board: Board, ids: Iterable<string>, size: number): void {
  setAll(board, ids, "size", size, (shape) => "size" in shape);
}

export function setFill(board: Board, ids: Iterable<string>, fill: boolean): void {
  setAll(board, ids, "fill", fill, (shape) => "fill" in shape);
}

export function removeShapes(board: Board, ids: Iterable<string>): void {
  edit(board, () => {
    for (const id of ids) board.maps.delete(id);
  });
}

/** Puts shapes above or below all others, in the order that they have among each other. */
export function restack(board: Board, ids: ReadonlySet<string>, where: "front" | "back"): void {
  const moving = board.shapes.filter(({ id }) => ids.has(id));
  const others = board.shapes.filter(({ id }) => !ids.has(id));
  const edge = where === "front" ? others.at(-1) : others[0];
  if (edge === undefined) return;
  const orders =
    where === "front"
      ? generateNKeysBetween(edge.order, null, moving.length)
      : generateNKeysBetween(null, edge.order, moving.length);
  edit(board, () => {
    for (const [index, { id }] of moving.entries()) {
      const map = board.maps.get(id);
      if (map !== undefined) set(map, "order", orders[index]);
    }
  });
}

/** Writes the difference, so that two people can write in one note. Not a step of its own: see `History.step`. */
export function writeText(board: Board, id: string, text: string, box?: Box): void {
  const shared = board.textOf(id);
  const map = board.maps.get(id);
  if (shared === undefined || map === undefined) return;
  const { index, remove, insert } = simpleDiffString(shared.toString(), text.slice(0, TEXT_CHARACTERS));
  edit(board, () => {
    if (remove > 0) shared.delete(index, remove);
    if (insert !== "") shared.insert(index, insert);
    const shape = board.shape(id);
    const isOther = shape !== undefined && box !== undefined && (shape.box.w !== box.w || shape.box.h !== box.h);
    if (isOther) set(map, "box", stored(clampBox(box)));
  });
}

/** Copies beside the originals. @returns the names of the copies */
export function duplicateShapes(board: Board, ids: ReadonlySet<string>, by: Transform): string[] {
  const copies = board.shapes.filter(({ id }) => ids.has(id)).map((shape) => withoutPlace(transformed(shape, by)));
  return copies.length === 0 ? [] : addShapes(board, copies);
}

/** A shape as something to add once more. */
export function withoutPlace({ id: _id, order: _order, ...rest }: Shape): NewShape {
  return rest as NewShape;
}

function edit(board: Board, change: () => void): void {
  if (!board.isNewer) board.doc.transact(change, board.origin);
}

function set(map: ShapeMap, key: Override, value: unknown): void {
  map.set(key, value);
}

function setAll(
  board: Board,
  ids: Iterable<string>,
  key: Override,
  value: unknown,
  isFor: (shape: Shape) => boolean,
): void {
  edit(board, () => {
    for (const [shape, map] of existing(board, ids)) if (isFor(shape)) set(map, key, value);
  });
}

function* existing(board: Board, ids: Iterable<string>): Iterable<readonly [Shape, ShapeMap]> {
  for (const id of ids) {
    const shape = board.shape(id);
    const map = board.maps.get(id);
    if (shape !== undefined && map !== undefined) yield [shape, map];
  }
}

function topOf(board: Board): string | null {
  return board.shapes.at(-1)?.order ?? null;
}

/** A hundredth of a unit is finer than a screen shows. */
function stored({ x, y, w, h }: Box): [number, number, number, number] {
  const round = (value: number) => Math.round(value * 100) / 100;
  return [round(x), round(y), round(w), round(h)];
}

function clampBox({ x, y, w, h }: Box): Box {
  const clamp = (value: number) => Math.min(EXTENT, Math.max(-EXTENT, value));
  return { x: clamp(x), y: clamp(y), w: clamp(w), h: clamp(h) };
}
