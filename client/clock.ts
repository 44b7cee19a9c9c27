/** Time and chance, so that a test decides them. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** @returns what {@link Clock.clearTimeout} takes */
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
