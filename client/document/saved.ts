import { type ErrorCode, RoomfulError } from "../../shared/errors.ts";

/**
 * What the "Saved" light shows. `unsaved` counts what the room has not acknowledged: one for each character, element or
 * entry that was inserted or deleted.
 */
export type SavedState =
  /** All that this client is to save is durable in the room. */
  | { readonly state: "saved"; readonly unsaved: 0 }
  /** Connected, and the room has not acknowledged everything yet. */
  | { readonly state: "saving"; readonly unsaved: number }
  /** Not connected. What is unsaved is sent once there is a connection. */
  | { readonly state: "offline"; readonly unsaved: number }
  /** The room refused an edit, and is sent no more: see `RoomProvider.rebuilt`. */
  | { readonly state: "rejected"; readonly unsaved: number; readonly code: ErrorCode };

export function isSameState(one: SavedState, two: SavedState): boolean {
  return one.state === two.state && one.unsaved === two.unsaved;
}

/** An edit that the room refused. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly message: string;
  /**
   * What the room does not have, as a Yjs update: the refused edit, and all that this document has beyond the room's.
   * It refers to the document that the room has.
   */
  readonly update: Uint8Array;
}

/** A way on after a rejection. */
export interface Rebuilt<Doc> {
  /** A new document with what the room has. */
  readonly doc: Doc;
  /** What the room does not have, as {@link Rejection.update}: later edits included. */
  readonly refused: Uint8Array;
}

interface Waiter {
  /** Everything up to this edit is waited for. */
  readonly edit: number;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** Who waits until the edits made so far are saved. */
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

  /** Nothing will be saved any more. */
  abort(cause: unknown): void {
    for (const { reject } of this.#waiters) reject(cause);
    this.#waiters.clear();
  }
}
