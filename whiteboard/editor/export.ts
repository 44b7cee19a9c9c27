/** The drawing as a file: what is selected, or all of it. */
import { readImage } from "../model/images.ts";
import type { Shape } from "../model/shape.ts";
import { paintPicture, pictureBox, pictureScale, svgOf } from "../scene/export.ts";
import { contextOf } from "../scene/static-layer.ts";
import type { Editor } from "./editor.ts";

/** @returns `null` when there is nothing to show */
export async function exportPng(editor: Editor): Promise<Blob | null> {
  const shapes = chosen(editor);
  const box = pictureBox(shapes);
  if (box === null) return null;
  await editor.bitmaps.settle(shapes.flatMap((shape) => (shape.kind === "image" ? [shape.image] : [])));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(box.w * pictureScale(box));
  canvas.height = Math.ceil(box.h * pictureScale(box));
  const { measure, bitmaps } = editor;
  const { theme } = editor.state;
  paintPicture(contextOf(canvas), shapes, box, { theme, measure, imageOf: bitmaps.get, editing: null });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** @returns `null` when there is nothing to show */
export function exportSvg(editor: Editor): Blob | null {
  const shapes = chosen(editor);
  const box = pictureBox(shapes);
  if (box === null) return null;
  const { measure, open } = editor;
  const { theme } = editor.state;
  const svg = svgOf(shapes, box, { theme, measure, bytesOf: (image) => readImage(open.board, image) });
  return new Blob([svg], { type: "image/svg+xml" });
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun when the click returns; its blob is read a little later.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function chosen(editor: Editor): readonly Shape[] {
  const { shapes } = editor.selection;
  return shapes.length > 0 ? shapes : editor.open.board.shapes;
}
