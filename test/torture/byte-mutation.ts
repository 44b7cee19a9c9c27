/** Changes to bytes that know nothing of their meaning. */
import fc from "fast-check";
import * as encoding from "lib0/encoding";
import { EXTREMES } from "./hostile-updates.ts";

/** Positions are parts of a whole, since how long the bytes are is not known when a change is planned. */
export type Change =
  | { readonly kind: "flip"; readonly at: number; readonly bits: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "delete"; readonly at: number; readonly length: number }
  | { readonly kind: "duplicate"; readonly at: number; readonly length: number }
  | { readonly kind: "splice"; readonly at: number; readonly from: number; readonly other: number }
  | { readonly kind: "number"; readonly at: number; readonly value: number | "endless" };

/** A position is this many parts of the length. */
const PARTS = 10_000;

const at = fc.nat({ max: PARTS - 1 });
const length = fc.integer({ min: 1, max: 12 });

export const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("flip"), at, bits: fc.integer({ min: 1, max: 255 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("insert"), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete"), at, length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("duplicate"), at, length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("splice"), at, from: at, other: fc.nat({ max: 99 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("number"),
      at,
      value: fc.oneof(
        { weight: EXTREMES.length, arbitrary: fc.constantFrom(...EXTREMES) },
        { weight: 1, arbitrary: fc.constant("endless" as const) },
      ),
    }),
  },
) as fc.Arbitrary<Change>;

/** @param others what may be spliced in */
export function changed(bytes: Uint8Array, plan: Change, others: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const position = place(plan.at, bytes);
  const before = bytes.subarray(0, position);
  switch (plan.kind) {
    case "flip": {
      const flipped = bytes.slice();
      const byte = flipped[position];
      if (byte !== undefined) flipped[position] = byte ^ plan.bits;
      return flipped;
    }
    case "insert":
      return joined(before, plan.bytes, bytes.subarray(position));
    case "delete":
      return joined(before, bytes.subarray(position + plan.length));
    case "duplicate":
      return joined(bytes.subarray(0, position + plan.length), bytes.subarray(position));
    case "splice": {
      const other = others[plan.other % Math.max(1, others.length)] ?? bytes;
      return joined(before, other.subarray(place(plan.from, other)));
    }
    case "number":
      return joined(before, varUint(plan.value), bytes.subarray(afterNumber(bytes, position)));
    default:
      return plan satisfies never;
  }
}

function place(part: number, bytes: Uint8Array): number {
  return Math.floor((part / PARTS) * bytes.length);
}

/** The end of the variable-length number that a position would be the start of. */
function afterNumber(bytes: Uint8Array, position: number): number {
  let end = position;
  while (end < bytes.length && (bytes[end] ?? 0) >= 128) end++;
  return end + 1;
}

function varUint(value: number | "endless"): Uint8Array {
  if (value === "endless") return new Uint8Array(200).fill(0x80);
  return encoding.encode((encoder) => encoding.writeVarUint(encoder, value));
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
