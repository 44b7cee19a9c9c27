import * as Y from "yjs";
import type { Board } from "./board.ts";

/** Writing in one text without so long a pause is one step. */
const PAUSE_MS = 1_500;

/** Undo and redo of what this page did; never of what others did. */
export class History {
  readonly #manager: Y.UndoManager;

  constructor(board: Board) {
    this.#manager = new Y.UndoManager([board.maps], {
      trackedOrigins: new Set([board.origin]),
      captureTimeout: PAUSE_MS,
    });
  }

  get canUndo(): boolean {
    return this.#manager.canUndo();
  }

  get canRedo(): boolean {
    return this.#manager.canRedo();
  }

  /** Ends the present step: the next change begins another one. */
  step(): void {
    this.#manager.stopCapturing();
  }

  undo(): boolean {
    return this.#manager.undo() !== null;
  }

  redo(): boolean {
    return this.#manager.redo() !== null;
  }

  /** @returns how to stop */
  subscribe(listener: () => void): () => void {
    const events = ["stack-item-added", "stack-item-popped", "stack-cleared"] as const;
    for (const event of events) this.#manager.on(event, listener);
    return () => {
      for (const event of events) this.#manager.off(event, listener);
    };
  }

  destroy(): void {
    this.#manager.destroy();
  }
}
