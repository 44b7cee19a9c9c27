import { Check, Link } from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import { linkTo } from "../address.ts";
import type { Editor } from "../editor/editor.ts";
import { cleanName, PERSON_COLORS, type User } from "../together/presence.ts";
import { copyText } from "./copy-text.ts";
import { swatch } from "./swatch.ts";
import { useEditor } from "./use-store.ts";

/** Faces that are shown; the others are in the list. */
const FACES = 4;
const COPIED_MS = 1_800;

interface PeopleBarProps {
  readonly editor: Editor;
  readonly room: string;
  readonly user: User;
  readonly onUser: (user: User) => void;
}

/** Who is here, and how others come. */
export function PeopleBar({ editor, room, user, onUser }: PeopleBarProps) {
  const named = useSyncExternalStore(editor.people.subscribe, () => editor.people.named);
  const following = useEditor(editor, (state) => state.following);
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(linkTo(location, room)))) {
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
        {named.slice(0, FACES).map(({ clientId, name, color }) => (
          <li key={clientId}>
            <button
              type="button"
              className="face"
              style={{ backgroundColor: color }}
              aria-pressed={following === clientId}
              aria-label={`Follow ${name}`}
              title={`Follow ${name}`}
              onClick={() => editor.follow(following === clientId ? null : clientId)}
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
      <button type="button" className="button primary copy-link" onClick={() => void copy()}>
        {isCopied ? <Check size={16} aria-hidden="true" /> : <Link size={16} aria-hidden="true" />}
        <span>{isCopied ? "Copied" : "Copy link"}</span>
      </button>
      <div id="who" popover="auto" className="menu panel who">
        <label>
          Your name
          <input
            defaultValue={user.name}
            maxLength={40}
            onChange={({ currentTarget }) => {
              const name = cleanName(currentTarget.value);
              if (name !== "") onUser({ ...user, name });
            }}
          />
        </label>
        <fieldset className="swatches">
          <legend>Your colour</legend>
          {PERSON_COLORS.map((color, index) => (
            <button
              key={color}
              type="button"
              className="swatch"
              aria-label={`Colour ${index + 1}`}
              aria-pressed={user.color === color}
              style={swatch(color)}
              onClick={() => onUser({ ...user, color })}
            />
          ))}
        </fieldset>
        <hr />
        <p className="caption">{named.length === 0 ? "Nobody else is here." : "Click somebody to follow them"}</p>
        {named.map(({ clientId, name, color }) => (
          <button key={clientId} type="button" onClick={() => editor.follow(clientId)}>
            <span className="face small" style={{ backgroundColor: color }} aria-hidden="true">
              {initials(name)}
            </span>
            {name}
          </button>
        ))}
      </div>
    </aside>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase();
}
