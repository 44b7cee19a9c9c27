import { type ErrorCode, RoomfulError } from "../../shared/errors.ts";

/**
 * The state of the "Saved" light. `unsaved` counts unacknowledged changes: one for each character, element or entry that was
 * inserted or deleted.
 */
export type SavedState =
  /** The room has stored durably all that this client is to save. */
  | { readonly state: "saved"; readonly unsaved: 0 }
  /** Connected, and the room has not acknowledged everything yet. */
  | { readonly state: "saving"; readonly unsaved: number }
  /** Offline: the client sends unsaved changes once it is connected. */
  | { readonly state: "offline"; readonly unsaved: number }
  /** The room refused an edit. The client sends no more: see `RoomProvider.rebuilt`. */
  | { readonly state: "rejected"; readonly unsaved: number; readonly code: ErrorCode };

export function isSameState(one: SavedState, two: SavedState): boolean {
  return one.state === two.state && one.unsaved === two.unsaved;
}

/** An edit that the room refused. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly message: string;
  /**
   * The content that the room lacks, as a Yjs update: the refused edit, and all that this document has beyond the room's.
   * It applies to a document with the room's content.
   */
  readonly update: Uint8Array;
}

/** A way on after a rejection. */
export interface Rebuilt<Doc> {
  /** A new document with the room's content. */
  readonly doc: Doc;
  /** The content that the room lacks, as {@link Rejection.update}, later edits included. */
  readonly refused: Uint8Array;
}

interface Waiter {
  /** The number of the last edit to wait for. */
  readonly edit: number;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** Promises that resolve when the edits up to a number are saved. */
export class SaveWaiters {
  readonly #waiters = new Set<Waiter>();

  /** @param edit the number of the last edit to wait for */
  wait(edit: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ edit, resolve, reject });
    });
  }

  /** @param savedEdits every edit up to this number is saved */
  settle(savedEdits: number, saved: SavedState): void {
    for (const waiter of this.#waiters) {
      if (waiter.edit <= savedEdits) waiter.resolve();
      else if (saved.state === "rejected") waiter.reject(new RoomfulError(saved.code));
      else continue;
      this.#waiters.delete(waiter);
    }
  }

  /** Rejects all: nothing will be saved any more. */
  abort(cause: unknown): void {
    for (const { reject } of this.#waiters) reject(cause);
    this.#waiters.clear();
  }
}
