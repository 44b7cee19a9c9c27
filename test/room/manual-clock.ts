import type { Clock } from "../../worker/runtime/clock.ts";

/** Time by hand. */
export class ManualClock implements Clock {
  time = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, milliseconds: number): number {
    this.#timers.set(this.#next, { at: this.time + milliseconds, callback });
    return this.#next++;
  }

  clearTimeout(timer: number): void {
    this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
    for (const [timer, { at, callback }] of [...this.#timers]) {
      if (at > this.time) continue;
      this.#timers.delete(timer);
      callback();
    }
  }
}
