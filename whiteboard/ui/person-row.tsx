import { BadgeCheck, Ban, Ellipsis, Eye, Mic, MicOff, Pencil, UserX } from "lucide-react";
import { useId, useState } from "react";
import type { Capability, Moderation } from "../../client/index.ts";
import { capabilitiesFor, type Member } from "../together/members.ts";
import { Face } from "./face.tsx";

/** This page's right to moderate. */
export interface Moderator {
  readonly capabilities: readonly Capability[];
  readonly moderate: (moderation: Moderation) => void;
}

interface PersonRowProps {
  readonly member: Member;
  readonly isFollowed: boolean;
  readonly onFollow: () => void;
  /** `null` for who may not moderate. */
  readonly moderator: Moderator | null;
}

/** Somebody in the list; what a moderator may do to them opens below. */
export function PersonRow({ member, isFollowed, onFollow, moderator }: PersonRowProps) {
  const { peer, name, alias, color, rights, isYou, isVouched, isMuted, clientId, subject } = member;
  const [isOpen, setOpen] = useState(false);
  const actions = useId();
  const canAct = moderator !== null && !isYou;
  const make = (made: "viewer" | "editor") =>
    moderator?.moderate({
      action: "set-capabilities",
      peer,
      capabilities: capabilitiesFor(made, moderator.capabilities),
    });
  const words = (
    <>
      <Face name={name} color={color} />
      <span className="person-name">
        <span className="person-first">
          <span className="cut">{name}</span>
          {isVouched && <BadgeCheck size={14} role="img" aria-label="name vouched for by the room" />}
          {isMuted && <MicOff size={14} role="img" aria-label="muted by a moderator" />}
        </span>
        {alias !== null && <small className="cut">calls themselves {alias}</small>}
      </span>
      <small className="rights">{isYou ? `you · ${rights}` : rights}</small>
    </>
  );
  return (
    <li className="person" data-person={name}>
      <div className="person-line">
        {clientId === null ? (
          <div className="person-who">{words}</div>
        ) : (
          <button
            type="button"
            className="person-who"
            aria-pressed={isFollowed}
            title={isFollowed ? `Stop following ${name}` : `Follow ${name}`}
            onClick={onFollow}
          >
            {words}
          </button>
        )}
        {canAct && (
          <button
            type="button"
            className="icon-button"
            aria-label={`What ${name} may do`}
            aria-expanded={isOpen}
            aria-controls={actions}
            onClick={() => setOpen(!isOpen)}
          >
            <Ellipsis size={16} aria-hidden="true" />
          </button>
        )}
      </div>
      {canAct && isOpen && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what a form sends
        <div id={actions} className="person-actions" role="group" aria-label={`What ${name} may do`}>
          {rights !== "viewer" && (
            <button type="button" onClick={() => make("viewer")}>
              <Eye size={15} aria-hidden="true" /> Make viewer
            </button>
          )}
          {rights !== "editor" && (
            <button type="button" onClick={() => make("editor")}>
              <Pencil size={15} aria-hidden="true" /> Make editor
            </button>
          )}
          <button type="button" onClick={() => moderator.moderate({ action: "mute", peer, muted: !isMuted })}>
            {isMuted ? <Mic size={15} aria-hidden="true" /> : <MicOff size={15} aria-hidden="true" />}
            {isMuted ? "Unmute" : "Mute"}
          </button>
          <button type="button" className="danger" onClick={() => moderator.moderate({ action: "kick", peer })}>
            <UserX size={15} aria-hidden="true" /> Remove
          </button>
          {subject !== null && (
            <button type="button" className="danger" onClick={() => moderator.moderate({ action: "ban", subject })}>
              <Ban size={15} aria-hidden="true" /> Ban
            </button>
          )}
        </div>
      )}
    </li>
  );
}
