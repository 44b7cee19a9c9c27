import { type RefObject, useEffect, useRef, useState } from "react";
import { attachCanvas } from "../editor/canvas.ts";
import { attachClipboard } from "../editor/clipboard.ts";
import { Editor } from "../editor/editor.ts";
import { runCanvasKey, runShortcut } from "../editor/keys.ts";
import { createMeasurer } from "../editor/measure.ts";
import { attachPointers, isForText } from "../editor/pointers.ts";
import type { Camera } from "../scene/camera.ts";
import type { User } from "../together/presence.ts";
import type { OpenBoard } from "../together/session.ts";
import type { Style } from "../tools/gesture.ts";
import { FollowFrame } from "./follow-frame.tsx";
import { TextEditor } from "./text-editor.tsx";

/** State that goes over to the next document's editor, after the room refused a document. */
export interface Kept {
  readonly camera: Camera | null;
  readonly style: Style;
}

interface BoardAreaProps {
  readonly open: OpenBoard;
  readonly user: User;
  readonly canEdit: boolean;
  readonly isDark: boolean;
  readonly kept: RefObject<Kept>;
  readonly onEditor: (editor: Editor | null) => void;
  readonly onHelp: () => void;
}

/** The canvas, and an editor for as long as it is mounted. Props are read once; later changes go to the editor's methods. */
export function BoardArea(props: BoardAreaProps) {
  const area = useRef<HTMLElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  const live = useRef<HTMLCanvasElement>(null);
  const first = useRef(props);
  const [editor, setEditor] = useState<Editor | null>(null);

  useEffect(() => {
    if (area.current === null || still.current === null || live.current === null) return;
    const surfaces = { area: area.current, still: still.current, live: live.current };
    const { open, user, canEdit, isDark, kept, onEditor } = first.current;
    const measurer = createMeasurer();
    const size = { width: area.current.clientWidth, height: area.current.clientHeight };
    const created = new Editor({
      open,
      user,
      canEdit,
      isDark,
      ...kept.current,
      size,
      measure: measurer.measure,
    });
    const stopCanvas = attachCanvas(surfaces, created, measurer);
    const stopPointers = attachPointers(area.current, created);
    const stopClipboard = attachClipboard(area.current, created);
    setEditor(created);
    onEditor(created);
    return () => {
      kept.current = { camera: created.state.camera, style: created.state.style };
      onEditor(null);
      setEditor(null);
      stopPointers();
      stopClipboard();
      stopCanvas();
      created.destroy();
    };
  }, []);

  const { onHelp } = props;
  useEffect(() => {
    if (editor === null) return;
    const onKey = (event: KeyboardEvent) => {
      // A dialog, a menu and a field have keys of their own.
      if (isForText(event.target) || document.querySelector("dialog[open], [popover]:popover-open") !== null) return;
      if (event.key === "?") onHelp();
      else if (!(event.target === area.current && runCanvasKey(event, editor)) && !runShortcut(event, editor)) return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [editor, onHelp]);

  return (
    <>
      <main
        ref={area}
        className="area"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is interactive: shapes are chosen and moved by keys
        tabIndex={0}
        role="application"
        aria-label="Board"
        aria-describedby="board-keys"
      >
        <canvas ref={still} />
        <canvas ref={live} />
      </main>
      <p id="board-keys" className="unseen">
        Tab goes through the shapes, arrow keys move the selected one, Delete deletes it. Choose a tool and press Enter
        to put down a shape. The question mark shows all keys.
      </p>
      {editor !== null && <TextEditor editor={editor} />}
      {editor !== null && <FollowFrame editor={editor} />}
    </>
  );
}
