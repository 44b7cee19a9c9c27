import { Mic, MicOff, PhoneOff } from "lucide-react";
import { useEffect } from "react";
import { type CallHook, useCall } from "../../client/react/index.ts";
import type { Editor } from "../editor/editor.ts";
import { type CallRemedy, callNote } from "../together/call-words.ts";
import type { User } from "../together/presence.ts";
import type { Status } from "../together/status.ts";
import { CallFace, PeerFace } from "./call-face.tsx";
import { IconButton } from "./icon-button.tsx";
import { MicrophoneMenu } from "./microphone-menu.tsx";
import { useMembers } from "./use-members.ts";

interface CallBarProps {
  readonly editor: Editor;
  readonly user: User;
  readonly status: Status;
}

/** The call that this page is in: who speaks, the own microphone, and the way out. */
export function CallBar({ editor, user, status }: CallBarProps) {
  const inCall = useCall(editor.open.provider);
  const { state, peers, local, playback, call } = inCall;
  const members = useMembers(editor, user);

  useEffect(() => {
    // A page that the browser keeps for the way back would stay in the call, unseen.
    const leave = () => call?.leave();
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [call]);

  // That the room closed is told elsewhere, and is why there is no call.
  if (call === null || local === null || state.type === "idle" || status.type === "ended") return null;
  const note = callNote(state, local, playback);
  const isSilent = local.isMuted || local.isMutedByModerator || local.microphone.type !== "on";
  return (
    <section className="call panel" aria-label="Call" data-call={state.type}>
      {state.type !== "refused" && (
        <div className="call-line">
          <ul className="faces" aria-label="In the call">
            <CallFace
              name={members.find(({ isYou }) => isYou)?.name ?? user.name}
              color={user.color}
              words={isSilent ? "you, muted" : local.isSpeaking ? "you, speaking" : "you"}
              isSpeaking={local.isSpeaking && !isSilent}
              isSilent={isSilent}
              isPoor={false}
            />
            {peers.map((peer) => (
              <PeerFace key={peer.peer} peer={peer} member={members.find((member) => member.peer === peer.peer)} />
            ))}
          </ul>
          <IconButton
            icon={isSilent ? MicOff : Mic}
            label={local.isMuted ? "Unmute" : "Mute"}
            aria-pressed={local.isMuted}
            disabled={local.isMutedByModerator || local.microphone.type !== "on"}
            onClick={() => (local.isMuted ? call.unmute() : call.mute())}
          />
          <MicrophoneMenu editor={editor} call={call} microphone={local.microphone} />
          <IconButton icon={PhoneOff} label="Leave call" className="hang-up" onClick={() => call.leave()} />
        </div>
      )}
      <div className="call-note" role="status">
        {note !== null && <p>{note.text}</p>}
        {note !== null && <Remedy remedy={note.remedy} inCall={inCall} />}
      </div>
    </section>
  );
}

function Remedy({ remedy, inCall: { call } }: { readonly remedy: CallRemedy; readonly inCall: CallHook }) {
  switch (remedy) {
    case "hear":
      return (
        <button type="button" className="button primary" onClick={() => call?.resumePlayback()}>
          Click to hear the others
        </button>
      );
    case "choose-microphone":
      return (
        // What it is refused again is in the words above already.
        <button type="button" className="button" onClick={() => void call?.setInputDevice().catch(() => null)}>
          Use microphone
        </button>
      );
    case "join-again":
      return (
        <>
          <button type="button" className="button" onClick={() => void call?.join().catch(() => null)}>
            Join again
          </button>
          <button type="button" className="button" onClick={() => call?.leave()}>
            Close
          </button>
        </>
      );
    case null:
      return null;
    default:
      return remedy satisfies never;
  }
}
