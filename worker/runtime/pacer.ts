/** Time, so that a test decides it. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  setTimeout(callback: () => void, milliseconds: number): number;
  clearTimeout(timer: number): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * Runs a job at most once per interval: at once after a quiet interval, else when the interval since the last run is
 * over. A timer is pending only while a run is owed, since a pending timer keeps the object awake.
 */
export class Pacer {
  readonly #interval: number;
  readonly #job: () => void;
  readonly #clock: Clock;
  #lastRun = Number.NEGATIVE_INFINITY;
  #putOff = 0;
  #timer: number | undefined;

  /** @param interval milliseconds */
  constructor(interval: number, job: () => void, clock: Clock = systemClock) {
    this.#interval = interval;
    this.#job = job;
    this.#clock = clock;
  }

  /** Asks for a run. */
  request(): void {
    const interval = this.#interval + this.#putOff;
    // At most the interval, also when the clock was set back.
    const wait = Math.min(this.#lastRun + interval - this.#clock.now(), interval);
    // Also when a timer is pending: as long as messages pour in, the runtime does not get to it.
    if (wait <= 0) this.runNow();
    else this.#timer ??= this.#clock.setTimeout(() => this.#fire(), wait);
  }

  #fire(): void {
    this.#timer = undefined;
    this.runNow();
  }

  /** Runs at once, instead of the run that may be owed. */
  runNow(): void {
    this.cancel();
    this.#lastRun = this.#clock.now();
    this.#putOff = 0;
    this.#job();
  }

  /**
   * To be called by the job: puts the next run off, beyond the interval, so that more can be gathered for it.
   * @param milliseconds counted, not measured: the platform's clock stands still while a room works
   */
  putOff(milliseconds: number): void {
    this.#putOff = milliseconds;
  }

  /** Drops the run that is owed, if any. */
  cancel(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
