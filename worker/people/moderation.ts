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

interface ModeratorOptions {
  /** Closes a session at once: nothing more is taken from it or sent to it. */
  readonly dismiss: (session: Session, code: ErrorCode) => void;
  /** Told when what a session may do changed. */
  readonly changed: (session: Session) => void;
  /** Ends what else the holder of a token has here beside its sessions. */
  readonly shutOut: (subject: string, code: ErrorCode) => void;
  /** Takes the place in the call from a peer that is reconnecting. @returns whether there was one */
  readonly release: (peer: PeerId) => boolean;
}

/** Carries out what moderators decide: what is to last is written first, then those who are connected feel it. */
export class Moderator {
  readonly #sessions: Sessions;
  readonly #rules: Rules;
  readonly #options: ModeratorOptions;

  constructor(sessions: Sessions, rules: Rules, options: ModeratorOptions) {
    this.#sessions = sessions;
    this.#rules = rules;
    this.#options = options;
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
        for (const session of this.#of(action.subject)) this.#options.dismiss(session, "banned");
        this.#options.shutOut(action.subject, "banned");
        return;
      case "unban":
        this.#rules.decide(action.subject, { isBanned: undefined });
        return;
      default:
        action satisfies never;
    }
  }

  /** @throws RoomfulError `room-too-new`, `storage-failed`; nothing was changed then */
  change(patch: Partial<RoomSettings>): RoomSettings {
    const insiders = [...this.#sessions].flatMap(({ state }) => state.grant.subject ?? []);
    return this.#rules.change(patch, insiders);
  }

  /** Decides about every connection of a session's subject, later ones too; without a subject about this one. */
  #decide(session: Session, changes: RuleChanges): void {
    const { subject } = session.state.grant;
    if (subject !== undefined) this.#rules.decide(subject, changes);
    for (const each of subject === undefined ? [session] : this.#of(subject)) {
      each.state.rule = amend(each.state.rule, changes);
      this.#options.changed(each);
    }
  }

  #kick(peer: PeerId): void {
    if (this.#options.release(peer)) return;
    const session = this.#peer(peer);
    const { subject } = session.state.grant;
    this.#options.dismiss(session, "kicked");
    if (subject !== undefined) this.#options.shutOut(subject, "kicked");
  }

  #peer(peer: PeerId): Session {
    for (const session of this.#sessions) if (session.state.peer === peer) return session;
    throw new RoomfulError("unknown-peer");
  }

  #of(subject: string): Session[] {
    return [...this.#sessions].filter(({ state }) => state.grant.subject === subject);
  }
}
