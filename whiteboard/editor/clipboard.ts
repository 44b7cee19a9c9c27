/** The clipboard and dropped files, from the browser's events to an editor. */
import type { Point } from "../model/box.ts";
import { shapesToText } from "../model/clipboard.ts";
import type { Editor } from "./editor.ts";
import { importImage } from "./image-import.ts";
import { isForText } from "./pointers.ts";

/** @returns how to stop */
export function attachClipboard(area: HTMLElement, editor: Editor): () => void {
  const stop = new AbortController();
  const { signal } = stop;

  const onCopy = (event: ClipboardEvent): void => {
    const { shapes } = editor.selection;
    if (isForText(event.target) || shapes.length === 0 || !getSelection()?.isCollapsed) return;
    event.clipboardData?.setData("text/plain", shapesToText(shapes, editor.open.board));
    event.preventDefault();
    if (event.type === "cut") editor.selection.remove();
    else editor.announce("Copied");
  };
  const onPaste = (event: ClipboardEvent): void => {
    if (isForText(event.target) || event.clipboardData === null) return;
    event.preventDefault();
    void take(event.clipboardData, editor.viewport.middle, editor);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    if (event.dataTransfer === null) return;
    const { left, top } = area.getBoundingClientRect();
    void take(event.dataTransfer, editor.viewport.toWorld({ x: event.clientX - left, y: event.clientY - top }), editor);
  };

  document.addEventListener("copy", onCopy, { signal });
  document.addEventListener("cut", onCopy, { signal });
  document.addEventListener("paste", onPaste, { signal });
  area.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  area.addEventListener("drop", onDrop, { signal });
  return () => stop.abort();
}

async function take(data: DataTransfer, at: Point, editor: Editor): Promise<void> {
  const files = [...data.files];
  const text = data.getData("text/plain");
  if (files.length === 0) editor.drawing.paste(text, at);
  for (const [index, file] of files.entries()) {
    await addImage(file, { x: at.x + index * 24, y: at.y + index * 24 }, editor);
  }
}

/** Scales a file's image to what a board takes, and adds it; without the right to edit it does neither. @param at where its middle comes to be */
export async function addImage(file: Blob, at: Point, editor: Editor): Promise<void> {
  // `Edits` refuses it anyway: this saves decoding the image, and encoding it anew.
  if (!editor.state.canEdit) return;
  editor.drawing.addImage(await importImage(file), at);
}
