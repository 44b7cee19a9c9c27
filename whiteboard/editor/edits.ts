import type { Board } from "../model/board.ts";
import type { History } from "../model/history.ts";
import type { EditorStore } from "./state.ts";

/**
 * The only way to edit the board. Each edit passes `#ifAllowed`, so that no caller can forget to ask for the right. The other
 * parts of the editor hold the board as a `BoardReader`, which the commands do not accept.
 */
export class Edits {
  readonly #board: Board;
  readonly #history: History;
  readonly #store: EditorStore;

  constructor(board: Board, history: History, store: EditorStore) {
    this.#board = board;
    this.#history = history;
    this.#store = store;
  }

  /** Runs a change as an undo step of its own. Without the right to edit it does not run. */
  step(change: (board: Board) => void): void {
    this.#ifAllowed(() => {
      this.#history.step();
      change(this.#board);
      this.#history.step();
    });
  }

  /** Runs a change as part of the present undo step. Without the right to edit it does not run. */
  amend(change: (board: Board) => void): void {
    this.#ifAllowed(() => change(this.#board));
  }

  /** Ends the present undo step: the next change begins another one. */
  endStep(): void {
    this.#history.step();
  }

  /** @returns whether a step was undone */
  undo(): boolean {
    return this.#ifAllowed(() => this.#history.undo()) ?? false;
  }

  /** @returns whether a step was done again */
  redo(): boolean {
    return this.#ifAllowed(() => this.#history.redo()) ?? false;
  }

  #ifAllowed<Result>(edit: () => Result): Result | undefined {
    return this.#store.value.canEdit ? edit() : undefined;
  }
}
