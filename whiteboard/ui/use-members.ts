import { useMemo, useSyncExternalStore } from "react";
import { useParticipants } from "../../client/react/index.ts";
import type { Editor } from "../editor/editor.ts";
import { type Member, membersOf } from "../together/members.ts";
import type { User } from "../together/presence.ts";

/** Everybody in the room, and a new render when somebody comes, leaves or changes. */
export function useMembers(editor: Editor, user: User): readonly Member[] {
  const { provider } = editor.open;
  const participants = useParticipants(provider);
  const named = useSyncExternalStore(editor.people.subscribe, () => editor.people.named);
  const { peer } = provider.connection;
  return useMemo(() => membersOf({ participants, named, you: { peer, user } }), [participants, named, peer, user]);
}
