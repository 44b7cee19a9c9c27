import type { BoardReader } from "../model/board.ts";
import { shiftBy } from "../model/box.ts";
import {
  duplicateShapes,
  recolor,
  removeShapes,
  resizeStroke,
  restack,
  setFill,
  transformShapes,
} from "../model/commands.ts";
import type { Shape } from "../model/shape.ts";
import type { Teller } from "../together/teller.ts";
import type { Style } from "../tools/gesture.ts";
import type { Edits } from "./edits.ts";
import type { EditorStore } from "./state.ts";
import type { Viewport } from "./viewport.ts";
import { countOf, describeShape } from "./words.ts";

interface SelectionOptions {
  readonly store: EditorStore;
  readonly board: BoardReader;
  readonly edits: Edits;
  readonly viewport: Viewport;
  readonly teller: Teller;
}

/** World units that a copy lies right of its original and below it. */
const COPY_OFFSET = 24;

/** The shapes that are selected, and the edits that change them together. */
export class Selection {
  readonly #store: EditorStore;
  readonly #board: BoardReader;
  readonly #edits: Edits;
  readonly #viewport: Viewport;
  readonly #teller: Teller;

  constructor({ store, board, edits, viewport, teller }: SelectionOptions) {
    this.#store = store;
    this.#board = board;
    this.#edits = edits;
    this.#viewport = viewport;
    this.#teller = teller;
  }

  get ids(): ReadonlySet<string> {
    return this.#store.value.selection;
  }

  /** From the lowest to the highest. */
  get shapes(): readonly Shape[] {
    const { ids } = this;
    return this.#board.shapes.filter(({ id }) => ids.has(id));
  }

  /** Selects these and no others. Ids of shapes that do not exist are left out. */
  select(ids: Iterable<string>): void {
    const selection = new Set([...ids].filter((id) => this.#board.shape(id) !== undefined));
    const before = this.ids;
    if (selection.size === before.size && [...selection].every((id) => before.has(id))) return;
    this.#store.set({ selection });
    this.#teller.tell({ selection: [...selection] });
  }

  selectAll(): void {
    this.#store.set({ tool: "select" });
    this.select(this.#board.shapes.map(({ id }) => id));
    this.#store.set({ announcement: `${countOf(this.ids.size)} selected` });
  }

  /** @returns false behind the last shape, so that the focus can go on */
  selectNext(step: 1 | -1): boolean {
    const { shapes } = this.#board;
    const place = shapes.findIndex(({ id }) => this.ids.has(id));
    const next = place === -1 ? (step === 1 ? 0 : shapes.length - 1) : place + step;
    const shape = shapes[next];
    this.#store.set({ tool: "select" });
    this.select(shape === undefined ? [] : [shape.id]);
    if (shape === undefined) return false;
    this.#store.set({ announcement: `${describeShape(shape)}, ${next + 1} of ${shapes.length}` });
    this.#viewport.reveal(shape);
    return true;
  }

  /** Deselects shapes that were removed from the board. */
  dropRemoved(): void {
    this.select(this.ids);
  }

  /** @param dx in world units, as `dy` */
  nudge(dx: number, dy: number): void {
    const { ids } = this;
    if (ids.size > 0) this.#edits.step((board) => transformShapes(board, ids, shiftBy(dx, dy)));
  }

  remove(): void {
    const { ids } = this;
    if (ids.size === 0) return;
    this.#edits.step((board) => {
      removeShapes(board, ids);
      this.#store.set({ announcement: `${countOf(ids.size)} deleted` });
    });
  }

  /** Selects the copies. */
  duplicate(): void {
    const { ids } = this;
    if (ids.size === 0) return;
    this.#edits.step((board) => this.select(duplicateShapes(board, ids, shiftBy(COPY_OFFSET, COPY_OFFSET))));
  }

  restack(where: "front" | "back"): void {
    this.#edits.step((board) => restack(board, this.ids, where));
  }

  /** Changes what is given of the shapes' look. */
  restyle({ color, size, fill }: Partial<Style>): void {
    const { ids } = this;
    if (ids.size === 0) return;
    this.#edits.step((board) => {
      if (color !== undefined) recolor(board, ids, color);
      if (size !== undefined) resizeStroke(board, ids, size);
      if (fill !== undefined) setFill(board, ids, fill);
    });
  }
}
