import { useSyncExternalStore } from "react";
import type { Editor } from "../editor/editor.ts";
import { useEditor } from "./use-store.ts";

/** While the view follows somebody, it is framed in their colour. */
export function FollowFrame({ editor }: { readonly editor: Editor }) {
  const following = useEditor(editor, (state) => state.following);
  const named = useSyncExternalStore(editor.people.subscribe, () => editor.people.named);
  const person = named.find(({ clientId }) => clientId === following);
  if (person === undefined) return null;
  return (
    <div className="follow-frame" style={{ borderColor: person.color }}>
      <button type="button" style={{ backgroundColor: person.color }} onClick={() => editor.viewport.follow(null)}>
        Following {person.name} · Stop
      </button>
    </div>
  );
}
