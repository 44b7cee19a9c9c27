import { CircleQuestionMark, Maximize, Minus, Plus } from "lucide-react";
import type { Editor } from "../editor/editor.ts";
import { IconButton } from "./icon-button.tsx";
import { useEditor } from "./use-store.ts";

interface CornerProps {
  readonly editor: Editor;
  readonly onHelp: () => void;
}

/** The zoom, and help. */
export function Corner({ editor, onHelp }: CornerProps) {
  const zoom = useEditor(editor, (state) => Math.round(state.camera.zoom * 100));
  return (
    <div className="corner panel bar" role="toolbar" aria-label="View">
      <IconButton icon={Minus} label="Zoom out" shortcut="−" onClick={() => editor.viewport.zoom(0.8)} />
      <button
        type="button"
        className="zoom"
        aria-label={`Zoom ${zoom} %. Back to 100 %`}
        title="Back to 100 %  0"
        onClick={() => editor.viewport.zoom(100 / zoom)}
      >
        {zoom} %
      </button>
      <IconButton icon={Plus} label="Zoom in" shortcut="+" onClick={() => editor.viewport.zoom(1.25)} />
      <IconButton icon={Maximize} label="Show everything" shortcut="1" onClick={() => editor.viewport.fit()} />
      <IconButton icon={CircleQuestionMark} label="Keys and gestures" shortcut="?" onClick={onHelp} />
    </div>
  );
}
