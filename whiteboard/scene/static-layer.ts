import { type Box, grown, overlap } from "../model/box.ts";
import type { Shape } from "../model/shape.ts";
import { type Camera, type Size, snapped } from "./camera.ts";
import { boundsOf } from "./figure.ts";
import { type PaintKit, paintShape } from "./paint.ts";

/** A rectangle of device pixels. */
type Area = Box;

/** Above so many places, one around all of them is repainted. */
const AREAS = 6;

/**
 * The shapes that nobody moves right now, on a canvas of their own. What was painted stays: a change repaints the
 * rectangles that it touches, a shift of the view copies the picture and paints what came into view.
 */
export class StaticLayer {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #camera: Camera = { x: 0, y: 0, zoom: 1 };
  #pixelRatio = 1;
  #areas: Area[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
  }

  /** The camera as it is painted, on whole device pixels. */
  get camera(): Camera {
    return this.#camera;
  }

  get isStale(): boolean {
    return this.#areas.length > 0;
  }

  resize({ width, height }: Size, pixelRatio: number): void {
    this.#pixelRatio = pixelRatio;
    this.#canvas.width = Math.round(width * pixelRatio);
    this.#canvas.height = Math.round(height * pixelRatio);
    this.damageAll();
  }

  look(camera: Camera): void {
    const next = snapped(camera, this.#pixelRatio);
    const { x, y, zoom } = this.#camera;
    this.#camera = next;
    if (next.zoom !== zoom) {
      this.damageAll();
      return;
    }
    const scale = zoom * this.#pixelRatio;
    const [dx, dy] = [Math.round((x - next.x) * scale), Math.round((y - next.y) * scale)];
    if (dx !== 0 || dy !== 0) this.#shift(dx, dy);
  }

  /** @param box in world units */
  damage(box: Box): void {
    const { x, y, zoom } = this.#camera;
    const scale = zoom * this.#pixelRatio;
    this.#addArea({ x: (box.x - x) * scale, y: (box.y - y) * scale, w: box.w * scale, h: box.h * scale });
  }

  damageAll(): void {
    this.#areas = [{ x: 0, y: 0, w: this.#canvas.width, h: this.#canvas.height }];
  }

  /** @param shapes from the lowest to the highest, without those that another layer shows */
  paint(shapes: Iterable<Shape>, kit: PaintKit): void {
    const areas = this.#areas.splice(0);
    if (areas.length === 0) return;
    const context = this.#context;
    const scale = this.#camera.zoom * this.#pixelRatio;
    const places = areas.map((area) => ({
      x: this.#camera.x + area.x / scale,
      y: this.#camera.y + area.y / scale,
      w: area.w / scale,
      h: area.h / scale,
    }));
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    for (const { x, y, w, h } of areas) {
      context.clearRect(x, y, w, h);
      context.rect(x, y, w, h);
    }
    context.clip();
    context.setTransform(scale, 0, 0, scale, -this.#camera.x * scale, -this.#camera.y * scale);
    for (const shape of shapes) {
      const bounds = boundsOf(shape);
      if (places.some((place) => overlap(place, bounds))) paintShape(context, shape, kit);
    }
    context.restore();
  }

  #shift(dx: number, dy: number): void {
    const { width, height } = this.#canvas;
    if (Math.abs(dx) >= width || Math.abs(dy) >= height) {
      this.damageAll();
      return;
    }
    const context = this.#context;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "copy";
    context.drawImage(this.#canvas, dx, dy);
    context.restore();
    this.#areas = this.#areas.map((area) => ({ ...area, x: area.x + dx, y: area.y + dy }));
    if (dx !== 0) this.#addArea({ x: dx > 0 ? 0 : width + dx, y: 0, w: Math.abs(dx), h: height });
    if (dy !== 0) this.#addArea({ x: 0, y: dy > 0 ? 0 : height + dy, w: width, h: Math.abs(dy) });
  }

  /** On whole pixels, with one around for what is smoothed. */
  #addArea(area: Area): void {
    const around = grown(area, 1);
    const left = Math.max(0, Math.floor(around.x));
    const top = Math.max(0, Math.floor(around.y));
    const right = Math.min(this.#canvas.width, Math.ceil(around.x + around.w));
    const bottom = Math.min(this.#canvas.height, Math.ceil(around.y + around.h));
    if (left >= right || top >= bottom) return;
    this.#areas.push({ x: left, y: top, w: right - left, h: bottom - top });
    if (this.#areas.length <= AREAS) return;
    const edges = this.#areas;
    const x = Math.min(...edges.map((each) => each.x));
    const y = Math.min(...edges.map((each) => each.y));
    const w = Math.max(...edges.map((each) => each.x + each.w)) - x;
    const h = Math.max(...edges.map((each) => each.y + each.h)) - y;
    this.#areas = [{ x, y, w, h }];
  }
}

export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser has no 2D canvas");
  return context;
}
