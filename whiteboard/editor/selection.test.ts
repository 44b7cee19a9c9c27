import { afterEach, expect, it, vi } from "vitest";
import { destroyEditors, openEditor, square } from "../../test/support/editors.ts";
import { removeShapes } from "../model/commands.ts";

afterEach(() => {
  destroyEditors();
  vi.useRealTimers();
});

it("only shapes that exist are selected, and the others are told which", () => {
  vi.useFakeTimers();
  const { editor, awareness, ids } = openEditor([square(0), square(200)]);
  editor.selection.select([ids[1] ?? "", "none"]);
  expect([...editor.selection.ids]).toEqual([ids[1]]);
  vi.advanceTimersByTime(100);
  expect(awareness.getLocalState()?.selection).toEqual([ids[1]]);
});

it("the same selection again is the same state", () => {
  const { editor, ids } = openEditor([square(0), square(200)]);
  editor.selection.select(ids);
  const before = editor.state;
  editor.selection.select([...ids].reverse());
  expect(editor.state).toBe(before);
});

it("what somebody else removes is not selected any more", () => {
  const { editor, board, ids } = openEditor([square(0), square(200)]);
  editor.selection.select(ids);
  removeShapes(board, ids.slice(0, 1));
  expect([...editor.selection.ids]).toEqual(ids.slice(1));
});

it("all can be selected, which is told", () => {
  const { editor, ids } = openEditor([square(0), square(200)]);
  editor.selection.selectAll();
  expect(editor.selection.ids).toEqual(new Set(ids));
  expect(editor.state).toMatchObject({ tool: "select", announcement: "2 shapes selected" });
});

it("one goes through the shapes in both directions, is told each, and leaves behind the last", () => {
  const { editor, ids } = openEditor([square(0), square(200)]);
  const { selection } = editor;
  expect(selection.selectNext(1)).toBe(true);
  expect([...selection.ids]).toEqual([ids[0]]);
  expect(editor.state.announcement).toBe("Rectangle, black, 1 of 2");
  expect(selection.selectNext(1)).toBe(true);
  expect(editor.state.announcement).toBe("Rectangle, black, 2 of 2");
  expect(selection.selectNext(1)).toBe(false);
  expect(selection.ids.size).toBe(0);
  expect(selection.selectNext(-1)).toBe(true);
  expect([...selection.ids]).toEqual([ids[1]]);
});

it("the next shape comes into view when it is out of it, and moves nothing when it is not", () => {
  const { editor } = openEditor([square(0), square(9_000)]);
  editor.selection.selectNext(1);
  expect(editor.state.camera).toEqual({ x: 0, y: 0, zoom: 1 });
  editor.selection.selectNext(1);
  expect(editor.viewport.middle).toEqual({ x: 9_050, y: 50 });
});

it("what is removed is told, and leaves nothing selected", () => {
  const { editor, board, ids } = openEditor([square(0), square(200)]);
  editor.selection.select(ids);
  editor.selection.remove();
  expect(board.shapes).toEqual([]);
  expect(editor.state.announcement).toBe("2 shapes deleted");
  expect(editor.selection.ids.size).toBe(0);
});

it("copies lie beside their originals and are selected instead", () => {
  const { editor, ids } = openEditor([square(0)]);
  editor.selection.select(ids);
  editor.selection.duplicate();
  expect(editor.selection.shapes.map(({ box }) => box)).toEqual([{ x: 24, y: 24, w: 100, h: 100 }]);
});

it("without a selection nothing is edited and nothing is told", () => {
  const { editor, changesBy } = openEditor([square(0)]);
  const { selection } = editor;
  expect(changesBy(() => [selection.nudge(1, 1), selection.duplicate(), selection.restyle({ color: "red" })])).toBe(0);
  expect(changesBy(() => selection.remove())).toBe(0);
  expect(editor.state.announcement).toBe("");
});

it("a choice of style is for new shapes and for those that are selected", () => {
  const { editor, board, ids } = openEditor([square(0), square(200)]);
  editor.selection.select(ids.slice(0, 1));
  editor.setStyle({ color: "red", fill: true });
  expect(editor.state.style).toEqual({ color: "red", size: 4, fill: true });
  expect(board.shapes.map((shape) => shape.color)).toEqual(["red", "ink"]);
});
