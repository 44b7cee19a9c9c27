import {
  Circle,
  Hand,
  ImagePlus,
  type LucideIcon,
  MousePointer2,
  MoveUpRight,
  Pencil,
  Redo2,
  Slash,
  Square,
  StickyNote,
  Type,
  Undo2,
} from "lucide-react";
import { useRef } from "react";
import { addImage } from "../editor/clipboard.ts";
import type { Editor } from "../editor/editor.ts";
import { TOOL_NAMES } from "../editor/words.ts";
import type { Tool } from "../tools/tools.ts";
import { IconButton } from "./icon-button.tsx";
import { StyleBar } from "./style-bar.tsx";
import { useEditor } from "./use-store.ts";

const TOOLS: readonly (readonly [Tool, LucideIcon, string])[] = [
  ["select", MousePointer2, "V"],
  ["hand", Hand, "H"],
  ["pen", Pencil, "P"],
  ["rectangle", Square, "R"],
  ["ellipse", Circle, "O"],
  ["arrow", MoveUpRight, "A"],
  ["line", Slash, "L"],
  ["text", Type, "T"],
  ["note", StickyNote, "N"],
];

/** The tools, how they draw, and the way back. */
export function BottomBar({ editor }: { readonly editor: Editor }) {
  const tool = useEditor(editor, (state) => state.tool);
  const canEdit = useEditor(editor, (state) => state.canEdit);
  const canUndo = useEditor(editor, (state) => state.canUndo);
  const canRedo = useEditor(editor, (state) => state.canRedo);
  const file = useRef<HTMLInputElement>(null);
  return (
    <div className="bottom">
      <div className="upper">
        {canEdit && (
          <div className="panel bar history" role="toolbar" aria-label="History">
            <IconButton icon={Undo2} label="Undo" shortcut="Ctrl Z" disabled={!canUndo} onClick={() => editor.undo()} />
            <IconButton
              icon={Redo2}
              label="Redo"
              shortcut="Ctrl ⇧ Z"
              disabled={!canRedo}
              onClick={() => editor.redo()}
            />
          </div>
        )}
        {canEdit && <StyleBar editor={editor} />}
      </div>
      <div className="panel bar tools" role="toolbar" aria-label="Tools">
        {TOOLS.filter(([name]) => canEdit || name === "select" || name === "hand").map(([name, icon, key]) => (
          <IconButton
            key={name}
            icon={icon}
            label={TOOL_NAMES[name]}
            shortcut={key}
            className={`tool ${name}`}
            aria-pressed={tool === name}
            onClick={() => editor.setTool(name)}
          />
        ))}
        {canEdit && (
          <IconButton icon={ImagePlus} label="Image" className="tool image" onClick={() => file.current?.click()} />
        )}
        <input
          ref={file}
          type="file"
          accept="image/*"
          hidden
          aria-label="Image file"
          onChange={({ currentTarget }) => {
            for (const chosen of currentTarget.files ?? []) void addImage(chosen, editor.viewport.middle, editor);
            currentTarget.value = "";
          }}
        />
      </div>
    </div>
  );
}
