import { useSyncExternalStore } from "react";
import type { Editor } from "../editor/editor.ts";
import type { EditorState } from "../editor/state.ts";

/** One part of an editor's state, and a new render when it changes. */
export function useEditor<Part>(editor: Editor, part: (state: EditorState) => Part): Part {
  return useSyncExternalStore(editor.store.subscribe, () => part(editor.state));
}
