import type { BoardReader } from "../model/board.ts";
import { removeShapes, writeText } from "../model/commands.ts";
import { type Measure, textSize } from "../scene/text.ts";
import type { Edits } from "./edits.ts";
import type { Selection } from "./selection.ts";
import type { EditorStore } from "./state.ts";

interface WritingOptions {
  readonly store: EditorStore;
  readonly board: BoardReader;
  readonly edits: Edits;
  readonly selection: Selection;
  readonly measure: Measure;
}

/** Writing in a text or a note, from the opening of its field to the closing: one undo step, unless the person pauses. */
export class Writing {
  readonly #store: EditorStore;
  readonly #board: BoardReader;
  readonly #edits: Edits;
  readonly #selection: Selection;
  readonly #measure: Measure;

  constructor({ store, board, edits, selection, measure }: WritingOptions) {
    this.#store = store;
    this.#board = board;
    this.#edits = edits;
    this.#selection = selection;
    this.#measure = measure;
  }

  /** Opens the field of a shape. Without the right to edit it stays closed. */
  begin(id: string): void {
    this.#edits.step(() => {
      this.#store.set({ tool: "select" });
      this.#selection.select([id]);
      this.#store.set({ writing: id });
    });
  }

  /** Writes the difference between the shape's text and this one. */
  setText(id: string, text: string): void {
    const shape = this.#board.shape(id);
    if (shape?.kind === "note") this.#edits.amend((board) => writeText(board, id, text));
    if (shape?.kind === "text") {
      const box = { ...shape.box, ...textSize(text, shape.fontSize, this.#measure) };
      this.#edits.amend((board) => writeText(board, id, text, box));
    }
  }

  /** Closes the field. A text that is empty is removed: nobody could see or select it. */
  finish(): void {
    const { writing } = this.#store.value;
    if (writing === null) return;
    const shape = this.#board.shape(writing);
    this.#store.set({ writing: null });
    if (shape?.kind === "text" && shape.text.trim() === "")
      this.#edits.amend((board) => removeShapes(board, [writing]));
    this.#edits.endStep();
  }

  /** Closes the field of a shape that was removed from the board. */
  dropRemoved(): void {
    const { writing } = this.#store.value;
    if (writing !== null && this.#board.shape(writing) === undefined) this.#store.set({ writing: null });
  }
}
