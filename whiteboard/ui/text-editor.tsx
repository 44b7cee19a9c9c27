import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Editor } from "../editor/editor.ts";
import { TEXT_CHARACTERS } from "../model/limits.ts";
import { hasText } from "../model/shape.ts";
import { toScreen } from "../scene/camera.ts";
import { LINE_HEIGHT, NOTE_PADDING, setNote } from "../scene/text.ts";
import { useEditor } from "./use-store.ts";

/** A field above the shape whose text is written, set as the canvas sets it. */
export function TextEditor({ editor }: { readonly editor: Editor }) {
  const id = useEditor(editor, ({ writing }) => writing);
  return id === null ? null : <Field key={id} editor={editor} id={id} />;
}

function Field({ editor, id }: { readonly editor: Editor; readonly id: string }) {
  const { board } = editor.open;
  const camera = useEditor(editor, (state) => state.camera);
  const theme = useEditor(editor, (state) => state.theme);
  const [shape, setShape] = useState(() => board.shape(id));
  const field = useRef<HTMLTextAreaElement>(null);

  // Others may write in it, or move it, at the same time.
  useEffect(() => board.subscribe((changed) => changed.has(id) && setShape(board.shape(id))), [board, id]);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const text = shape !== undefined && hasText(shape) ? shape.text : "";
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null || element.value === text) return;
    const { selectionStart, selectionEnd, value } = element;
    element.value = text;
    // Text that others insert before the caret moves it.
    const by = value.startsWith(text.slice(0, selectionStart)) ? 0 : text.length - value.length;
    element.setSelectionRange(selectionStart + by, selectionEnd + by);
  }, [text]);

  if (shape === undefined || !hasText(shape)) return null;
  const { measure } = editor;
  const { x, y } = toScreen(camera, shape.box);
  const isNote = shape.kind === "note";
  const set = isNote ? setNote(shape.text, shape.box, measure) : null;
  const fontSize = shape.kind === "text" ? shape.fontSize : (set?.fontSize ?? 0);
  const padding = isNote ? NOTE_PADDING * Math.max(0.25, Math.min(shape.box.w, shape.box.h) / 200) : 0;
  const lines = Math.max(1, set?.lines.length ?? 1);
  const top = isNote ? Math.max(padding, (shape.box.h - lines * fontSize * LINE_HEIGHT) / 2) : 0;
  return (
    <textarea
      ref={field}
      className={`writing ${shape.kind}`}
      aria-label={isNote ? "Text of the note" : "Text"}
      defaultValue={text}
      maxLength={TEXT_CHARACTERS}
      spellCheck={false}
      onInput={({ currentTarget }) => editor.writing.setText(id, currentTarget.value)}
      onBlur={() => editor.writing.finish()}
      onKeyDown={(event) => {
        if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
          event.preventDefault();
          editor.writing.finish();
          document.querySelector<HTMLElement>(".area")?.focus();
        }
        event.stopPropagation();
      }}
      style={{
        transform: `translate(${x}px, ${y}px) scale(${camera.zoom})`,
        width: isNote ? shape.box.w : shape.box.w + fontSize,
        height: shape.box.h,
        fontSize,
        lineHeight: LINE_HEIGHT,
        padding: `${top}px ${padding}px 0`,
        color: isNote ? theme.noteText : theme.ink[shape.color],
      }}
    />
  );
}
