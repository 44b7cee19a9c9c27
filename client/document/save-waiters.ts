import { RoomfulError } from "../../shared/errors.ts";
import type { SavedState } from "./saved.ts";

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
