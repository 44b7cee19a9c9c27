import type { BoardReader } from "../model/board.ts";
import type { Point } from "../model/box.ts";
import { type Camera, type Size, toScreen } from "../scene/camera.ts";
import { boundsOf } from "../scene/figure.ts";
import type { PaintKit } from "../scene/paint.ts";
import { contextOf, StaticLayer } from "../scene/static-layer.ts";
import { glide } from "../together/glide.ts";
import type { People } from "../together/people.ts";
import type { Preview } from "../tools/gesture.ts";
import { lifted, paintLive, type ShownPerson } from "./live-layer.ts";

/** The elements that a board is drawn on, one above the other. */
export interface Surfaces {
  /** Holds the others, takes the pointer, and shows the grid as its background. */
  readonly area: HTMLElement;
  readonly still: HTMLCanvasElement;
  readonly live: HTMLCanvasElement;
}

/** The content of one frame. */
export interface Shown {
  readonly camera: Camera;
  readonly kit: PaintKit;
  readonly preview: Preview;
  readonly selection: ReadonlySet<string>;
  readonly hasHandles: boolean;
}

interface RendererOptions {
  readonly surfaces: Surfaces;
  readonly board: BoardReader;
  readonly people: People;
  /** Called at the start of a frame. @param milliseconds since the last one. @returns what to show */
  readonly shown: (milliseconds: number) => Shown;
  /** Called with the canvas's size when it is measured, and whenever it changes. */
  readonly resized: (size: Size) => void;
}

/** Least distance between two dots of the grid, in screen pixels. */
const DOTS_APART = 18;
const GRID = 24;

/** Draws a frame when something changed, and only then. */
export class Renderer {
  readonly #options: RendererOptions;
  readonly #still: StaticLayer;
  readonly #live: CanvasRenderingContext2D;
  readonly #observer: ResizeObserver;
  readonly #cursors = new Map<number, Point>();
  readonly #isCalm = matchMedia("(prefers-reduced-motion: reduce)");
  readonly #stops: (() => void)[];
  #lifted: ReadonlySet<string> = new Set();
  #editing: string | null = null;
  #size: Size = { width: 0, height: 0 };
  #pixelRatio = 1;
  #frame = 0;
  #lastFrameAt = 0;

  constructor(options: RendererOptions) {
    this.#options = options;
    const { surfaces, board, people } = options;
    this.#still = new StaticLayer(surfaces.still);
    this.#live = contextOf(surfaces.live);
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(surfaces.area);
    this.#stops = [
      board.subscribe((changed) => {
        for (const [id, { before }] of changed) {
          const after = board.shape(id);
          if (before !== null) this.#still.damage(boundsOf(before));
          if (after !== undefined) this.#still.damage(boundsOf(after));
        }
        this.request();
      }),
      people.subscribe(() => this.request()),
    ];
    this.#resize();
  }

  /** Paints the live layer in the next frame. */
  request(): void {
    this.#frame ||= requestAnimationFrame(this.#paint);
  }

  /** Paints everything in the next frame, as with another theme. */
  repaint(): void {
    this.#still.damageAll();
    this.request();
  }

  repaintShape(id: string): void {
    const shape = this.#options.board.shape(id);
    if (shape !== undefined) this.#still.damage(boundsOf(shape));
    this.request();
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    for (const stop of this.#stops) stop();
  }

  #resize(): void {
    const { area, live } = this.#options.surfaces;
    const { clientWidth: width, clientHeight: height } = area;
    if (width === 0 || height === 0) return;
    this.#pixelRatio = Math.min(3, devicePixelRatio);
    this.#size = { width, height };
    this.#still.resize(this.#size, this.#pixelRatio);
    live.width = Math.round(width * this.#pixelRatio);
    live.height = Math.round(height * this.#pixelRatio);
    this.#options.resized(this.#size);
    // Paint at once: a resize empties a canvas.
    cancelAnimationFrame(this.#frame);
    this.#paint(performance.now());
  }

  readonly #paint = (now: number): void => {
    this.#frame = 0;
    // A pause counts as one frame, so that nothing jumps after it.
    const milliseconds = Math.min(50, Math.max(0, now - this.#lastFrameAt));
    this.#lastFrameAt = now;
    const { board, surfaces } = this.#options;
    const { camera, kit, preview, selection, hasHandles } = this.#options.shown(milliseconds);
    const people = this.#movePeople(milliseconds);
    this.#still.look(camera);
    this.#liftAnew(new Set(lifted({ preview, people }).keys()), kit.editing);
    const isHidden = this.#lifted;
    if (this.#still.isStale) {
      const shapes = isHidden.size === 0 ? board.shapes : board.shapes.filter(({ id }) => !isHidden.has(id));
      this.#still.paint(shapes, kit);
    }
    paintLive(this.#live, {
      board,
      camera: this.#still.camera,
      pixelRatio: this.#pixelRatio,
      kit,
      preview,
      selection,
      hasHandles,
      people,
    });
    placeGrid(surfaces.area, this.#still.camera);
  };

  /** Shapes that move leave the static layer, and come back to it. */
  #liftAnew(ids: ReadonlySet<string>, editing: string | null): void {
    for (const id of new Set([...this.#lifted, ...ids])) {
      const shape = this.#options.board.shape(id);
      if (shape !== undefined && this.#lifted.has(id) !== ids.has(id)) this.#still.damage(boundsOf(shape));
    }
    if (editing !== this.#editing) {
      for (const id of [editing, this.#editing]) {
        const shape = id === null ? undefined : this.#options.board.shape(id);
        if (shape !== undefined) this.#still.damage(boundsOf(shape));
      }
    }
    this.#lifted = ids;
    this.#editing = editing;
  }

  /** Each cursor goes on from where it is shown to where it was last heard to be. */
  #movePeople(milliseconds: number): ShownPerson[] {
    const shown: ShownPerson[] = [];
    let isMoving = false;
    for (const person of this.#options.people.all) {
      const before = this.#cursors.get(person.clientId);
      const target = person.cursor;
      if (target === null) {
        this.#cursors.delete(person.clientId);
        shown.push({ person, cursor: null });
        continue;
      }
      const cursor = before === undefined || this.#isCalm.matches ? target : glide(before, target, milliseconds);
      if (cursor.x !== target.x || cursor.y !== target.y) isMoving = true;
      this.#cursors.set(person.clientId, cursor);
      shown.push({ person, cursor });
    }
    for (const clientId of this.#cursors.keys()) {
      if (this.#options.people.get(clientId) === undefined) this.#cursors.delete(clientId);
    }
    if (isMoving) this.request();
    return shown;
  }
}

/** Dots stand on the world's grid; when they would come too near, every second one goes. */
function placeGrid(area: HTMLElement, camera: Camera): void {
  let apart = GRID * camera.zoom;
  while (apart < DOTS_APART) apart *= 2;
  while (apart > DOTS_APART * 4) apart /= 2;
  const origin = toScreen(camera, { x: 0, y: 0 });
  const { style } = area;
  const size = `${apart}px ${apart}px`;
  const position = `${origin.x % apart}px ${origin.y % apart}px`;
  if (style.backgroundSize !== size) style.backgroundSize = size;
  if (style.backgroundPosition !== position) style.backgroundPosition = position;
}
