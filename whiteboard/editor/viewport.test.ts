import { afterEach, expect, it, vi } from "vitest";
import { destroyEditors, joinOther, openEditor, SIZE, square } from "../../test/support/editors.ts";
import { addShapes, transformShapes } from "../model/commands.ts";

afterEach(() => {
  destroyEditors();
  vi.useRealTimers();
});

const THEIR_VIEW = { x: 1_000, y: 1_000, w: 400, h: 300 };

it("a zoom leaves the point where it is, by default the middle", () => {
  const { viewport } = openEditor().editor;
  const [corner, middle] = [viewport.toWorld({ x: 100, y: 100 }), viewport.middle];
  viewport.zoom(2, { x: 100, y: 100 });
  expect(viewport.toWorld({ x: 100, y: 100 })).toEqual(corner);
  viewport.zoom(0.5, { x: 100, y: 100 });
  viewport.zoom(4);
  expect(viewport.middle).toEqual(middle);
  expect(viewport.box).toMatchObject({ w: SIZE.width / 4, h: SIZE.height / 4 });
});

it("a pan moves the board with the finger", () => {
  const { viewport } = openEditor().editor;
  viewport.zoom(2, { x: 0, y: 0 });
  const held = viewport.toWorld({ x: 10, y: 10 });
  viewport.pan({ x: 30, y: -6 });
  expect(viewport.toWorld({ x: 40, y: 4 })).toEqual(held);
});

it("a board that is opened is shown as a whole once, when its first shapes arrive", () => {
  const { editor, board } = openEditor([], { camera: null });
  expect(editor.viewport.middle).toEqual({ x: 0, y: 0 });
  const ids = addShapes(board, [square(5_000)]);
  expect(editor.viewport.middle).toEqual({ x: 5_050, y: 50 });
  transformShapes(board, ids, { sx: 1, sy: 1, dx: 9_000, dy: 0 });
  expect(editor.viewport.middle).toEqual({ x: 5_050, y: 50 });
});

it("shapes that arrive do not move a camera that was placed before, by the person or by an earlier editor", () => {
  for (const camera of [null, { x: -400, y: -300, zoom: 1 }]) {
    const { editor, board } = openEditor([], { camera });
    if (camera === null) editor.viewport.hold();
    addShapes(board, [square(5_000)]);
    expect(editor.viewport.middle).toEqual({ x: 0, y: 0 });
  }
});

it("a board without shapes has nothing to be fitted to; with some, all are in view", () => {
  const { editor, board } = openEditor();
  editor.viewport.fit();
  expect(editor.state.camera).toEqual({ x: 0, y: 0, zoom: 1 });
  addShapes(board, [square(-3_000), square(3_000)]);
  editor.viewport.fit();
  const { x, w } = editor.viewport.box;
  expect(x).toBeLessThan(-3_000);
  expect(x + w).toBeGreaterThan(3_100);
});

it("following glides to the other's view and says whose it is, until the person moves the camera", () => {
  const { editor, awareness } = openEditor();
  const { clientId } = joinOther(awareness, "Grace", THEIR_VIEW);
  editor.viewport.follow(clientId);
  expect(editor.state).toMatchObject({ following: clientId, announcement: "Following Grace" });
  editor.viewport.glide(16);
  expect(editor.viewport.middle.x).toBeGreaterThan(400);
  for (let frame = 0; frame < 100; frame++) editor.viewport.glide(16);
  expect(editor.viewport.middle.x).toBeCloseTo(1_200, 0);
  expect(editor.viewport.middle.y).toBeCloseTo(1_150, 0);
  expect(editor.state.following).toBe(clientId);
  editor.viewport.pan({ x: 1, y: 0 });
  expect(editor.state.following).toBeNull();
});

it("nobody is followed who is not there, or has left", () => {
  const { editor, awareness } = openEditor();
  editor.viewport.follow(12_345);
  expect(editor.state.following).toBeNull();
  const { clientId, leave } = joinOther(awareness, "Grace", THEIR_VIEW);
  editor.viewport.follow(clientId);
  leave();
  expect(editor.state).toMatchObject({ following: null, announcement: "" });
});

it("the others are told what is in view, after a move of the camera, another size and a frame that glides", () => {
  vi.useFakeTimers();
  const { editor, awareness } = openEditor();
  const told = () => {
    vi.advanceTimersByTime(100);
    return awareness.getLocalState()?.view;
  };
  editor.viewport.pan({ x: -10, y: 0 });
  expect(told()).toEqual([10, 0, 800, 600]);
  editor.viewport.resize({ width: 400, height: 300 });
  expect(told()).toEqual([10, 0, 400, 300]);
  editor.viewport.follow(joinOther(awareness, "Grace", THEIR_VIEW).clientId);
  for (let frame = 0; frame < 200; frame++) editor.viewport.glide(16);
  expect(told()).toEqual([1_000, 1_000, 400, 300]);
});
