/**
 * What one client may ask of a room. Everything is counted in microseconds of the room's time, by the prices of
 * `worker/prices.ts`: a room does one thing after the other, so its time is what one client takes from the others. It is
 * counted and not measured, since the platform's clock stands still while a room works.
 */

import { BURST_SECONDS, LONGEST_DEBT_SECONDS, PENALTY_SECONDS } from "../shared/limits.ts";

/** The kinds of work, each with a bucket of its own, so that a flood of one is told from honest use of another. */
export const KINDS = ["edits", "joins", "presence", "messages", "refusals"] as const;

export type Kind = (typeof KINDS)[number];

/** Microseconds of room time that flow back each second, for each kind. */
export type Rates = Readonly<Record<Kind, number>>;

/** The part of a bucket that is left when its client is warned, and the part at which a warning may come again. */
const WARN_BELOW = 0.25;
const WARN_AGAIN_ABOVE = 0.5;

/** What became of a request. */
export type Verdict =
  | "granted"
  /** Granted, and most of the bucket is gone: told once, until half of it is there again. */
  | "nearly-spent"
  /** The bucket is empty. The penalty was taken. */
  | "spent";

/** Token buckets, one for each kind. */
export class Budget {
  readonly #rates: Rates;
  readonly #now: () => number;
  /** Microseconds that are missing from a full bucket, as of `#at`. */
  readonly #missing: Record<Kind, number> = { edits: 0, joins: 0, presence: 0, messages: 0, refusals: 0 };
  readonly #warned = new Set<Kind>();
  #at: number;

  /** @param now milliseconds */
  constructor(rates: Rates, now: () => number) {
    this.#rates = rates;
    this.#now = now;
    this.#at = now();
  }

  /** Takes room time, in microseconds, from a bucket. What one request costs may be more than is left. */
  spend(kind: Kind, cost: number): Verdict {
    this.#refill();
    const rate = this.#rates[kind];
    const full = rate * BURST_SECONDS;
    const missing = this.#missing[kind] + cost;
    if (missing > full) {
      this.#missing[kind] = Math.min(missing + rate * PENALTY_SECONDS, full + rate * LONGEST_DEBT_SECONDS);
      return "spent";
    }
    this.#missing[kind] = missing;
    const left = 1 - missing / full;
    if (left > WARN_AGAIN_ABOVE) this.#warned.delete(kind);
    if (left >= WARN_BELOW || this.#warned.has(kind)) return "granted";
    this.#warned.add(kind);
    return "nearly-spent";
  }

  /** Whether no bucket owes anything. */
  get isSolvent(): boolean {
    this.#refill();
    return KINDS.every((kind) => this.#missing[kind] <= this.#rates[kind] * BURST_SECONDS);
  }

  /** Whether all buckets are full, so that nothing is lost by forgetting them. */
  get isFull(): boolean {
    this.#refill();
    return KINDS.every((kind) => this.#missing[kind] === 0);
  }

  /** Takes what is missing from another one here too. */
  take(other: Budget): void {
    this.#refill();
    other.#refill();
    for (const kind of KINDS) {
      const most = this.#rates[kind] * (BURST_SECONDS + LONGEST_DEBT_SECONDS);
      this.#missing[kind] = Math.min(this.#missing[kind] + other.#missing[kind], most);
    }
  }

  #refill(): void {
    const now = this.#now();
    if (now === this.#at) return;
    // A clock that was set back refills nothing.
    const seconds = Math.max(0, now - this.#at) / 1_000;
    this.#at = now;
    for (const kind of KINDS) this.#missing[kind] = Math.max(0, this.#missing[kind] - seconds * this.#rates[kind]);
  }
}
