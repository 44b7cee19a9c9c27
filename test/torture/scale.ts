/** How much the torture suites do: `short` in `npm test`, `long` with `npm run torture`. */

export const isLong = process.env.TORTURE === "long";

/** One or the other, as the run is long or short. */
export const scaled = (sizes: { readonly short: number; readonly long: number }): number =>
  isLong ? sizes.long : sizes.short;

/** One in so many of a list of cases: those whose place leaves the remainder. */
export interface Sample {
  readonly of: number;
  readonly remainder: number;
}

export const ALL: Sample = { of: 1, remainder: 0 };

/** What all that is random follows from. Printed at the start of a run; `TORTURE_SEED` repeats one. */
export const seed = Number(process.env.TORTURE_SEED ?? 1);

/** A number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** A small generator (mulberry32), so that a seed gives the same run everywhere. */
export function randomFrom(start: number): Random {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Where figures are left that `docs/reliability.md` states: one line per call. */
export function report(line: string): void {
  console.log(`torture: ${line}`);
}
