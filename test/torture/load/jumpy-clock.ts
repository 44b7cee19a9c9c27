import type { Clock } from "../../../worker/runtime/clock.ts";
import type { Random } from "../support/scale.ts";

const MINUTES = 60_000;
const DAY = 24 * 60 * MINUTES;
const JUMPS = [5 * MINUTES, -5 * MINUTES, DAY, -DAY];

/** Time by hand. Its hour is set forwards and back; timers, as everywhere, go by what really elapsed. */
export class JumpyClock implements Clock {
  elapsed = 0;
  jumps = 0;
  #skew = 0;
  #next = 1;
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  now(): number {
    return this.elapsed + this.#skew;
  }

  setTimeout(callback: () => void, milliseconds: number): number {
    this.#timers.set(this.#next, { at: this.elapsed + Math.max(0, milliseconds), callback });
    return this.#next++;
  }

  clearTimeout(timer: number): void {
    this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  jump(): void {
    this.jumps++;
    this.#skew += JUMPS[this.#random(JUMPS.length)] ?? 0;
  }

  advance(milliseconds: number): void {
    const end = this.elapsed + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > end) break;
      this.#timers.delete(next[0]);
      this.elapsed = next[1].at;
      next[1].callback();
    }
    this.elapsed = end;
  }

  /** Advances in pieces, with a jump before some of them. */
  advanceWithJumps(milliseconds: number): void {
    for (let left = milliseconds; left > 0; ) {
      if (this.#random(2) === 0) this.jump();
      const piece = Math.min(left, 1 + this.#random(milliseconds));
      this.advance(piece);
      left -= piece;
    }
  }
}
