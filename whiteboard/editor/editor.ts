import type { BoardReader } from "../model/board.ts";
import type { NewShape } from "../model/commands.ts";
import type { Camera, Size } from "../scene/camera.ts";
import type { Measure } from "../scene/text.ts";
import { DARK, LIGHT } from "../scene/theme.ts";
import { People } from "../together/people.ts";
import type { User } from "../together/presence.ts";
import type { OpenBoard } from "../together/session.ts";
import { Teller } from "../together/teller.ts";
import type { Style } from "../tools/gesture.ts";
import type { Tool } from "../tools/tools.ts";
import { Bitmaps } from "./bitmaps.ts";
import { Drawing } from "./drawing.ts";
import { Edits } from "./edits.ts";
import { Gestures } from "./gestures.ts";
import { Selection } from "./selection.ts";
import type { EditorState, EditorStore } from "./state.ts";
import { Store } from "./store.ts";
import { Viewport } from "./viewport.ts";
import { TOOL_NAMES } from "./words.ts";
import { Writing } from "./writing.ts";

interface EditorOptions {
  readonly open: OpenBoard;
  readonly user: User;
  readonly canEdit: boolean;
  readonly isDark: boolean;
  /** The camera of an earlier editor; `null` to begin at the middle of the board. */
  readonly camera: Camera | null;
  readonly style: Style;
  /** The canvas's size, in CSS pixels. */
  readonly size: Size;
  readonly measure: Measure;
}

/** One person's work on a board. It needs no DOM: pointers, keys and the canvas are attached to it. */
export class Editor {
  /** The board is there to be read. The editor's parts edit it. */
  readonly open: { readonly board: BoardReader; readonly provider: OpenBoard["provider"] };
  readonly people: People;
  readonly teller: Teller;
  readonly store: EditorStore;
  readonly bitmaps: Bitmaps;
  readonly measure: Measure;
  readonly viewport: Viewport;
  readonly selection: Selection;
  readonly writing: Writing;
  readonly drawing: Drawing;
  readonly gestures: Gestures;
  readonly #edits: Edits;
  readonly #stops: readonly (() => void)[];
  /** The tool that comes back when the right to edit is given back. */
  #toolToEdit: Tool = "pen";

  constructor({ open, user, canEdit, isDark, camera, style, size, measure }: EditorOptions) {
    const { board, history, provider } = open;
    this.open = { board, provider };
    this.measure = measure;
    this.people = new People(provider.awareness);
    this.teller = new Teller(provider.awareness, user);
    this.bitmaps = new Bitmaps(board);
    this.store = new Store<EditorState>({
      tool: canEdit ? "pen" : "hand",
      style,
      theme: isDark ? DARK : LIGHT,
      selection: new Set(),
      writing: null,
      camera: camera ?? { x: -size.width / 2, y: -size.height / 2, zoom: 1 },
      following: null,
      canEdit,
      canUndo: history.canUndo,
      canRedo: history.canRedo,
      announcement: "",
      notice: null,
    });
    const { store, people, teller } = this;
    const edits = new Edits(board, history, store);
    const viewport = new Viewport({ store, board, people, teller, size, isPlaced: camera !== null });
    const selection = new Selection({ store, board, edits, viewport, teller });
    const writing = new Writing({ store, board, edits, selection, measure });
    const drawing = new Drawing({ store, edits, viewport, selection, writing, measure });
    this.#edits = edits;
    this.viewport = viewport;
    this.selection = selection;
    this.writing = writing;
    this.drawing = drawing;
    this.gestures = new Gestures({ store, board, viewport, selection, writing, drawing, teller });
    this.#stops = [
      history.subscribe(() => store.set({ canUndo: history.canUndo, canRedo: history.canRedo })),
      board.subscribe(() => {
        selection.dropRemoved();
        writing.dropRemoved();
        viewport.showArrived();
      }),
      people.subscribe(() => viewport.dropLeft()),
    ];
    viewport.showArrived();
  }

  get state(): EditorState {
    return this.store.value;
  }

  destroy(): void {
    for (const stop of this.#stops) stop();
    this.bitmaps.destroy();
    this.teller.destroy();
    this.people.destroy();
  }

  setTheme(isDark: boolean): void {
    this.store.set({ theme: isDark ? DARK : LIGHT });
  }

  setUser(user: User): void {
    this.teller.tellNow({ user });
  }

  /** @returns the shape that was being drawn when the right to edit was taken */
  setCanEdit(canEdit: boolean): NewShape | null {
    if (canEdit === this.state.canEdit) return null;
    const outcome = this.gestures.cancel();
    if (canEdit) this.store.set({ canEdit, tool: this.#toolToEdit });
    else {
      this.#toolToEdit = this.state.tool;
      this.store.set({ canEdit, tool: "hand", writing: null });
    }
    return !canEdit && outcome.type === "add" ? outcome.shape : null;
  }

  /** Without the right to edit, only the tools that select and move the view can be taken. */
  setTool(tool: Tool): void {
    if (!this.state.canEdit && tool !== "select" && tool !== "hand") return;
    this.writing.finish();
    this.gestures.cancel();
    this.store.set({ tool, announcement: TOOL_NAMES[tool] });
    if (tool !== "select") this.selection.select([]);
  }

  /** Sets how new shapes look, and those that are selected. */
  setStyle(style: Partial<Style>): void {
    this.store.set({ style: { ...this.state.style, ...style } });
    this.selection.restyle(style);
  }

  undo(): void {
    this.writing.finish();
    if (this.#edits.undo()) this.announce("Undone");
  }

  redo(): void {
    this.writing.finish();
    if (this.#edits.redo()) this.announce("Redone");
  }

  /** Shows what went wrong, in words; `null` to show nothing. */
  notify(notice: string | null): void {
    this.store.set({ notice, ...(notice !== null && { announcement: notice }) });
  }

  /** Says something to a screen reader. */
  announce(announcement: string): void {
    this.store.set({ announcement });
  }
}
