import type { Camera } from "../scene/camera.ts";
import type { Theme } from "../scene/theme.ts";
import type { Style } from "../tools/gesture.ts";
import type { Tool } from "../tools/tools.ts";
import type { Store } from "./store.ts";

/** State of the editor, which the page around the canvas shows. */
export interface EditorState {
  readonly tool: Tool;
  /** How new shapes look. */
  readonly style: Style;
  readonly theme: Theme;
  /** Ids of shapes that exist. */
  readonly selection: ReadonlySet<string>;
  /** The shape whose text is being written. */
  readonly writing: string | null;
  readonly camera: Camera;
  /** The client whose view this page follows. */
  readonly following: number | null;
  readonly canEdit: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** For a screen reader. */
  readonly announcement: string;
  /** Something that went wrong, in words. */
  readonly notice: string | null;
}

/** Shared by the editor's parts: each sets the fields that it owns. */
export type EditorStore = Store<EditorState>;
