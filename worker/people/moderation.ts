import { type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import type { Moderation, RoomSettings } from "../../shared/moderation.ts";
import type { Capability, PeerId } from "../../shared/rooms.ts";
import { amend, type RuleChanges, type Rules } from "../access/rules.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";

/** Checks that a moderator gives nobody a right that it lacks. @throws RoomfulError `forbidden` */
export function demandHeld(action: Moderation, own: readonly Capability[]): void {
  if (action.action !== "set-capabilities") return;
  const lacking = action.capabilities?.find((capability) => !own.includes(capability));
  if (lacking !== undefined) throw new RoomfulError("forbidden", `who gives ${lacking} must have it`);
}

/** Ends what people have in the room beside their sessions: places in the call, sockets of `y-webrtc`. */
interface OtherPlaces {
  /** Ends all that the holder of a token has there. */
  shutOut(subject: string, code: ErrorCode): void;
  /** Takes the place in the call from a peer that is reconnecting. @returns whether there was one */
  releasePlace(peer: PeerId): boolean;
}

/** Carries out what moderators decide: what is to last is written first, then the sessions feel it. */
export class Moderator {
  readonly #sessions: Sessions;
  readonly #rules: Rules;
  readonly #otherPlaces: OtherPlaces;

  constructor(sessions: Sessions, rules: Rules, otherPlaces: OtherPlaces) {
    this.#sessions = sessions;
    this.#rules = rules;
    this.#otherPlaces = otherPlaces;
  }

  /** @throws RoomfulError `unknown-peer`, `too-many-rules`, `room-too-new`, `storage-failed`; nothing was done then */
  moderate(action: Moderation): void {
    switch (action.action) {
      case "set-capabilities":
        this.#decide(this.#peer(action.peer), { capabilities: action.capabilities ?? undefined });
        return;
      case "mute":
        this.#decide(this.#peer(action.peer), { isMuted: action.muted || undefined });
        return;
      case "kick":
        this.#kick(action.peer);
        return;
      case "ban":
        this.#rules.decide(action.subject, { isBanned: true });
        for (const session of this.#of(action.subject)) session.end("banned");
        this.#otherPlaces.shutOut(action.subject, "banned");
        return;
      case "unban":
        this.#rules.decide(action.subject, { isBanned: undefined });
        return;
      default:
        action satisfies never;
    }
  }

  /** @throws RoomfulError `too-many-rules`, `room-too-new`, `storage-failed`; nothing was changed then */
  change(patch: Partial<RoomSettings>): RoomSettings {
    const insiders = [...this.#sessions].flatMap(({ state }) => state.grant.subject ?? []);
    return this.#rules.change(patch, insiders);
  }

  /** Decides about every connection of a session's subject, later ones too; without a subject about this one. */
  #decide(session: Session, changes: RuleChanges): void {
    const { subject } = session.state.grant;
    if (subject !== undefined) this.#rules.decide(subject, changes);
    for (const each of subject === undefined ? [session] : this.#of(subject)) {
      each.setRule(amend(each.state.rule, changes));
    }
  }

  #kick(peer: PeerId): void {
    if (this.#otherPlaces.releasePlace(peer)) return;
    const session = this.#peer(peer);
    const { subject } = session.state.grant;
    session.end("kicked");
    if (subject !== undefined) this.#otherPlaces.shutOut(subject, "kicked");
  }

  #peer(peer: PeerId): Session {
    for (const session of this.#sessions) if (session.state.peer === peer) return session;
    throw new RoomfulError("unknown-peer");
  }

  #of(subject: string): Session[] {
    return [...this.#sessions].filter(({ state }) => state.grant.subject === subject);
  }
}
