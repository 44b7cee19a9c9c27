import { expect, it } from "vitest";
import { packInk } from "../model/ink.ts";
import type { Shape } from "../model/shape.ts";
import { fitted, panned, snapped, toScreen, toWorld, viewOf, zoomed } from "./camera.ts";
import { pictureBox, svgOf } from "./export.ts";
import { boundsOf } from "./figure.ts";
import { shapeAt, shapesWithin } from "./hit.ts";
import { type Measure, setNote, wrap } from "./text.ts";
import { LIGHT } from "./theme.ts";

/** Each letter is half as wide as it is high. */
const measure: Measure = (line, fontSize) => (line.length * fontSize) / 2;
const common = { order: "a0", color: "ink", size: 4 } as const;
const circle: Shape = { ...common, id: "circle", kind: "ellipse", fill: false, box: { x: 0, y: 0, w: 100, h: 100 } };
const line: Shape = { ...common, id: "line", kind: "line", box: { x: 300, y: 100, w: -100, h: -100 } };
const ink = packInk([
  { x: 400, y: 0 },
  { x: 500, y: 0 },
  { x: 500, y: 100 },
]);
const stroke: Shape = { ...common, id: "stroke", kind: "stroke", ...ink };
const note: Shape = {
  id: "note",
  order: "a1",
  color: "yellow",
  kind: "note",
  box: { x: 0, y: 200, w: 200, h: 200 },
  text: 'a < b & "c"\u0000',
};

it("the camera: what is under the pointer stays there while it zooms, and there and back is the same", () => {
  const camera = { x: 12, y: -7, zoom: 0.8 };
  const at = { x: 333, y: 222 };
  const closer = zoomed(camera, 2.5, at);
  expect(toWorld(closer, at).x).toBeCloseTo(toWorld(camera, at).x);
  expect(toScreen(closer, toWorld(closer, at)).y).toBeCloseTo(222);
  expect(zoomed(camera, 1e9, at).zoom).toBeLessThanOrEqual(16);
  expect(panned(panned(camera, { x: 5, y: 9 }), { x: -5, y: -9 })).toEqual(camera);
  const pixels = snapped({ x: 0.123, y: 9.87, zoom: 1.3 }, 2);
  expect((pixels.x * 1.3 * 2) % 1).toBeCloseTo(0);
});

it("the camera shows all of a box, however large or small", () => {
  for (const box of [
    { x: -50, y: 900, w: 10, h: 4_000 },
    { x: 0, y: 0, w: 0, h: 0 },
  ]) {
    const view = viewOf(fitted(box, { width: 800, height: 600 }), { width: 800, height: 600 });
    expect(view.x <= box.x && view.y <= box.y && view.y + view.h >= box.y + box.h).toBe(true);
  }
});

it("a point hits what is drawn there, and not the empty inside of a figure", () => {
  const all = [circle, line, stroke, note];
  const at = (x: number, y: number) => shapeAt(all, { x, y }, 5)?.id;
  expect([at(50, 0), at(50, 50), at(2, 2)]).toEqual(["circle", undefined, undefined]);
  expect([at(250, 50), at(210, 90)]).toEqual(["line", undefined]);
  expect([at(450, 2), at(502, 50), at(420, 80)]).toEqual(["stroke", "stroke", undefined]);
  expect(shapeAt([{ ...circle, fill: true }], { x: 50, y: 50 }, 5)?.id).toBe("circle");
  // The topmost.
  expect(shapeAt([note, { ...note, id: "above" }], { x: 100, y: 300 }, 5)?.id).toBe("above");
});

it("a frame selects what it touches: of a line the line, not its box", () => {
  expect(shapesWithin([circle, line, stroke], { x: 400, y: 50, w: 50, h: 40 })).toEqual([]);
  expect(shapesWithin([circle, line, stroke], { x: 240, y: 40, w: 300, h: 20 })).toEqual(["line", "stroke"]);
  expect(shapesWithin([circle], { x: 90, y: 90, w: -300, h: -300 })).toEqual(["circle"]);
});

it("text is broken between words, inside words that are too long, and never between two halves of a character", () => {
  expect(wrap("one two three", 35, 10, measure)).toEqual(["one two", "three"]);
  expect(wrap("abcdefghij", 20, 10, measure)).toEqual(["abcd", "efgh", "ij"]);
  for (const part of wrap("😀".repeat(20), 33, 10, measure)) expect(part.isWellFormed()).toBe(true);
  expect(wrap("\n\na", 50, 10, measure)).toEqual(["", "", "a"]);
});

it("a note's text becomes smaller until it fits, and is cut at last", () => {
  const box = { x: 0, y: 0, w: 200, h: 200 };
  const [short, long] = [setNote("hello", box, measure), setNote("word ".repeat(40), box, measure)];
  expect(long.fontSize).toBeLessThan(short.fontSize);
  const endless = setNote("word ".repeat(1_000), box, measure);
  expect(endless.lines.length * endless.fontSize * 1.3).toBeLessThanOrEqual(200);
});

it("an SVG holds every shape, and what people wrote as text", () => {
  const shapes = [circle, line, stroke, note];
  const box = pictureBox(shapes);
  if (box === null) throw new Error("nothing");
  for (const shape of shapes) expect(boundsOf(shape).x).toBeGreaterThan(box.x);
  const svg = svgOf(shapes, box, { theme: LIGHT, measure, bytesOf: () => null });
  expect(svg.match(/<path /g)).toHaveLength(3);
  expect(svg).toContain("a &lt; b &amp; &quot;c&quot;</tspan>");
  expect(svg).not.toContain("\u0000");
});
