import { Lock, LockOpen } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { errorCodeOf, type Moderation, type Problem } from "../../client/index.ts";
import type { Editor } from "../editor/editor.ts";
import type { Member } from "../together/members.ts";
import type { User } from "../together/presence.ts";
import { moderationWords } from "../together/refusal-words.ts";
import { isRoomLocked, lockRoom } from "../together/room-lock.ts";
import type { RoomAddress } from "../together/session.ts";
import { PersonRow } from "./person-row.tsx";
import { useEditor } from "./use-store.ts";
import { You } from "./you.tsx";

interface PeopleMenuProps {
  readonly editor: Editor;
  readonly address: RoomAddress;
  readonly members: readonly Member[];
  readonly user: User;
  readonly onUser: (user: User) => void;
}

interface Banned {
  readonly subject: string;
  readonly name: string;
}

/** Everybody in the room; who may moderate does so here. */
export function PeopleMenu({ editor, address, members, user, onUser }: PeopleMenuProps) {
  const { provider } = editor.open;
  const following = useEditor(editor, (state) => state.following);
  const capabilities = members.find(({ isYou }) => isYou)?.capabilities ?? [];
  const canModerate = capabilities.includes("moderate");
  const { isLocked, lookAgain, lock } = useLock(editor, address, canModerate);
  // Whom this page banned: they are in the list no more.
  const [banned, setBanned] = useState<readonly Banned[]>([]);

  useEffect(() => {
    const onProblem = (problem: Problem) => {
      const words = problem.source === "room" && canModerate ? moderationWords(problem.code) : null;
      if (words !== null) editor.notify(words);
    };
    provider.on("problem", onProblem);
    return () => provider.off("problem", onProblem);
  }, [provider, editor, canModerate]);

  const moderate = (moderation: Moderation) => {
    try {
      provider.connection.moderate(moderation);
    } catch (caught) {
      editor.notify(wordsFor(caught));
      return;
    }
    if (moderation.action !== "ban" && moderation.action !== "unban") return;
    const { action, subject } = moderation;
    const name = members.find((member) => member.subject === subject)?.name ?? subject;
    const others = banned.filter((each) => each.subject !== subject);
    setBanned(action === "ban" ? [...others, { subject, name }] : others);
  };

  return (
    <div
      id="who"
      popover="auto"
      className="menu panel who"
      onToggle={({ newState }) => newState === "open" && lookAgain()}
    >
      <You user={user} onUser={onUser} />
      <hr />
      <p className="caption">{members.length < 2 ? "Nobody else is here." : "Click somebody to follow them"}</p>
      <ul className="people" aria-label="Everybody here">
        {members.map((member) => (
          <PersonRow
            key={member.peer}
            member={member}
            isFollowed={member.clientId !== null && following === member.clientId}
            onFollow={() => editor.viewport.follow(following === member.clientId ? null : member.clientId)}
            moderator={canModerate ? { capabilities, moderate } : null}
          />
        ))}
      </ul>
      {canModerate && (
        <>
          {banned.map(({ subject, name }) => (
            <div key={subject} className="person-line banned">
              <span className="cut">{name} is banned</span>
              <button type="button" className="button" onClick={() => moderate({ action: "unban", subject })}>
                Let in again
              </button>
            </div>
          ))}
          <hr />
          <button type="button" className="lock" disabled={isLocked === null} onClick={() => void lock(!isLocked)}>
            {isLocked ? <LockOpen size={16} aria-hidden="true" /> : <Lock size={16} aria-hidden="true" />}
            {isLocked ? "Unlock" : "Lock room"}
          </button>
          <p className="caption">{isLocked ? "Nobody new gets in." : "Everybody with a link gets in."}</p>
        </>
      )}
    </div>
  );
}

/** @returns `isLocked: null` as long as it is not known */
function useLock(editor: Editor, address: RoomAddress, canModerate: boolean) {
  const [isLocked, setLocked] = useState<boolean | null>(null);
  const take = useCallback(
    (answer: Promise<boolean>) => answer.then(setLocked, (caught: unknown) => editor.notify(wordsFor(caught))),
    [editor],
  );
  // Other moderators lock and unlock too.
  const lookAgain = useCallback(() => {
    if (canModerate) void take(isRoomLocked(address));
  }, [canModerate, address, take]);
  useEffect(lookAgain, [lookAgain]);
  return { isLocked, lookAgain, lock: (locked: boolean) => take(lockRoom(address, locked)) };
}

function wordsFor(caught: unknown): string {
  return moderationWords(errorCodeOf(caught)) ?? "The room did not do that. Try again.";
}
