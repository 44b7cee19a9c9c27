import type { Quantiles } from "./job.ts";

const MOST_SAMPLES = 4_000_000;

/** Gathers figures and tells their quantiles. */
export class Samples {
  #values = new Float64Array(4096);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) {
      if (this.#count >= MOST_SAMPLES) return;
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  quantiles(): Quantiles {
    const sorted = this.#values.slice(0, this.#count).sort();
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? 0 };
  }
}
