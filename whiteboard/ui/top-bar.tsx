import { CircleQuestionMark, FileImage, Image as ImageIcon, Menu, Moon, Plus, Sun } from "lucide-react";
import type { Editor } from "../editor/editor.ts";
import { download, exportPng, exportSvg } from "../editor/export.ts";
import type { Status } from "../together/status.ts";
import { StatusLight } from "./status-light.tsx";
import type { ThemeName } from "./use-theme.ts";

interface TopBarProps {
  readonly editor: Editor;
  readonly room: string;
  readonly status: Status;
  readonly theme: ThemeName;
  readonly onTheme: (theme: ThemeName) => void;
  readonly onHelp: () => void;
  readonly onRetry: () => void;
}

/** The board's name, its menu, and the light that says what is saved. */
export function TopBar({ editor, room, status, theme, onTheme, onHelp, onRetry }: TopBarProps) {
  const save = async (blob: Blob | null | Promise<Blob | null>, extension: string) => {
    const made = await blob;
    if (made === null) editor.notify("There is nothing to export yet.");
    else download(made, `${room.replaceAll("/", "-")}.${extension}`);
  };
  const choose = (action: () => void) => () => {
    document.getElementById("menu")?.hidePopover();
    action();
  };
  const other: ThemeName = theme === "dark" ? "light" : "dark";
  return (
    <header className="top-left panel">
      <button type="button" className="icon-button" aria-label="Menu" title="Menu" popoverTarget="menu">
        <Menu size={18} strokeWidth={1.8} aria-hidden="true" />
      </button>
      <h1 className="room-name" title={room}>
        {room}
      </h1>
      <StatusLight status={status} onRetry={onRetry} />
      <div id="menu" popover="auto" className="menu panel">
        <button type="button" onClick={choose(() => void save(exportPng(editor), "png"))}>
          <ImageIcon size={16} aria-hidden="true" /> Export as PNG
        </button>
        <button type="button" onClick={choose(() => void save(exportSvg(editor), "svg"))}>
          <FileImage size={16} aria-hidden="true" /> Export as SVG
        </button>
        <hr />
        <button type="button" onClick={choose(() => onTheme(other))}>
          {theme === "dark" ? <Sun size={16} aria-hidden="true" /> : <Moon size={16} aria-hidden="true" />}
          {theme === "dark" ? "Light theme" : "Dark theme"}
        </button>
        <button type="button" onClick={choose(onHelp)}>
          <CircleQuestionMark size={16} aria-hidden="true" /> Keys and gestures
        </button>
        <hr />
        <a href="/" target="_blank" rel="noopener">
          <Plus size={16} aria-hidden="true" /> New board
        </a>
      </div>
    </header>
  );
}
