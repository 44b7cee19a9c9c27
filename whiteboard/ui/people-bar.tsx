import { Check, Link } from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import type { Editor } from "../editor/editor.ts";
import { linkTo } from "../together/address.ts";
import type { User } from "../together/presence.ts";
import type { RoomAddress } from "../together/session.ts";
import { copyText } from "./copy-text.ts";
import { initials } from "./face.tsx";
import { JoinCall } from "./join-call.tsx";
import { PeopleMenu } from "./people-menu.tsx";
import { useMembers } from "./use-members.ts";
import { useEditor } from "./use-store.ts";

/** Faces that are shown; the others are in the list. */
const FACES = 4;
const COPIED_MS = 1_800;

interface PeopleBarProps {
  readonly editor: Editor;
  readonly address: RoomAddress;
  readonly user: User;
  readonly onUser: (user: User) => void;
}

/** The people on the board, and the link that lets others in. */
export function PeopleBar({ editor, address, user, onUser }: PeopleBarProps) {
  const named = useSyncExternalStore(editor.people.subscribe, () => editor.people.named);
  const members = useMembers(editor, user);
  // A token's name goes before what somebody calls themselves.
  const faces = named.map((each) => {
    const member = members.find(({ clientId }) => clientId === each.clientId);
    return { ...each, name: member?.name ?? each.name };
  });
  const following = useEditor(editor, (state) => state.following);
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(linkTo(location, address.room)))) {
      editor.notify("The link could not be copied: it is in the address bar.");
      return;
    }
    editor.announce("Link copied");
    setCopied(true);
    setTimeout(() => setCopied(false), COPIED_MS);
  };
  return (
    <aside className="top-right panel" aria-label="People">
      <ul className="faces" aria-label="Here now">
        {faces.slice(0, FACES).map(({ clientId, name, color }) => (
          <li key={clientId}>
            <button
              type="button"
              className="face"
              style={{ backgroundColor: color }}
              aria-pressed={following === clientId}
              aria-label={`Follow ${name}`}
              title={`Follow ${name}`}
              onClick={() => editor.viewport.follow(following === clientId ? null : clientId)}
            >
              {initials(name)}
            </button>
          </li>
        ))}
        {named.length > FACES && <li className="more">+{named.length - FACES}</li>}
        <li>
          <button
            type="button"
            className="face own"
            style={{ backgroundColor: user.color }}
            popoverTarget="who"
            aria-label={`You are ${user.name}. Change your name, see who is here`}
            title={`${user.name} (you)`}
          >
            {initials(user.name)}
          </button>
        </li>
      </ul>
      <JoinCall editor={editor} members={members} />
      <button type="button" className="button primary copy-link" onClick={() => void copy()}>
        {isCopied ? <Check size={16} aria-hidden="true" /> : <Link size={16} aria-hidden="true" />}
        <span>{isCopied ? "Copied" : "Copy link"}</span>
      </button>
      <PeopleMenu editor={editor} address={address} members={members} user={user} onUser={onUser} />
    </aside>
  );
}
