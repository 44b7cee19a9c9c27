import { afterEach, expect, it } from "vitest";
import { destroyEditors, openEditor } from "../../test/support/editors.ts";
import { type NewShape, removeShapes } from "../model/commands.ts";

afterEach(destroyEditors);

const NOTE: NewShape = { kind: "note", box: { x: 0, y: 0, w: 200, h: 200 }, color: "yellow", text: "" };
const TEXT: NewShape = { kind: "text", box: { x: 0, y: 0, w: 10, h: 26 }, color: "ink", fontSize: 20, text: "a" };

function type(editor: ReturnType<typeof openEditor>["editor"], id: string, text: string): void {
  for (let length = 1; length <= text.length; length++) editor.writing.setText(id, text.slice(0, length));
}

it("a field that opens has its shape selected, and no tool that draws", () => {
  const { editor, ids } = openEditor([NOTE]);
  editor.writing.begin(ids[0] ?? "");
  expect(editor.state).toMatchObject({ writing: ids[0], tool: "select", selection: new Set(ids) });
});

it("what is written until the field closes is one undo step", () => {
  const { editor, board, ids } = openEditor([NOTE]);
  const [id = ""] = ids;
  editor.writing.begin(id);
  type(editor, id, "hello");
  editor.writing.finish();
  editor.writing.begin(id);
  editor.writing.setText(id, "hello there");
  editor.undo();
  expect(editor.state.writing).toBeNull();
  expect(board.shape(id)).toMatchObject({ text: "hello" });
  editor.undo();
  expect(board.shape(id)).toMatchObject({ text: "" });
});

it("a text's box grows with its lines; a note's stays", () => {
  const { editor, board, ids } = openEditor([NOTE, TEXT]);
  const [note = "", text = ""] = ids;
  editor.writing.setText(note, "a long line\nand another");
  expect(board.shape(note)?.box).toEqual({ x: 0, y: 0, w: 200, h: 200 });
  editor.writing.setText(text, "four\nab");
  expect(board.shape(text)?.box).toEqual({ x: 0, y: 0, w: 40, h: 52 });
});

it("a text that is left empty is removed; a note stays", () => {
  const { editor, board, ids } = openEditor([NOTE, TEXT]);
  for (const id of ids) {
    editor.writing.begin(id);
    editor.writing.setText(id, " ");
    editor.writing.finish();
  }
  expect(board.shapes.map(({ kind }) => kind)).toEqual(["note"]);
});

it("the field closes when somebody else removes the shape, and when another tool is taken", () => {
  const { editor, board, ids } = openEditor([NOTE, TEXT]);
  editor.writing.begin(ids[0] ?? "");
  removeShapes(board, ids.slice(0, 1));
  expect(editor.state.writing).toBeNull();
  editor.writing.begin(ids[1] ?? "");
  editor.setTool("pen");
  expect(editor.state).toMatchObject({ writing: null, tool: "pen", announcement: "Pen" });
});

it("the field closes when the right to edit is taken, and the document stays as it is", () => {
  const { editor, board, ids, changesBy } = openEditor([TEXT]);
  const [id = ""] = ids;
  editor.writing.begin(id);
  editor.writing.setText(id, "");
  expect(changesBy(() => editor.setCanEdit(false))).toBe(0);
  expect(editor.state.writing).toBeNull();
  expect(board.shape(id)).toBeDefined();
});
