/** Time and chance, so that a test decides them. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** @returns what {@link Clock.clearTimeout} takes */
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

/**
 * Throws in a turn of its own what a handler of the app threw: its author sees it, and it stops nothing of the library's own
 * work.
 */
export function throwLater(clock: Clock, thrown: unknown): void {
  clock.setTimeout(() => {
    throw thrown;
  }, 0);
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
