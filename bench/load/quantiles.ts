import type { Quantiles } from "./job.ts";

const MOST_SAMPLES = 2 ** 21;

/** Gathers figures and tells their quantiles. Of very many it keeps every second one, then every fourth, and so on. */
export class Samples {
  readonly #values = new Float64Array(MOST_SAMPLES);
  #count = 0;
  #keepsEach = 1;
  #skipped = 0;

  add(value: number): void {
    if (++this.#skipped < this.#keepsEach) return;
    this.#skipped = 0;
    if (this.#count === MOST_SAMPLES) this.#halve();
    this.#values[this.#count++] = value;
  }

  #halve(): void {
    for (let index = 0; 2 * index < MOST_SAMPLES; index++) this.#values[index] = this.#values[2 * index] ?? 0;
    this.#count = MOST_SAMPLES / 2;
    this.#keepsEach *= 2;
  }

  quantiles(): Quantiles {
    const sorted = this.#values.slice(0, this.#count).sort();
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return {
      count: sorted.length * this.#keepsEach,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      max: sorted.at(-1) ?? 0,
    };
  }
}
