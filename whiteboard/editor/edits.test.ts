import { afterEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { destroyEditors, openEditor, png, square } from "../../test/support/editors.ts";
import { Board } from "../model/board.ts";
import { shapesToText } from "../model/clipboard.ts";
import { addShapes, type NewShape } from "../model/commands.ts";
import { storeImage } from "../model/images.ts";
import type { PointerInput } from "../tools/gesture.ts";
import { Drawing } from "./drawing.ts";
import { Editor } from "./editor.ts";
import { Gestures } from "./gestures.ts";
import { runCanvasKey, runShortcut, SHORTCUTS } from "./keys.ts";
import { Selection } from "./selection.ts";
import { Viewport } from "./viewport.ts";
import { Writing } from "./writing.ts";

afterEach(destroyEditors);

const NOTE: NewShape = { kind: "note", box: { x: 300, y: 0, w: 200, h: 200 }, color: "yellow", text: "note" };
const TEXT: NewShape = { kind: "text", box: { x: 0, y: 300, w: 50, h: 30 }, color: "ink", fontSize: 24, text: "text" };
const AT = { x: 400, y: 400 };

type Opened = ReturnType<typeof openEditor>;

/** An editor on two squares, a note and a text, with the lower square selected. */
function open(): Opened {
  const opened = openEditor([square(0), square(150), NOTE, TEXT]);
  opened.editor.selection.select(opened.ids.slice(0, 1));
  return opened;
}

function input(x: number, y: number): PointerInput {
  return { at: { x, y }, samples: [{ x, y }], shift: false };
}

function drag({ editor }: Opened): void {
  editor.gestures.begin(input(50, 50), false);
  editor.gestures.move(input(90, 90));
  editor.gestures.finish();
}

function key(name: string, modifiers: Partial<KeyboardEvent> = {}): KeyboardEvent {
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  return { key: name, ...none, ...modifiers } as KeyboardEvent;
}

/** Two shapes as another board copies them; one shows an image. */
function copied(): string {
  const board = new Board(new Y.Doc());
  const stored = storeImage(board, png());
  if (stored.type !== "stored") throw new Error("not stored");
  addShapes(board, [square(0), { kind: "image", box: { x: 0, y: 0, w: 5, h: 5 }, color: "ink", image: stored.image }]);
  return shapesToText(board.shapes, board);
}

const NONE = () => {};
const take =
  (tool: "pen" | "rectangle" | "note" | "select") =>
  ({ editor }: Opened): void =>
    editor.store.set({ tool });
const nudge = ({ editor }: Opened): void => editor.selection.nudge(1, 1);
const nudgeBack = (opened: Opened): void => {
  nudge(opened);
  opened.editor.undo();
};
const beginEmptyText = ({ editor }: Opened): void => {
  editor.store.set({ tool: "select" });
  editor.gestures.openAt(AT);
};

/** Each public way to edit. What is prepared is done with the right to edit, and the rest perhaps without it. */
const EDITS: readonly (readonly [name: string, prepare: (opened: Opened) => void, edit: (opened: Opened) => void])[] = [
  ["Selection.nudge", NONE, nudge],
  ["Selection.remove", NONE, ({ editor }) => editor.selection.remove()],
  ["Selection.duplicate", NONE, ({ editor }) => editor.selection.duplicate()],
  ["Selection.restack", NONE, ({ editor }) => editor.selection.restack("front")],
  ["Selection.restyle", NONE, ({ editor }) => editor.selection.restyle({ color: "red" })],
  ["Writing.setText", NONE, ({ editor, ids }) => editor.writing.setText(ids[2] ?? "", "other")],
  ["Writing.setText of a text", NONE, ({ editor, ids }) => editor.writing.setText(ids[3] ?? "", "other")],
  ["Writing.finish of an empty text", beginEmptyText, ({ editor }) => editor.writing.finish()],
  ["Drawing.place", take("rectangle"), ({ editor }) => editor.drawing.place()],
  ["Drawing.place of a note", take("note"), ({ editor }) => editor.drawing.place()],
  [
    "Drawing.carryOut of a new shape",
    NONE,
    ({ editor }) => editor.drawing.carryOut({ type: "add", shape: square(9), next: "draw-on" }),
  ],
  [
    "Drawing.carryOut of a move",
    NONE,
    ({ editor, ids }) => editor.drawing.carryOut({ type: "transform", ids, transform: { sx: 1, sy: 1, dx: 5, dy: 5 } }),
  ],
  ["Drawing.paste of a text", NONE, ({ editor }) => editor.drawing.paste("hello", AT)],
  ["Drawing.paste of shapes with an image", NONE, ({ editor }) => editor.drawing.paste(copied(), AT)],
  [
    "Drawing.addImage",
    NONE,
    ({ editor }) => editor.drawing.addImage({ type: "image", bytes: png(), width: 10, height: 10 }, AT),
  ],
  ["Gestures.finish of a stroke", take("pen"), drag],
  ["Gestures.finish of a note", take("note"), drag],
  ["Gestures.finish of a move", take("select"), drag],
  ["Gestures.begin while an empty text is written", beginEmptyText, drag],
  ["Gestures.openAt empty ground", take("select"), ({ editor }) => editor.gestures.openAt(AT)],
  ["Editor.setStyle", NONE, ({ editor }) => editor.setStyle({ size: 8 })],
  ["Editor.setTool while an empty text is written", beginEmptyText, ({ editor }) => editor.setTool("select")],
  ["Editor.undo", nudge, ({ editor }) => editor.undo()],
  ["Editor.redo", nudgeBack, ({ editor }) => editor.redo()],
  ["Ctrl Z", nudge, ({ editor }) => runShortcut(key("z", { ctrlKey: true }), editor)],
  ["Ctrl Y", nudgeBack, ({ editor }) => runShortcut(key("y", { ctrlKey: true }), editor)],
  ["Ctrl D", NONE, ({ editor }) => runShortcut(key("d", { ctrlKey: true }), editor)],
  ["Delete", NONE, ({ editor }) => runShortcut(key("Delete"), editor)],
  ["]", NONE, ({ editor }) => runShortcut(key("]"), editor)],
  ["an arrow key", NONE, ({ editor }) => runCanvasKey(key("ArrowLeft"), editor)],
  ["Enter with a tool", take("rectangle"), ({ editor }) => runCanvasKey(key("Enter"), editor)],
];

/** Public methods that never edit. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  Editor: ["destroy", "setTheme", "setUser", "setCanEdit", "notify", "announce"],
  Viewport: [
    "toWorld",
    "resize",
    "pan",
    "zoom",
    "setCamera",
    "fit",
    "reveal",
    "hold",
    "follow",
    "dropLeft",
    "glide",
    "showArrived",
  ],
  Selection: ["select", "selectAll", "selectNext", "dropRemoved"],
  Writing: ["begin", "dropRemoved"],
  Drawing: [],
  Gestures: ["move", "cancel", "cursorAt"],
};

describe("the right to edit", () => {
  it.each(EDITS)("%s changes the document with the right to edit", (_name, prepare, edit) => {
    const opened = open();
    prepare(opened);
    expect(opened.changesBy(() => edit(opened))).toBeGreaterThan(0);
  });

  it.each(EDITS)("%s changes nothing in the document without it", (_name, prepare, edit) => {
    const opened = open();
    prepare(opened);
    const before = Y.encodeStateAsUpdate(opened.doc);
    // The right alone is taken: the tool, the selection and a text that is written stay as they are.
    opened.editor.store.set({ canEdit: false });
    expect(opened.changesBy(() => edit(opened))).toBe(0);
    expect(Y.encodeStateAsUpdate(opened.doc)).toEqual(before);
  });

  it.each([Editor, Viewport, Selection, Writing, Drawing, Gestures])(
    "the table has each public method of %o, or it is one of those that never edit",
    ({ name, prototype }) => {
      const properties = Object.entries(Object.getOwnPropertyDescriptors(prototype));
      const methods = properties.filter(([key, { value }]) => key !== "constructor" && typeof value === "function");
      const others = OTHERS[name] ?? [];
      const isTold = (method: string) => EDITS.some(([edit]) => edit.split(" ")[0] === `${name}.${method}`);
      expect(methods.map(([method]) => method).filter((method) => !others.includes(method) && !isTold(method))).toEqual(
        [],
      );
      expect(others.filter((method) => !methods.some(([each]) => each === method))).toEqual([]);
    },
  );

  it("no shortcut changes the document without it", () => {
    for (const { run } of SHORTCUTS) {
      const opened = open();
      nudge(opened);
      opened.editor.setCanEdit(false);
      expect(opened.changesBy(() => run(opened.editor))).toBe(0);
    }
  });

  it("without it no field opens: neither by Enter nor by a double click nor by the tool", () => {
    const { editor, ids } = open();
    editor.setCanEdit(false);
    editor.setTool("select");
    editor.selection.select(ids.slice(2, 3));
    runCanvasKey(key("Enter"), editor);
    editor.gestures.openAt({ x: 400, y: 100 });
    editor.drawing.carryOut({ type: "write", id: ids[2] ?? "" });
    expect(editor.state.writing).toBeNull();
    editor.setCanEdit(true);
    editor.writing.begin(ids[2] ?? "");
    expect(editor.state.writing).toBe(ids[2]);
  });

  it("without it a deletion, an undo and an image that can't be read are told to nobody", () => {
    const opened = open();
    nudge(opened);
    opened.editor.store.set({ canEdit: false, announcement: "" });
    opened.editor.selection.remove();
    opened.editor.undo();
    opened.editor.drawing.addImage({ type: "no-image" }, AT);
    expect(opened.editor.state).toMatchObject({ announcement: "", notice: null });
  });

  it("the commands do not take the board that the editor shows", () => {
    const { editor, board } = open();
    // @ts-expect-error a reader of a board is none that can be edited
    const wrong: Board = editor.open.board;
    expect(wrong).toBe(board);
  });
});

describe("an undo step", () => {
  it("is what one action did, together with its selection", () => {
    const { editor, board } = open();
    editor.selection.duplicate();
    editor.selection.nudge(5, 0);
    expect(board.shapes).toHaveLength(5);
    editor.undo();
    expect(editor.selection.shapes.map(({ box }) => box.x)).toEqual([24]);
    editor.undo();
    expect(board.shapes).toHaveLength(4);
    expect(editor.selection.ids.size).toBe(0);
    expect(editor.state).toMatchObject({ canUndo: false, canRedo: true, announcement: "Undone" });
    editor.undo();
    expect(board.shapes).toHaveLength(4);
  });

  it("of a paste brings its shapes as a whole, around the point, selected", () => {
    const { editor, board } = open();
    editor.drawing.paste(copied(), AT);
    expect(editor.selection.shapes.map(({ kind }) => kind)).toEqual(["rectangle", "image"]);
    expect(editor.selection.shapes[0]?.box).toMatchObject({ x: 350, y: 350 });
    editor.undo();
    expect(board.shapes).toHaveLength(4);
  });
});
