/** What is copied, pasted and dropped. */
import type { Point } from "../model/box.ts";
import { shapesFromText, shapesToText } from "../model/clipboard.ts";
import { storeImage } from "../model/images.ts";
import { TEXT_CHARACTERS } from "../model/limits.ts";
import { textSize } from "../scene/text.ts";
import type { Editor } from "./editor.ts";
import { importImage } from "./image-import.ts";
import { isForText } from "./pointers.ts";

/** World units on the longer side of an image that is put down. */
const SHOWN_SIDE = 480;
const PASTED_FONT_SIZE = 24;

/** @returns how to stop */
export function attachClipboard(area: HTMLElement, editor: Editor): () => void {
  const stop = new AbortController();
  const { signal } = stop;

  const onCopy = (event: ClipboardEvent): void => {
    if (isForText(event.target) || editor.selected.length === 0 || !getSelection()?.isCollapsed) return;
    event.clipboardData?.setData("text/plain", shapesToText(editor.selected, editor.open.board));
    event.preventDefault();
    if (event.type === "cut") editor.remove();
    else editor.announce("Copied");
  };
  const onPaste = (event: ClipboardEvent): void => {
    if (isForText(event.target) || event.clipboardData === null) return;
    event.preventDefault();
    void take(event.clipboardData, editor.middle, editor);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    if (event.dataTransfer === null) return;
    const { left, top } = area.getBoundingClientRect();
    void take(event.dataTransfer, editor.toWorld({ x: event.clientX - left, y: event.clientY - top }), editor);
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
  if (files.length > 0) {
    for (const [index, file] of files.entries()) {
      await addImage(file, { x: at.x + index * 24, y: at.y + index * 24 }, editor);
    }
    return;
  }
  const shapes = editor.state.canEdit ? shapesFromText(text, editor.open.board) : null;
  if (shapes !== null) editor.add(shapes, at);
  else if (text.trim() !== "") addText(text.slice(0, TEXT_CHARACTERS), at, editor);
}

function addText(text: string, at: Point, editor: Editor): void {
  const { color } = editor.state.style;
  const size = textSize(text, PASTED_FONT_SIZE, editor.measure);
  editor.add([{ kind: "text", color, box: { x: 0, y: 0, ...size }, fontSize: PASTED_FONT_SIZE, text }], at);
}

export async function addImage(file: Blob, at: Point, editor: Editor): Promise<void> {
  if (!editor.state.canEdit) return;
  const imported = await importImage(file);
  switch (imported.type) {
    case "no-image":
      editor.notify("That file is not an image this browser can read.");
      return;
    case "too-large":
      editor.notify("That image is too large for a board, even scaled down.");
      return;
    case "image": {
      const stored = storeImage(editor.open.board, imported.bytes);
      if (stored.type !== "stored") {
        editor.notify(
          stored.type === "full"
            ? "This board holds as many images as it can. Delete one to make room."
            : "That image is too large for a board, even scaled down.",
        );
        return;
      }
      const { width, height } = imported;
      const scale = Math.min(1, SHOWN_SIDE / Math.max(width, height));
      const box = { x: 0, y: 0, w: width * scale, h: height * scale };
      editor.add([{ kind: "image", color: "ink", box, image: stored.image }], at);
      return;
    }
    default:
      imported satisfies never;
  }
}
