import { centreOf, type Point, shiftBy, unionOf, upright } from "../model/box.ts";
import { shapesFromText } from "../model/clipboard.ts";
import { addShapes, type NewShape, transformShapes } from "../model/commands.ts";
import { storeImage } from "../model/images.ts";
import { TEXT_CHARACTERS } from "../model/limits.ts";
import { type Measure, textSize } from "../scene/text.ts";
import type { Outcome } from "../tools/gesture.ts";
import { placeBy } from "../tools/tools.ts";
import type { Edits } from "./edits.ts";
import type { ImportedImage } from "./image-import.ts";
import type { Selection } from "./selection.ts";
import type { EditorStore } from "./state.ts";
import type { Viewport } from "./viewport.ts";
import type { Writing } from "./writing.ts";

/** World units on the longer side of an image that is put down. */
const SHOWN_SIDE = 480;
const PASTED_FONT_SIZE = 24;
const TOO_LARGE = "That image is too large for a board, even scaled down.";

interface DrawingOptions {
  readonly store: EditorStore;
  readonly edits: Edits;
  readonly viewport: Viewport;
  readonly selection: Selection;
  readonly writing: Writing;
  readonly measure: Measure;
}

/** New shapes: those that the tools make, and those that come from elsewhere. */
export class Drawing {
  readonly #store: EditorStore;
  readonly #edits: Edits;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #writing: Writing;
  readonly #measure: Measure;

  constructor({ store, edits, viewport, selection, writing, measure }: DrawingOptions) {
    this.#store = store;
    this.#edits = edits;
    this.#viewport = viewport;
    this.#selection = selection;
    this.#writing = writing;
    this.#measure = measure;
  }

  /** Puts down a shape of the tool at hand, in the middle of the view: the keyboard's way to draw. */
  place(): void {
    const { tool, style } = this.#store.value;
    this.carryOut(placeBy(tool, this.#viewport.middle, style));
  }

  /** Does on the board what a tool's gesture came to. */
  carryOut(outcome: Outcome): void {
    switch (outcome.type) {
      case "nothing":
        return;
      case "select":
        this.#selection.select(outcome.ids);
        return;
      case "transform":
        this.#edits.step((board) => transformShapes(board, outcome.ids, outcome.transform));
        return;
      case "write":
        this.#writing.begin(outcome.id);
        return;
      case "add":
        this.#addDrawn(outcome.shape, outcome.next);
        return;
      default:
        outcome satisfies never;
    }
  }

  /** Adds the shapes that the text was copied from, or else the text itself. @param at where their middle comes to be */
  paste(text: string, at: Point): void {
    this.#edits.amend((board) => {
      const shapes = shapesFromText(text, board);
      if (shapes !== null) this.#add(shapes, at);
      else if (text.trim() !== "") this.#add([this.#textOf(text.slice(0, TEXT_CHARACTERS))], at);
    });
  }

  /** Adds an image, or tells why it can't be. @param at where its middle comes to be */
  addImage(imported: ImportedImage, at: Point): void {
    this.#edits.amend((board) => {
      switch (imported.type) {
        case "no-image":
          this.#notify("That file is not an image this browser can read.");
          return;
        case "too-large":
          this.#notify(TOO_LARGE);
          return;
        case "image": {
          const stored = storeImage(board, imported.bytes);
          if (stored.type === "full") {
            this.#notify("This board holds as many images as it can. Delete one to make room.");
            return;
          }
          if (stored.type === "too-large") {
            this.#notify(TOO_LARGE);
            return;
          }
          const { width, height } = imported;
          const scale = Math.min(1, SHOWN_SIDE / Math.max(width, height));
          const box = { x: 0, y: 0, w: width * scale, h: height * scale };
          this.#add([{ kind: "image", color: "ink", box, image: stored.image }], at);
          return;
        }
        default:
          imported satisfies never;
      }
    });
  }

  #addDrawn(shape: NewShape, next: "draw-on" | "select" | "write"): void {
    this.#edits.step((board) => {
      const ids = addShapes(board, [shape]);
      const [id] = ids;
      if (next === "draw-on") return;
      if (next === "write" && id !== undefined) this.#writing.begin(id);
      else {
        this.#store.set({ tool: "select" });
        this.#selection.select(ids);
      }
    });
  }

  /** Adds shapes as one undo step, and selects them. */
  #add(shapes: readonly NewShape[], at: Point): void {
    const box = unionOf(shapes.map((shape) => upright(shape.box)));
    if (box === null) return;
    const centre = centreOf(box);
    const by = shiftBy(at.x - centre.x, at.y - centre.y);
    const placed = shapes.map((shape) => ({
      ...shape,
      box: { ...shape.box, x: shape.box.x + by.dx, y: shape.box.y + by.dy },
    }));
    this.#edits.step((board) => {
      this.#store.set({ tool: "select" });
      this.#selection.select(addShapes(board, placed));
    });
  }

  #textOf(text: string): NewShape {
    const { color } = this.#store.value.style;
    const size = textSize(text, PASTED_FONT_SIZE, this.#measure);
    return { kind: "text", color, box: { x: 0, y: 0, ...size }, fontSize: PASTED_FONT_SIZE, text };
  }

  #notify(notice: string): void {
    this.#store.set({ notice, announcement: notice });
  }
}
