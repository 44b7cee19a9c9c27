/** Everybody in the room: what the room vouches for, beside what each says of itself. */
import type { Capability, Participant, PeerId } from "../../client/index.ts";
import type { Named } from "./people.ts";
import type { User } from "./presence.ts";

export type Rights = "viewer" | "editor" | "moderator";

export interface Member {
  readonly peer: PeerId;
  /** Leads to its cursor and view; `null` when it shows none on this board. */
  readonly clientId: number | null;
  readonly isYou: boolean;
  /** The name of the token where there is one, else the one it gave itself. */
  readonly name: string;
  /** Whether the name is the token's. Anybody can call themselves anything. */
  readonly isVouched: boolean;
  /** The name that it gave itself; `null` unless the token has another one. */
  readonly alias: string | null;
  /** `null` for another program, which shows no colour. */
  readonly color: User["color"] | null;
  readonly capabilities: readonly Capability[];
  readonly rights: Rights;
  readonly isMuted: boolean;
  readonly isInCall: boolean;
  /** The token's subject; `null` without one. Only a subject can be banned. */
  readonly subject: string | null;
}

/** Roles that a moderator can give on this page. The right to moderate is not given here. */
const CAPABILITIES: Readonly<Record<"viewer" | "editor", readonly Capability[]>> = {
  viewer: ["read"],
  editor: ["read", "write", "call", "publish"],
};

export function rightsOf(capabilities: readonly Capability[]): Rights {
  if (capabilities.includes("moderate")) return "moderator";
  return capabilities.includes("write") ? "editor" : "viewer";
}

/** Capabilities of a role, as far as the moderator has them: nobody gives a right that they lack. */
export function capabilitiesFor(rights: "viewer" | "editor", own: readonly Capability[]): readonly Capability[] {
  return CAPABILITIES[rights].filter((capability) => own.includes(capability));
}

interface Seen {
  readonly participants: readonly Participant[];
  /** The others, as they present themselves. */
  readonly named: readonly Named[];
  readonly you: { readonly peer: PeerId | null; readonly user: User };
}

/** This page first, then by the time they came. */
export function membersOf({ participants, named, you }: Seen): readonly Member[] {
  const users = new Map(named.map((each) => [each.clientId, each]));
  const members = participants.map((participant): Member => {
    const { peer, clientId, capabilities, isMuted = false, subject = null } = participant;
    const isYou = peer === you.peer;
    const user = isYou ? you.user : clientId === undefined ? undefined : users.get(clientId);
    const name = participant.name ?? user?.name ?? (clientId === undefined ? "Somebody" : "Another program");
    return {
      peer,
      clientId: isYou || user === undefined ? null : (clientId ?? null),
      isYou,
      name,
      isVouched: participant.name !== undefined,
      alias: user !== undefined && user.name !== name ? user.name : null,
      color: user?.color ?? null,
      capabilities,
      rights: rightsOf(capabilities),
      isMuted,
      isInCall: participant.call !== undefined,
      subject,
    };
  });
  return [...members.filter(({ isYou }) => isYou), ...members.filter(({ isYou }) => !isYou)];
}
