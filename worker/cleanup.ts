import type { Sessions } from "./sessions.ts";

interface CleanupOptions {
  /** Seconds after which an empty room is deleted; 0 for never. */
  readonly after: () => number;
  /** Whether anything is stored. */
  readonly isStored: () => boolean;
  readonly setAlarm: (at: number) => void;
}

/**
 * Deletes a room that has been empty for long enough, if that is configured, by the object's alarm: an alarm costs a row
 * when it is set, and nothing while it waits. It is set when the last one leaves, and when the first one comes, in case a
 * crash swallows the leaving.
 */
export class Cleanup {
  readonly #sessions: Sessions;
  readonly #options: CleanupOptions;

  constructor(sessions: Sessions, options: CleanupOptions) {
    this.#sessions = sessions;
    this.#options = options;
  }

  /** To be called when a session opened. */
  opened(): void {
    if (this.#sessions.size === 1) this.#arm();
  }

  /** To be called when the last session closed, and when the delay of an empty room changed. */
  emptied(): void {
    this.#arm();
  }

  /** Asked when the alarm goes off. */
  get isDue(): boolean {
    return this.#sessions.size === 0 && this.#options.after() > 0;
  }

  #arm(): void {
    const { after, isStored, setAlarm } = this.#options;
    const seconds = isStored() ? after() : 0;
    if (seconds > 0) setAlarm(Date.now() + seconds * 1000);
  }
}
