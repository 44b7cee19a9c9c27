/**
 * The connections of a call, as a pure function over the negotiations with all its other members. A client that joins makes
 * the first offers; the earlier members wait for them.
 */
import type { CallMember } from "../../shared/calls.ts";
import type { PeerId } from "../../shared/rooms.ts";
import {
  type Circumstances,
  type Negotiation,
  type NegotiationEffect,
  type NegotiationEvent,
  negotiate,
  newNegotiation,
  type Signal,
} from "./negotiation.ts";

/** The other members of the call, with the room's word on whether they are connected to it. */
export type Members = ReadonlyMap<PeerId, CallMember["state"]>;

export interface Mesh {
  /** The peer id of this client; `null` until it joins. */
  readonly me: PeerId | null;
  /** Whether the room relays signals: it answered `call-join` on the present socket. */
  readonly isOnline: boolean;
  /** The members as told on the present socket; empty until then. */
  readonly told: Members;
  /** Negotiations without a connection remember which connections are over. */
  readonly negotiations: ReadonlyMap<PeerId, Negotiation>;
}

export type MeshEvent =
  /** The room assigned this client its peer id. */
  | { readonly type: "welcomed"; readonly me: PeerId }
  /** The room answered `call-join`, with the others in the call. */
  | { readonly type: "joined"; readonly members: readonly PeerId[] }
  /** The socket is lost. */
  | { readonly type: "offline" }
  /** The call is left. */
  | { readonly type: "left" }
  /** The room told the other members. */
  | { readonly type: "told"; readonly members: Members }
  | { readonly type: "signal"; readonly from: PeerId; readonly signal: Signal }
  /** The room would not deliver to a peer, since one of the two is not in the call. */
  | { readonly type: "undeliverable"; readonly to: PeerId }
  | { readonly type: "peer"; readonly peer: PeerId; readonly event: NegotiationEvent };

/** An effect for the connection with one peer. */
export interface MeshEffect {
  readonly peer: PeerId;
  readonly effect: NegotiationEffect;
}

export interface MeshStep {
  readonly mesh: Mesh;
  readonly effects: readonly MeshEffect[];
}

export const EMPTY_MESH: Mesh = { me: null, isOnline: false, told: new Map(), negotiations: new Map() };

/** Peers without a connection that are remembered. */
const REMEMBERED = 64;

/** The next state, and the effects to perform. */
export function stepMesh(mesh: Mesh, event: MeshEvent, circumstances: Circumstances): MeshStep {
  switch (event.type) {
    case "welcomed": {
      if (event.me === mesh.me) return { mesh, effects: [] };
      // The others see a new peer: they give up their connections with the former one.
      const { effects } = forAll(mesh, () => ({ type: "close" }), circumstances);
      return { mesh: { ...EMPTY_MESH, me: event.me }, effects };
    }
    case "joined":
      return applyJoined({ ...mesh, isOnline: true }, new Set(event.members), circumstances);
    case "offline": {
      const offline = { ...mesh, isOnline: false, told: new Map() };
      return forAll(offline, () => ({ type: "reachable", isReachable: false }), circumstances);
    }
    case "left":
      return forAll({ ...mesh, isOnline: false, told: new Map() }, () => ({ type: "close" }), circumstances);
    case "told":
      return applyMembers(mesh, event.members, circumstances);
    case "signal":
      // Dropped: the offers that follow the room's answer replace earlier signals.
      return !mesh.isOnline
        ? { mesh, effects: [] }
        : forOne(mesh, event.from, { type: "signal", signal: event.signal }, circumstances);
    case "undeliverable":
      // A listed member is between two sockets, or the room is about to tell that it left.
      return mesh.told.has(event.to) ? { mesh, effects: [] } : forOne(mesh, event.to, { type: "close" }, circumstances);
    case "peer":
      return forOne(mesh, event.peer, event.event, circumstances);
    default:
      return event satisfies never;
  }
}

/** The peers with a connection, or with one to come. */
export function connectedPeers({ negotiations }: Mesh): readonly PeerId[] {
  return [...negotiations].filter(([, { link }]) => link !== null).map(([peer]) => peer);
}

function applyJoined(mesh: Mesh, members: ReadonlySet<PeerId>, circumstances: Circumstances): MeshStep {
  const kept = forAll(
    mesh,
    (peer) => (members.has(peer) ? { type: "reachable", isReachable: canReach(mesh, peer) } : { type: "close" }),
    circumstances,
  );
  return each(kept, members, () => ({ type: "open" }), circumstances);
}

/** Closes the connections of former members only: an offer may arrive before the room lists its sender. */
function applyMembers(mesh: Mesh, members: Members, circumstances: Circumstances): MeshStep {
  const gone = [...mesh.told.keys()].filter((peer) => !members.has(peer));
  const after = { ...mesh, told: members };
  const closed = each({ mesh: after, effects: [] }, gone, () => ({ type: "close" }), circumstances);
  return each(
    closed,
    [...members.keys()].filter((peer) => after.negotiations.has(peer)),
    (peer) => ({ type: "reachable", isReachable: canReach(after, peer) }),
    circumstances,
  );
}

function canReach({ isOnline, told: members }: Mesh, peer: PeerId): boolean {
  return isOnline && members.get(peer) !== "reconnecting";
}

function forOne(mesh: Mesh, peer: PeerId, event: NegotiationEvent, circumstances: Circumstances): MeshStep {
  if (mesh.me === null || peer === mesh.me) return { mesh, effects: [] };
  const isPolite = mesh.me < peer;
  const before = mesh.negotiations.get(peer) ?? { ...newNegotiation(isPolite), isReachable: canReach(mesh, peer) };
  const { negotiation, effects } = negotiate(before, event, circumstances);
  const negotiations = remembered(new Map(mesh.negotiations).set(peer, negotiation));
  return { mesh: { ...mesh, negotiations }, effects: effects.map((effect) => ({ peer, effect })) };
}

function each(
  start: MeshStep,
  peers: Iterable<PeerId>,
  eventFor: (peer: PeerId) => NegotiationEvent,
  circumstances: Circumstances,
): MeshStep {
  let { mesh, effects } = start;
  for (const peer of peers) {
    const step = forOne(mesh, peer, eventFor(peer), circumstances);
    mesh = step.mesh;
    effects = [...effects, ...step.effects];
  }
  return { mesh, effects };
}

function forAll(mesh: Mesh, eventFor: (peer: PeerId) => NegotiationEvent, circumstances: Circumstances): MeshStep {
  return each({ mesh, effects: [] }, [...mesh.negotiations.keys()], eventFor, circumstances);
}

/** Forgets the oldest negotiation without a connection, in a call where many come and go. */
function remembered(negotiations: Map<PeerId, Negotiation>): Map<PeerId, Negotiation> {
  if (negotiations.size <= REMEMBERED) return negotiations;
  for (const [peer, { link }] of negotiations) {
    if (link === null) {
      negotiations.delete(peer);
      break;
    }
  }
  return negotiations;
}
