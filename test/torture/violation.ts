/** A promise of the room that was broken: what a torture suite looks for, and what a planted bug must lead to. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** @throws Violation when it does not hold */
export function demand(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Violation(promise);
}
