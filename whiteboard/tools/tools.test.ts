import { expect, it } from "vitest";
import type { Shape } from "../model/shape.ts";
import type { Gesture, PointerInput, Surroundings } from "./gesture.ts";
import { beginOf, placeBy, TOOLS, type Tool } from "./tools.ts";

const style = { color: "red", size: 4, fill: false } as const;
const square = (id: string, x: number): Shape => ({
  id,
  kind: "rectangle",
  order: "a0",
  color: "ink",
  size: 4,
  fill: true,
  box: { x, y: 0, w: 100, h: 100 },
});
const shapes = [square("one", 0), square("other", 200)];

function input(x: number, y: number, shift = false): PointerInput {
  return { at: { x, y }, samples: [{ x, y }], shift };
}

function begin(tool: Tool, first: PointerInput, selected: readonly string[] = []): Gesture {
  const surroundings: Surroundings = { shapes, selection: new Set(selected), style, reach: 7 };
  const gesture = beginOf(tool)?.(first, surroundings);
  if (gesture === undefined) throw new Error(`${tool} begins nothing`);
  return gesture;
}

it("a gesture changes nothing itself: an earlier state of it can still be gone on from", () => {
  const first = begin("rectangle", input(0, 0));
  const [small, large] = [first.move(input(50, 50)), first.move(input(90, 90))];
  expect([small, large].map((each) => each.preview)).toMatchObject([
    { type: "shape", shape: { box: { w: 50, h: 50 } } },
    { type: "shape", shape: { box: { w: 90, h: 90 } } },
  ]);
});

it.each([
  ["rectangle", { x: 10, y: 20, w: 90, h: 60 }],
  ["ellipse", { x: 10, y: 20, w: 90, h: 60 }],
  ["line", { x: 100, y: 80, w: -90, h: -60 }],
  ["arrow", { x: 100, y: 80, w: -90, h: -60 }],
] as const)("%s: dragged to the upper left it has the box that it should", (tool, box) => {
  const outcome = begin(tool, input(100, 80)).move(input(10, 20)).finish();
  expect(outcome).toMatchObject({ type: "add", shape: { kind: tool, box, color: "red", size: 4 }, next: "select" });
});

it("with shift a rectangle is a square, and a line turns in steps of 15 degrees", () => {
  const even = begin("rectangle", input(0, 0))
    .move(input(30, -80, true))
    .finish();
  expect(even).toMatchObject({ shape: { box: { x: 0, y: -80, w: 80, h: 80 } } });
  const line = begin("line", input(0, 0))
    .move(input(100, 4, true))
    .finish();
  expect(line).toMatchObject({ shape: { box: { h: 0 } } });
});

it("a click without a drag puts down a figure of the usual size", () => {
  const outcome = begin("ellipse", input(0, 0)).move(input(1, 1)).finish();
  expect(outcome).toMatchObject({ shape: { box: { x: -80, y: -50, w: 160, h: 100 } } });
});

it("a pen keeps what it passed, and leaves out what is too near to be seen", () => {
  const gesture = begin("pen", input(0, 0)).move(input(0.1, 0)).move(input(10, 0)).move(input(20, 5));
  expect(gesture.preview).toMatchObject({ type: "ink", samples: [{ x: 0 }, { x: 10 }, { x: 20 }] });
  expect(gesture.finish()).toMatchObject({ type: "add", shape: { kind: "stroke", box: { x: 0, y: 0, w: 20, h: 5 } } });
});

it("select: a click selects, shift adds and takes away, a drag moves all that is selected", () => {
  expect(begin("select", input(50, 50)).finish()).toEqual({ type: "select", ids: ["one"] });
  expect(begin("select", input(250, 50, true), ["one"]).finish()).toEqual({ type: "select", ids: ["one", "other"] });
  expect(begin("select", input(50, 50, true), ["one", "other"]).finish()).toEqual({ type: "select", ids: ["other"] });
  expect(begin("select", input(50, 50), ["one", "other"]).finish()).toEqual({ type: "select", ids: ["one"] });
  expect(begin("select", input(50, 50), ["one", "other"]).move(input(60, 70)).finish()).toEqual({
    type: "transform",
    ids: ["one", "other"],
    transform: { sx: 1, sy: 1, dx: 10, dy: 20 },
  });
});

it("select: a frame around empty ground selects what it touches; a click there selects nothing", () => {
  expect(begin("select", input(-50, -50)).move(input(10, 10)).selection).toEqual(["one"]);
  expect(begin("select", input(-50, -50)).move(input(300, 10)).selection).toEqual(["one", "other"]);
  expect(begin("select", input(-50, -50), ["one"]).selection).toEqual([]);
});

it("select: a corner resizes, the opposite one stays where it is; nothing turns over", () => {
  const larger = begin("select", input(100, 100), ["one"]).move(input(150, 200)).finish();
  expect(larger).toMatchObject({ transform: { sx: 1.5, sy: 2, dx: 0, dy: 0 } });
  const upper = begin("select", input(0, 0), ["one"]).move(input(50, 50)).finish();
  expect(upper).toMatchObject({ transform: { sx: 0.5, sy: 0.5, dx: 50, dy: 50 } });
  const over = begin("select", input(100, 100), ["one"]).move(input(-500, 100)).finish();
  expect(over.type === "transform" && over.transform.sx > 0).toBe(true);
});

it("every tool but those that draw by hand can be used without a pointer", () => {
  const placed = TOOLS.filter((tool) => placeBy(tool, { x: 0, y: 0 }, style).type === "add");
  expect(placed).toEqual(["rectangle", "ellipse", "arrow", "line", "text", "note"]);
});
