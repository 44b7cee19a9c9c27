import { type Clock, systemClock } from "./clock.ts";

/**
 * The turns in which a room works: an event of the platform, a timer, or what goes on after something was awaited. Each ends
 * with a sweep, so that what a turn only marks (a session that ended, for instance) is acted on in one place, when no loop over
 * sessions is under way.
 */
export class Turns implements Clock {
  readonly #clock: Clock;
  #sweeper: { sweep(): void } | null = null;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Names what sweeps. Without one, turns just end. */
  sweptBy(sweeper: { sweep(): void }): void {
    this.#sweeper = sweeper;
  }

  /** Runs a turn. The sweep comes after it, also when it throws. */
  run<Result>(work: () => Result): Result {
    try {
      return work();
    } finally {
      this.sweep();
    }
  }

  /** Sweeps in the midst of a turn, for work that is to find nothing marked. */
  sweep(): void {
    this.#sweeper?.sweep();
  }

  now(): number {
    return this.#clock.now();
  }

  setTimeout(callback: () => void, milliseconds: number): number {
    return this.#clock.setTimeout(() => this.run(callback), milliseconds);
  }

  clearTimeout(timer: number): void {
    this.#clock.clearTimeout(timer);
  }
}
