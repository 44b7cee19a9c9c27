import { type Clock, systemClock } from "./clock.ts";

/**
 * Runs a job at most once per interval: at once after a quiet interval, else when the interval since the last run is
 * over. A timer is pending only while a run is owed, since a pending timer keeps the Durable Object awake.
 */
export class Pacer {
  readonly #interval: number;
  readonly #job: () => void;
  readonly #clock: Clock;
  #lastRun = Number.NEGATIVE_INFINITY;
  /** Milliseconds beyond the interval that the next run waits. */
  #delay = 0;
  #timer: number | undefined;

  /** @param interval milliseconds */
  constructor(interval: number, job: () => void, clock: Clock = systemClock) {
    this.#interval = interval;
    this.#job = job;
    this.#clock = clock;
  }

  /** Asks for a run. */
  request(): void {
    const interval = this.#interval + this.#delay;
    // A clock that was set back would otherwise make the run wait for the old time.
    const wait = Math.min(this.#lastRun + interval - this.#clock.now(), interval);
    // A pending timer is not waited for: the runtime does not get to it as long as messages pour in.
    if (wait <= 0) this.runNow();
    else this.#timer ??= this.#clock.setTimeout(() => this.#runOwed(), wait);
  }

  /** Asks for a run in a later turn, also when one is due: what waits meanwhile has its turn first. */
  requestLater(): void {
    const wait = this.#lastRun + this.#interval + this.#delay - this.#clock.now();
    this.#timer ??= this.#clock.setTimeout(() => this.#runOwed(), Math.max(0, wait));
  }

  #runOwed(): void {
    this.#timer = undefined;
    this.runNow();
  }

  /** Runs at once, instead of the run that may be owed. */
  runNow(): void {
    this.cancel();
    this.#lastRun = this.#clock.now();
    this.#delay = 0;
    this.#job();
  }

  /**
   * Delays the next run beyond the interval, so that more is gathered for it. The job itself calls this: each run
   * begins without a delay.
   * @param milliseconds a computed cost, not a measured one: Cloudflare's clock stands still while code runs
   */
  delayNextRun(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  /** Drops the run that is owed, if any. */
  cancel(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
