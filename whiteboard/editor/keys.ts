/** The keyboard's table: what the page reacts to, and what its help shows. */
import type { Tool } from "../tools/tools.ts";
import type { Editor } from "./editor.ts";

export interface Shortcut {
  readonly group: "Tools" | "Edit" | "View";
  readonly label: string;
  /** As shown; `Mod` is Control, or Command on a Mac. */
  readonly shown: string;
  readonly matches: (event: KeyboardEvent) => boolean;
  readonly run: (editor: Editor) => void;
}

const tool = (key: string, label: string, wanted: Tool): Shortcut => ({
  group: "Tools",
  label,
  shown: key,
  matches: plain(key.toLowerCase()),
  run: (editor) => editor.setTool(wanted),
});

export const SHORTCUTS: readonly Shortcut[] = [
  tool("V", "Select", "select"),
  tool("H", "Move the view", "hand"),
  tool("P", "Pen", "pen"),
  tool("R", "Rectangle", "rectangle"),
  tool("O", "Ellipse", "ellipse"),
  tool("A", "Arrow", "arrow"),
  tool("L", "Line", "line"),
  tool("T", "Text", "text"),
  tool("N", "Note", "note"),
  edit("Mod Z", "Undo", modified("z"), (editor) => editor.undo()),
  edit(
    "Mod Shift Z",
    "Redo",
    (event) => modified("z", true)(event) || modified("y")(event),
    (editor) => editor.redo(),
  ),
  edit("Mod A", "Select all", modified("a"), (editor) => editor.selection.selectAll()),
  edit("Mod D", "Duplicate", modified("d"), (editor) => editor.selection.duplicate()),
  edit(
    "Delete",
    "Delete",
    (event) => plain("delete")(event) || plain("backspace")(event),
    (editor) => editor.selection.remove(),
  ),
  edit("]", "Bring to front", plain("]"), (editor) => editor.selection.restack("front")),
  edit("[", "Send to back", plain("["), (editor) => editor.selection.restack("back")),
  edit("Esc", "Cancel, deselect", plain("escape"), (editor) => {
    if (editor.gestures.isBusy) editor.gestures.cancel();
    else if (editor.state.following !== null) editor.viewport.follow(null);
    else if (editor.state.selection.size > 0) editor.selection.select([]);
    else editor.setTool("select");
  }),
  view(
    "+",
    "Zoom in",
    (event) => plain("+")(event) || plain("=")(event),
    (editor) => editor.viewport.zoom(1.25),
  ),
  view("−", "Zoom out", plain("-"), (editor) => editor.viewport.zoom(0.8)),
  view("0", "Zoom to 100 %", plain("0"), (editor) => editor.viewport.zoom(1 / editor.state.camera.zoom)),
  view("1", "Show everything", plain("1"), (editor) => editor.viewport.fit()),
];

/** Gestures and keys that stand in the help and not in the table: they belong to the pointer, or to the canvas alone. */
export const GESTURES: readonly (readonly [shown: string, label: string])[] = [
  ["Space + drag", "Move the view"],
  ["Wheel", "Move the view"],
  ["Mod + wheel", "Zoom"],
  ["Shift + drag", "Keep it even, or straight"],
  ["Tab", "Next shape"],
  ["Arrow keys", "Move the selection, or the view"],
  ["Enter", "Write in the selection, or put down a shape"],
];

/** Runs the shortcut that a key matches. @returns whether there is one */
export function runShortcut(event: KeyboardEvent, editor: Editor): boolean {
  const shortcut = SHORTCUTS.find(({ matches }) => matches(event));
  shortcut?.run(editor);
  return shortcut !== undefined;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Runs a key that has a meaning while the canvas has the focus. @returns whether it has one */
export function runCanvasKey(event: KeyboardEvent, editor: Editor): boolean {
  const arrow = ARROWS[event.key];
  const { selection, tool: current } = editor.state;
  if (arrow !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const step = event.shiftKey ? 24 : 4;
    if (selection.size > 0) editor.selection.nudge(arrow[0] * step, arrow[1] * step);
    else editor.viewport.pan({ x: -arrow[0] * step * 8, y: -arrow[1] * step * 8 });
    return true;
  }
  if (event.key === "Tab") return editor.selection.selectNext(event.shiftKey ? -1 : 1);
  if (event.key !== "Enter") return false;
  const [shape] = editor.selection.shapes;
  if (current !== "select") editor.drawing.place();
  else if (shape?.kind === "text" || shape?.kind === "note") editor.writing.begin(shape.id);
  return true;
}

function edit(shown: string, label: string, matches: Shortcut["matches"], run: Shortcut["run"]): Shortcut {
  return { group: "Edit", label, shown, matches, run };
}

function view(shown: string, label: string, matches: Shortcut["matches"], run: Shortcut["run"]): Shortcut {
  return { group: "View", label, shown, matches, run };
}

function plain(key: string): Shortcut["matches"] {
  return (event) => event.key.toLowerCase() === key && !event.ctrlKey && !event.metaKey && !event.altKey;
}

function modified(key: string, shift = false): Shortcut["matches"] {
  return (event) =>
    event.key.toLowerCase() === key && (event.ctrlKey || event.metaKey) && event.shiftKey === shift && !event.altKey;
}
