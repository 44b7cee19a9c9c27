/**
 * A stroke's samples, packed. One byte says whether there is pressure (1) or not (0); then for each sample the distance from
 * the one before it, as two signed variable-length integers in 1/16 units, and, if there is pressure, a byte of it.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { Box } from "./box.ts";
import { unionOf } from "./box.ts";
import { STROKE_SAMPLES } from "./limits.ts";

export interface Sample {
  readonly x: number;
  readonly y: number;
  /** From 0 to 1. Without it the width follows from the speed. */
  readonly pressure?: number;
}

const STEPS_PER_UNIT = 16;

/** The samples relative to the box that they fill. Those above the limit are left out. */
export interface Ink {
  readonly box: Box;
  readonly points: Uint8Array<ArrayBuffer>;
}

/** @param samples one or more, in world units */
export function packInk(samples: readonly Sample[]): Ink {
  const kept = samples.slice(0, STROKE_SAMPLES);
  const box = unionOf(kept.map(({ x, y }) => ({ x, y, w: 0, h: 0 }))) ?? { x: 0, y: 0, w: 0, h: 0 };
  const hasPressure = kept.some(({ pressure }) => pressure !== undefined);
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, hasPressure ? 1 : 0);
  let [lastX, lastY] = [0, 0];
  for (const { x, y, pressure } of kept) {
    const nextX = Math.round((x - box.x) * STEPS_PER_UNIT);
    const nextY = Math.round((y - box.y) * STEPS_PER_UNIT);
    encoding.writeVarInt(encoder, nextX - lastX);
    encoding.writeVarInt(encoder, nextY - lastY);
    if (hasPressure) encoding.writeUint8(encoder, Math.round(Math.min(1, Math.max(0, pressure ?? 0.5)) * 255));
    [lastX, lastY] = [nextX, nextY];
  }
  return { box, points: encoding.toUint8Array(encoder) };
}

const NOTHING: readonly Sample[] = [];

/** Each packed value is read once, as long as somebody has it. */
const unpacked = new WeakMap<Uint8Array, readonly Sample[]>();

/** @returns relative to the stroke's own origin; nothing when the bytes are no ink */
export function unpackInk(points: Uint8Array): readonly Sample[] {
  const known = unpacked.get(points);
  if (known !== undefined) return known;
  const samples = decode(points);
  unpacked.set(points, samples);
  return samples;
}

function decode(points: Uint8Array): readonly Sample[] {
  const samples: Sample[] = [];
  const decoder = decoding.createDecoder(points);
  // `hasContent` is true behind the end too, where bytes read as undefined.
  const isInside = () => decoder.pos < points.length;
  const flag = isInside() ? decoding.readUint8(decoder) : null;
  if (flag !== 0 && flag !== 1) return NOTHING;
  let [x, y] = [0, 0];
  try {
    while (isInside() && samples.length < STROKE_SAMPLES) {
      x += decoding.readVarInt(decoder);
      y += decoding.readVarInt(decoder);
      const place = { x: x / STEPS_PER_UNIT, y: y / STEPS_PER_UNIT };
      if (flag === 0) samples.push(place);
      else if (isInside()) samples.push({ ...place, pressure: decoding.readUint8(decoder) / 255 });
      else return NOTHING;
    }
  } catch {
    // Cut, or too large a number: what a hostile or a newer peer wrote.
    return NOTHING;
  }
  return samples;
}
