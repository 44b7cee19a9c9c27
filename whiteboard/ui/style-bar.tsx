import { BringToFront, Copy, PaintBucket, SendToBack, Trash2 } from "lucide-react";
import { useSyncExternalStore } from "react";
import type { Editor } from "../editor/editor.ts";
import { COLORS, type Shape } from "../model/shape.ts";
import type { Tool } from "../tools/tools.ts";
import { IconButton } from "./icon-button.tsx";
import { swatch } from "./swatch.ts";
import { useEditor } from "./use-store.ts";

const SIZES = [
  [2, "Thin"],
  [4, "Medium"],
  [8, "Thick"],
] as const;

/** How new shapes look, or those that are selected. */
export function StyleBar({ editor }: { readonly editor: Editor }) {
  const tool = useEditor(editor, (state) => state.tool);
  const style = useEditor(editor, (state) => state.style);
  const selection = useEditor(editor, (state) => state.selection);
  // The array is another one after each change of a shape.
  useSyncExternalStore(editor.open.board.subscribe.bind(editor.open.board), () => editor.open.board.shapes);
  const selected = selection.size > 0 ? editor.selection.shapes : [];
  if (selected.length === 0 && (tool === "select" || tool === "hand")) return null;

  const colors = new Set(selected.length > 0 ? selected.map(({ color }) => color) : [style.color]);
  const sizes = new Set(
    selected.length > 0 ? selected.map((shape) => ("size" in shape ? shape.size : 0)) : [style.size],
  );
  const isFilled = selected.length > 0 ? selected.some((shape) => "fill" in shape && shape.fill) : style.fill;
  const { color, size, fill } = offered(tool, selected);
  return (
    <div className="panel bar style" role="toolbar" aria-label={selected.length > 0 ? "Selection" : "Style"}>
      {color && (
        <div className="swatches">
          {COLORS.map((name) => (
            <button
              key={name}
              type="button"
              className="swatch"
              aria-label={name === "ink" ? "black" : name}
              title={name === "ink" ? "black" : name}
              aria-pressed={colors.has(name)}
              style={swatch(`var(--ink-${name})`)}
              onClick={() => editor.setStyle({ color: name })}
            />
          ))}
        </div>
      )}
      {size && (
        <div className="group">
          {SIZES.map(([width, label]) => (
            <button
              key={width}
              type="button"
              className="icon-button size"
              aria-label={label}
              title={label}
              aria-pressed={sizes.has(width)}
              onClick={() => editor.setStyle({ size: width })}
            >
              <span style={{ height: width, width: 16 }} />
            </button>
          ))}
        </div>
      )}
      {fill && (
        <div className="group">
          <IconButton
            icon={PaintBucket}
            label="Fill"
            aria-pressed={isFilled}
            onClick={() => editor.setStyle({ fill: !isFilled })}
          />
        </div>
      )}
      {selected.length > 0 && (
        <div className="group">
          <IconButton
            icon={BringToFront}
            label="Bring to front"
            shortcut="]"
            onClick={() => editor.selection.restack("front")}
          />
          <IconButton
            icon={SendToBack}
            label="Send to back"
            shortcut="["
            onClick={() => editor.selection.restack("back")}
          />
          <IconButton icon={Copy} label="Duplicate" shortcut="Ctrl D" onClick={() => editor.selection.duplicate()} />
          <IconButton icon={Trash2} label="Delete" shortcut="Del" onClick={() => editor.selection.remove()} />
        </div>
      )}
    </div>
  );
}

/** Choices that the tool has, or at least one selected shape. */
function offered(tool: Tool, selected: readonly Shape[]) {
  if (selected.length > 0) {
    return {
      color: selected.some(({ kind }) => kind !== "image"),
      size: selected.some((shape) => "size" in shape),
      fill: selected.some((shape) => "fill" in shape),
    };
  }
  return { color: true, size: tool !== "note", fill: tool === "rectangle" || tool === "ellipse" };
}
