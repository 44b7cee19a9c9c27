import fc from "fast-check";
import { expect, it } from "vitest";
import { packInk, type Sample, unpackInk } from "./ink.ts";
import { STROKE_BYTES, STROKE_SAMPLES } from "./limits.ts";

const place = fc.double({ min: -50_000, max: 50_000, noNaN: true });
const samples = fc.array(fc.record({ x: place, y: place }), { minLength: 1, maxLength: 200 });

it("what is packed is what was drawn, to a sixteenth of a unit", () => {
  fc.assert(
    fc.property(samples, (drawn) => {
      const { box, points } = packInk(drawn);
      const read = unpackInk(points);
      expect(read).toHaveLength(drawn.length);
      for (const [index, { x, y }] of read.entries()) {
        expect(Math.abs(x + box.x - (drawn[index]?.x ?? 0))).toBeLessThan(0.04);
        expect(Math.abs(y + box.y - (drawn[index]?.y ?? 0))).toBeLessThan(0.04);
      }
    }),
  );
});

it("a pen's pressure is kept, in 255 steps", () => {
  const drawn: Sample[] = [0, 0.25, 1].map((pressure, index) => ({ x: index, y: 0, pressure }));
  const read = unpackInk(packInk(drawn).points).map(({ pressure }) => pressure ?? -1);
  for (const [index, pressure] of read.entries()) expect(pressure).toBeCloseTo(drawn[index]?.pressure ?? 0, 2);
});

it("a sample of a usual stroke takes three bytes at most, and a stroke is bounded", () => {
  const drawn = Array.from({ length: 300 }, (_, index) => ({ x: index * 3, y: 3 * Math.sin(index / 10) }));
  expect(packInk(drawn).points.length).toBeLessThan(300 * 3);
  const endless = Array.from({ length: STROKE_SAMPLES + 5_000 }, (_, index) => ({ x: index % 100, y: index % 70 }));
  const { points } = packInk(endless);
  expect(unpackInk(points)).toHaveLength(STROKE_SAMPLES);
  expect(points.length).toBeLessThan(STROKE_BYTES);
});

it("bytes that are no ink are nothing, and never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(unpackInk(bytes).every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
    }),
  );
  expect(unpackInk(new Uint8Array())).toEqual([]);
  expect(unpackInk(new Uint8Array([2, 1, 1]))).toEqual([]);
});
