/**
 * Bounds on what one client may ask of a room. Everything is counted in microseconds of the room's time, by the prices of
 * `worker/metering/prices.ts`: a room does one thing after the other, so its time is what one client takes from the others. It is
 * counted and not measured, since the platform's clock stands still while a room works.
 */

import { BURST_SECONDS, LONGEST_DEBT_SECONDS, PENALTY_SECONDS } from "../../shared/limits.ts";

/** The kinds of work, each with a bucket of its own, so that a flood of one is told from honest use of another. */
export const KINDS = ["edits", "joins", "presence", "messages", "refusals"] as const;

export type Kind = (typeof KINDS)[number];

/** Microseconds of room time that flow back each second, for each kind. */
export type Rates = Readonly<Record<Kind, number>>;

/** The part of a bucket that is left when its client is warned, and the part at which a warning may come again. */
const WARN_BELOW = 0.25;
const WARN_AGAIN_ABOVE = 0.5;

/** The outcome of a request. */
export type Verdict =
  | "granted"
  /** Granted, and most of the bucket is gone: told once, until half of it is there again. */
  | "nearly-spent"
  /** The bucket is empty. The penalty was taken. */
  | "spent";

/** Microseconds of one kind of work: what is missing until the bucket is full flows back at a rate. */
class Bucket {
  readonly #rate: number;
  #missing = 0;
  /** Milliseconds: when that was so. */
  #at: number;
  #wasWarned = false;

  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#at = now;
  }

  /** Microseconds that are missing at a moment. */
  missing(now: number): number {
    if (now !== this.#at) {
      // A clock that was set back refills nothing.
      const seconds = Math.max(0, now - this.#at) / 1_000;
      this.#missing = Math.max(0, this.#missing - seconds * this.#rate);
      this.#at = now;
    }
    return this.#missing;
  }

  get size(): number {
    return this.#rate * BURST_SECONDS;
  }

  spend(cost: number, now: number): Verdict {
    const { size } = this;
    const before = this.missing(now);
    // The penalty is owed once: a window charges each of its frames, also those after the one that emptied the bucket.
    if (before > size) return "spent";
    const missing = before + cost;
    if (missing > size) {
      this.owe(missing + this.#rate * PENALTY_SECONDS);
      return "spent";
    }
    this.#missing = missing;
    const left = 1 - missing / size;
    if (left > WARN_AGAIN_ABOVE) this.#wasWarned = false;
    if (left >= WARN_BELOW || this.#wasWarned) return "granted";
    this.#wasWarned = true;
    return "nearly-spent";
  }

  /** Lets so much be missing, up to what may be owed. */
  owe(missing: number): void {
    this.#missing = Math.min(missing, this.size + this.#rate * LONGEST_DEBT_SECONDS);
  }
}

/** Token buckets, one for each kind. */
export class Budget {
  readonly #now: () => number;
  readonly #buckets: Readonly<Record<Kind, Bucket>>;

  /** @param now milliseconds */
  constructor(rates: Rates, now: () => number) {
    this.#now = now;
    const bucketOf = (kind: Kind) => new Bucket(rates[kind], now());
    this.#buckets = {
      edits: bucketOf("edits"),
      joins: bucketOf("joins"),
      presence: bucketOf("presence"),
      messages: bucketOf("messages"),
      refusals: bucketOf("refusals"),
    };
  }

  /** Takes room time, in microseconds, from a bucket. What one request costs may be more than is left. */
  spend(kind: Kind, cost: number): Verdict {
    return this.#buckets[kind].spend(cost, this.#now());
  }

  /** Whether no bucket owes anything. */
  get isSolvent(): boolean {
    const now = this.#now();
    return KINDS.map((kind) => this.#buckets[kind]).every((bucket) => bucket.missing(now) <= bucket.size);
  }

  /** Whether all buckets are full, so that nothing is lost by forgetting them. */
  get isFull(): boolean {
    const now = this.#now();
    return KINDS.every((kind) => this.#buckets[kind].missing(now) === 0);
  }

  /** Takes room time, in microseconds, from a bucket whose owner can't be ended for it: the bucket is overdrawn. */
  owe(kind: Kind, cost: number): void {
    const bucket = this.#buckets[kind];
    bucket.owe(bucket.missing(this.#now()) + cost);
  }

  /** Adds the other budget's debt to this one. */
  take(other: Budget): void {
    const now = this.#now();
    for (const kind of KINDS) {
      const bucket = this.#buckets[kind];
      bucket.owe(bucket.missing(now) + other.#buckets[kind].missing(now));
    }
  }
}
