import { afterEach, expect, it, vi } from "vitest";
import { destroyEditors, openEditor, png } from "../../test/support/editors.ts";
import { addImage } from "./clipboard.ts";

afterEach(() => {
  destroyEditors();
  vi.unstubAllGlobals();
});

const AT = { x: 400, y: 400 };

/** Stands for the browser's decoder. @returns how often it decoded */
function decoder(): () => number {
  const decode = vi.fn(async () => ({ width: 10, height: 10, close: () => {} }));
  vi.stubGlobal("createImageBitmap", decode);
  return () => decode.mock.calls.length;
}

it("an image is decoded and added with the right to edit", async () => {
  const decoded = decoder();
  const { editor, board } = openEditor();
  await addImage(new Blob([png()]), AT, editor);
  expect([decoded(), board.shapes.map(({ kind }) => kind)]).toEqual([1, ["image"]]);
});

it("an image is not even decoded without the right to edit", async () => {
  const decoded = decoder();
  const { editor, board } = openEditor([], { canEdit: false });
  await addImage(new Blob([png()]), AT, editor);
  expect([decoded(), board.shapes]).toEqual([0, []]);
});

it("an image is not added when the right to edit is taken while it is decoded", async () => {
  const decoded = decoder();
  const { editor, board } = openEditor();
  const adding = addImage(new Blob([png()]), AT, editor);
  editor.setCanEdit(false);
  await adding;
  expect([decoded(), board.shapes]).toEqual([1, []]);
});
