import { MicOff } from "lucide-react";
import type { CallPeer } from "../../client/index.ts";
import { isPoor, peerWords } from "../together/call-words.ts";
import type { Member } from "../together/members.ts";
import { initials } from "./face.tsx";

interface CallFaceProps {
  readonly name: string;
  readonly color: string | null;
  /** How they are, for who points at them and for a screen reader. */
  readonly words: string;
  readonly isSpeaking: boolean;
  readonly isSilent: boolean;
  readonly isPoor: boolean;
}

/** Somebody in the call, ringed while they speak. */
export function CallFace({ name, color, words, isSpeaking, isSilent, isPoor: isFaint }: CallFaceProps) {
  const told = words === "" ? name : `${name}, ${words}`;
  return (
    <li className="call-face" data-speaking={isSpeaking} data-muted={isSilent} data-poor={isFaint} title={told}>
      <span className="face" style={{ backgroundColor: color ?? "#65656f" }} aria-hidden="true">
        {initials(name)}
      </span>
      {isSilent && <MicOff className="badge" size={13} aria-hidden="true" />}
      <span className="unseen">{told}</span>
    </li>
  );
}

/** @param member `undefined` in the moments in which somebody left the room and is still heard */
export function PeerFace({ peer, member }: { readonly peer: CallPeer; readonly member: Member | undefined }) {
  return (
    <CallFace
      name={member?.name ?? "Somebody"}
      color={member?.color ?? null}
      words={peerWords(peer)}
      isSpeaking={peer.isSpeaking && !peer.isMuted && !peer.isMutedByModerator}
      isSilent={peer.isMuted || peer.isMutedByModerator || !peer.hasAudio}
      isPoor={peer.state !== "connected" || (peer.quality !== null && isPoor(peer.quality))}
    />
  );
}
