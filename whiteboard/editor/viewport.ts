import type { BoardReader } from "../model/board.ts";
import { type Box, centreOf, overlap, type Point, unionOf, upright } from "../model/box.ts";
import type { Shape } from "../model/shape.ts";
import { type Camera, fitted, panned, type Size, toWorld, viewOf, zoomed } from "../scene/camera.ts";
import { boundsOf } from "../scene/figure.ts";
import { glideBox } from "../together/glide.ts";
import type { People } from "../together/people.ts";
import type { Teller } from "../together/teller.ts";
import type { EditorStore } from "./state.ts";

interface ViewportOptions {
  readonly store: EditorStore;
  readonly board: BoardReader;
  readonly people: People;
  readonly teller: Teller;
  /** The canvas's size until `resize` is called. */
  readonly size: Size;
  /** Whether the camera is where the person left it. If not, it moves once, to show the whole board. */
  readonly isPlaced: boolean;
}

/** The part of the board that is in view, and whose view it follows. */
export class Viewport {
  readonly #store: EditorStore;
  readonly #board: BoardReader;
  readonly #people: People;
  readonly #teller: Teller;
  #size: Size;
  #isPlaced: boolean;

  constructor({ store, board, people, teller, size, isPlaced }: ViewportOptions) {
    this.#store = store;
    this.#board = board;
    this.#people = people;
    this.#teller = teller;
    this.#size = size;
    this.#isPlaced = isPlaced;
  }

  /** In world units. */
  get box(): Box {
    return viewOf(this.#camera, this.#size);
  }

  /** In world units. */
  get middle(): Point {
    return centreOf(this.box);
  }

  /** @param at a point on the screen */
  toWorld(at: Point): Point {
    return toWorld(this.#camera, at);
  }

  /** Takes the canvas's new size; the camera stays. */
  resize(size: Size): void {
    this.#size = size;
    this.#tellView();
  }

  /** @param by in screen pixels */
  pan(by: Point): void {
    this.setCamera(panned(this.#camera, by));
  }

  /** @param at the screen point that stays where it is; default: the middle */
  zoom(factor: number, at: Point = { x: this.#size.width / 2, y: this.#size.height / 2 }): void {
    this.setCamera(zoomed(this.#camera, factor, at));
  }

  /** Moves the camera for good: it follows nobody any more. */
  setCamera(camera: Camera): void {
    this.#isPlaced = true;
    this.#store.set({ camera, following: null });
    this.#tellView();
  }

  /** Shows all shapes. */
  fit(): void {
    const box = unionOf(this.#board.shapes.map(boundsOf));
    if (box !== null) this.setCamera(fitted(box, this.#size));
  }

  /** Moves a shape to the middle, unless a part of it is in view. */
  reveal(shape: Shape): void {
    const view = this.box;
    if (overlap(boundsOf(shape), view)) return;
    const centre = centreOf(upright(shape.box));
    this.setCamera({ ...this.#camera, x: centre.x - view.w / 2, y: centre.y - view.h / 2 });
  }

  /** Keeps the camera where it is: shapes that arrive do not move it, and it follows nobody. */
  hold(): void {
    this.#isPlaced = true;
    this.#store.set({ following: null });
  }

  /** @param clientId `null` to follow nobody */
  follow(clientId: number | null): void {
    const person = clientId === null ? undefined : this.#people.get(clientId);
    this.#isPlaced = true;
    this.#store.set({
      following: person === undefined ? null : clientId,
      announcement: person === undefined ? "" : `Following ${person.user.name}`,
    });
  }

  /** Stops following a client that left. */
  dropLeft(): void {
    const { following } = this.#store.value;
    if (following !== null && this.#people.get(following) === undefined) this.follow(null);
  }

  /** Moves the camera one frame on towards the view of the followed client. @param milliseconds since the last frame */
  glide(milliseconds: number): void {
    const { following } = this.#store.value;
    const theirs = following === null ? null : (this.#people.get(following)?.view ?? null);
    if (theirs === null) return;
    const target = viewOf(fitted(theirs, this.#size, 0, Number.POSITIVE_INFINITY), this.#size);
    const view = glideBox(this.box, target, milliseconds);
    this.#store.set({ camera: { x: view.x, y: view.y, zoom: this.#size.width / view.w } });
    this.#tellView();
  }

  /** Shows the whole board when its first shapes arrive, unless the person has moved the camera before. */
  showArrived(): void {
    if (this.#isPlaced) return;
    const box = unionOf(this.#board.shapes.map(boundsOf));
    const view = this.box;
    if (box === null || view.w === 0) return;
    this.#isPlaced = true;
    const isWhole =
      box.x >= view.x && box.y >= view.y && box.x + box.w <= view.x + view.w && box.y + box.h <= view.y + view.h;
    if (!isWhole) this.#store.set({ camera: fitted(box, this.#size) });
    this.#tellView();
  }

  get #camera(): Camera {
    return this.#store.value.camera;
  }

  #tellView(): void {
    if (this.#size.width > 0) this.#teller.tell({ view: this.box });
  }
}
