import { afterEach, expect, it, vi } from "vitest";
import { destroyEditors, joinOther, openEditor, square } from "../../test/support/editors.ts";
import type { PointerInput } from "../tools/gesture.ts";
import { TOOLS } from "../tools/tools.ts";

afterEach(() => {
  destroyEditors();
  vi.useRealTimers();
});

function input(x: number, y: number): PointerInput {
  return { at: { x, y }, samples: [{ x, y }], shift: false };
}

it("what was drawn is in the document before its preview ends for the others", () => {
  vi.useFakeTimers();
  const { editor, awareness, doc } = openEditor();
  const events: string[] = [];
  doc.on("update", () => events.push("document"));
  awareness.on("change", () => events.push(awareness.getLocalState()?.doing === null ? "no preview" : "preview"));
  editor.gestures.begin(input(0, 0), false);
  editor.gestures.move(input(50, 50));
  vi.advanceTimersByTime(100);
  editor.gestures.finish();
  expect(events).toEqual(["preview", "document"]);
  vi.advanceTimersByTime(100);
  expect(events).toEqual(["preview", "document", "no preview"]);
});

it("a gesture that begins holds the camera: it follows nobody any more", () => {
  const { editor, awareness } = openEditor();
  const { clientId } = joinOther(awareness, "Grace", { x: 1_000, y: 1_000, w: 400, h: 300 });
  for (const tool of ["pen", "hand"] as const) {
    editor.setTool(tool);
    editor.viewport.follow(clientId);
    expect(editor.state.following).toBe(clientId);
    editor.gestures.begin(input(0, 0), false);
    expect(editor.state.following).toBeNull();
    editor.gestures.cancel();
  }
});

it("listeners hear of each change of the preview, and of its end", () => {
  const { gestures } = openEditor().editor;
  const seen: string[] = [];
  gestures.subscribe(() => seen.push(gestures.preview.type));
  gestures.move(input(0, 0));
  gestures.begin(input(0, 0), false);
  gestures.move(input(50, 50));
  gestures.finish();
  expect(seen).toEqual(["ink", "ink", "none"]);
});

it("a cancelled gesture changes nothing, and says what it would have done", () => {
  const { editor, changesBy } = openEditor();
  editor.setTool("rectangle");
  expect(editor.gestures.cancel()).toEqual({ type: "nothing" });
  editor.gestures.begin(input(0, 0), false);
  editor.gestures.move(input(50, 50));
  expect(changesBy(() => expect(editor.gestures.cancel()).toMatchObject({ type: "add" }))).toBe(0);
  expect(editor.gestures.isBusy).toBe(false);
  expect(changesBy(() => editor.gestures.finish())).toBe(0);
});

it("the shape in progress is handed back when the right to edit is taken; with the right the tool comes back", () => {
  const { editor, changesBy } = openEditor();
  editor.setTool("ellipse");
  editor.gestures.begin(input(0, 0), false);
  editor.gestures.move(input(50, 50));
  expect(changesBy(() => expect(editor.setCanEdit(false)).toMatchObject({ kind: "ellipse" }))).toBe(0);
  expect(editor.state.tool).toBe("hand");
  for (const tool of TOOLS) editor.setTool(tool);
  expect(["select", "hand"]).toContain(editor.state.tool);
  expect(editor.setCanEdit(true)).toBeNull();
  expect(editor.state.tool).toBe("ellipse");
});

it("without the right to edit shapes can be selected, and not moved", () => {
  const { editor, ids, changesBy } = openEditor([square(0)], { canEdit: false });
  expect(editor.state.tool).toBe("hand");
  expect(editor.gestures.begin(input(50, 50), false)).toBe(false);
  editor.setTool("select");
  expect(editor.gestures.begin(input(50, 50), false)).toBe(true);
  editor.gestures.move(input(90, 90));
  expect(changesBy(() => editor.gestures.finish())).toBe(0);
  expect(editor.selection.ids).toEqual(new Set(ids));
});

it("a figure is selected once it is drawn, a stroke is not, and a note opens its field", () => {
  const { editor, board } = openEditor();
  const draw = (tool: "pen" | "rectangle" | "note") => {
    editor.setTool(tool);
    editor.gestures.begin(input(0, 0), false);
    editor.gestures.move(input(50, 50));
    editor.gestures.finish();
    return board.shapes.at(-1)?.id;
  };
  draw("pen");
  expect(editor.state).toMatchObject({ tool: "pen", selection: new Set() });
  const rectangle = draw("rectangle");
  expect(editor.state).toMatchObject({ tool: "select", selection: new Set([rectangle]) });
  const note = draw("note");
  expect(editor.state).toMatchObject({ tool: "select", selection: new Set([note]), writing: note });
});

it("the cursor says what a pointer would do", () => {
  const { editor, ids } = openEditor([square(0)]);
  const { gestures } = editor;
  const cursors = TOOLS.filter((tool) => tool !== "select").map((tool) => {
    editor.setTool(tool);
    return gestures.cursorAt({ x: 500, y: 500 });
  });
  expect(new Set(cursors)).toEqual(new Set(["grab", "crosshair", "text"]));
  editor.setTool("select");
  expect(gestures.cursorAt({ x: 500, y: 500 })).toBe("default");
  expect(gestures.cursorAt({ x: 0, y: 50 })).toBe("move");
  editor.selection.select(ids);
  expect(gestures.cursorAt({ x: 100, y: 100 })).toBe("nwse-resize");
  editor.setCanEdit(false);
  editor.setTool("select");
  expect(gestures.cursorAt({ x: 100, y: 100 })).toBe("default");
});

it("a double click writes in a note that is there, or begins a text", () => {
  const { editor, board, ids } = openEditor([
    { kind: "note", box: { x: 0, y: 0, w: 200, h: 200 }, color: "yellow", text: "hi" },
  ]);
  editor.gestures.openAt({ x: 100, y: 100 });
  expect(editor.state.writing).toBeNull();
  editor.setTool("select");
  editor.gestures.openAt({ x: 100, y: 100 });
  expect(editor.state.writing).toBe(ids[0]);
  editor.writing.finish();
  editor.gestures.openAt({ x: 500, y: 500 });
  expect(board.shapes.map(({ kind }) => kind)).toEqual(["note", "text"]);
  expect(editor.state.writing).toBe(board.shapes[1]?.id);
});
