import type { Deadlines } from "../storage/deadlines.ts";

/** The id of the row of a room's own deletion; those of others are chosen by chance, above. */
const CLEANUP_ID = 0;

interface CleanupOptions {
  /** Seconds after which an empty room is deleted; 0 for never. */
  readonly after: () => number;
  /** Whether anything is stored. */
  readonly isStored: () => boolean;
  /** Whether somebody is in, or is about to come back. */
  readonly isOccupied: () => boolean;
}

/**
 * Deletes a room that has been empty for long enough, if that is configured. The deadline is set when the last one
 * leaves, and when the first one comes, in case a crash swallows the leaving.
 */
export class Cleanup {
  readonly #deadlines: Deadlines;
  readonly #options: CleanupOptions;

  constructor(deadlines: Deadlines, options: CleanupOptions) {
    this.#deadlines = deadlines;
    this.#options = options;
  }

  /** To be called when the first session opened, when the last one closed, and when the delay of an empty room changed. */
  arm(): void {
    const { after, isStored } = this.#options;
    if (!isStored()) return;
    const seconds = after();
    if (seconds === 0) this.#deadlines.change({ remove: [CLEANUP_ID] });
    else {
      const at = this.#deadlines.now() + seconds * 1000;
      this.#deadlines.change({ set: [{ id: CLEANUP_ID, at, kind: "cleanup", json: "" }] });
    }
  }

  /** Asked when the alarm goes off. Who is in then has the room kept, until the last one leaves. */
  get isDue(): boolean {
    if (!this.#deadlines.of("cleanup").some((row) => this.#deadlines.isDue(row))) return false;
    const { after, isOccupied } = this.#options;
    if (!isOccupied() && after() > 0) return true;
    this.#deadlines.change({ remove: [CLEANUP_ID] });
    return false;
  }
}
