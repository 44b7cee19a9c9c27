import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Editor } from "../editor/editor.ts";
import { readUser, writeUser } from "../together/identity.ts";
import type { User } from "../together/presence.ts";
import type { Session } from "../together/session.ts";
import type { Style } from "../tools/gesture.ts";
import { Announcer } from "./announcer.tsx";
import { BoardArea, type Kept } from "./board-area.tsx";
import { BottomBar } from "./bottom-bar.tsx";
import { CallBar } from "./call-bar.tsx";
import { Corner } from "./corner.tsx";
import { EndedCard } from "./ended-card.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { PeopleBar } from "./people-bar.tsx";
import { RefusalDialog } from "./refusal-dialog.tsx";
import { TopBar } from "./top-bar.tsx";
import { useTheme } from "./use-theme.ts";

const FIRST_STYLE: Style = { color: "ink", size: 4, fill: false };

interface AppProps {
  readonly session: Session;
  readonly room: string;
}

/** The page: a board, and what floats above it. */
export function App({ session, room }: AppProps) {
  const { open, status, canEdit, refusal } = useSyncExternalStore(session.subscribe, () => session.state);
  const [user, setUser] = useState(readUser);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const { theme, chooseTheme } = useTheme();
  // The next document's editor goes on with it after a refused edit.
  const kept = useRef<Kept>({ camera: null, style: FIRST_STYLE });

  const isDark = theme === "dark";
  useEffect(() => editor?.setTheme(isDark), [editor, isDark]);
  useEffect(() => {
    const drawn = editor?.setCanEdit(canEdit) ?? null;
    if (drawn !== null) session.setAside(drawn);
  }, [editor, canEdit, session]);
  const changeUser = useCallback(
    (next: User) => {
      setUser(next);
      writeUser(next);
      editor?.setUser(next);
    },
    [editor],
  );
  const openHelp = useCallback(() => setHelpOpen(true), []);

  return (
    <>
      <BoardArea
        key={open.board.doc.guid}
        open={open}
        user={user}
        canEdit={canEdit}
        isDark={isDark}
        kept={kept}
        onEditor={setEditor}
        onHelp={openHelp}
      />
      {editor !== null && (
        <>
          <TopBar
            editor={editor}
            room={room}
            status={status}
            theme={theme}
            onTheme={chooseTheme}
            onHelp={openHelp}
            onRetry={() => session.retry()}
          />
          <PeopleBar editor={editor} address={session.address} user={user} onUser={changeUser} />
          <CallBar editor={editor} user={user} status={status} />
          <EndedCard status={status} onRetry={() => session.retry()} />
          <BottomBar editor={editor} />
          <Corner editor={editor} onHelp={openHelp} />
          <Announcer editor={editor} status={status} />
        </>
      )}
      {isHelpOpen && <HelpDialog onClose={() => setHelpOpen(false)} />}
      {refusal !== null && <RefusalDialog refusal={refusal} onClose={() => session.dismissRefusal()} />}
    </>
  );
}
