/**
 * With whom there are connections, as a pure function over the negotiations with all the others in the call. Who newly joined
 * makes the first offers; who was there before waits for them.
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

/** Whether others in the call can be sent something, as the room tells. */
export type Members = ReadonlyMap<PeerId, CallMember["state"]>;

export interface Mesh {
  /** Who this client is; `null` until it joins. */
  readonly me: PeerId | null;
  /** Whether the room takes signals: it answered `call-join` on the present socket. */
  readonly isOnline: boolean;
  /** As told on the present socket; empty until then. */
  readonly told: Members;
  /** Those without a connection remember which ones are over. */
  readonly negotiations: ReadonlyMap<PeerId, Negotiation>;
}

export type MeshEvent =
  /** The room said who this client is. */
  | { readonly type: "welcomed"; readonly me: PeerId }
  /** The room answered `call-join`, with the others in the call. */
  | { readonly type: "joined"; readonly members: readonly PeerId[] }
  /** The socket is lost. */
  | { readonly type: "offline" }
  /** The call is left. */
  | { readonly type: "left" }
  /** The room told who else is in the call. */
  | { readonly type: "told"; readonly members: Members }
  | { readonly type: "signal"; readonly from: PeerId; readonly signal: Signal }
  /** The room would not deliver to a peer, since one of the two is not in the call. */
  | { readonly type: "undeliverable"; readonly to: PeerId }
  | { readonly type: "peer"; readonly peer: PeerId; readonly event: NegotiationEvent };

/** What is to be done for the connection with one peer. */
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

/** What happens next. */
export function stepMesh(mesh: Mesh, event: MeshEvent, circumstances: Circumstances): MeshStep {
  switch (event.type) {
    case "welcomed": {
      if (event.me === mesh.me) return { mesh, effects: [] };
      // To the others this is somebody new: they give up what they had with who it was.
      const { effects } = forAll(mesh, () => ({ type: "close" }), circumstances);
      return { mesh: { ...EMPTY_MESH, me: event.me }, effects };
    }
    case "joined":
      return joined({ ...mesh, isOnline: true }, new Set(event.members), circumstances);
    case "offline": {
      const offline = { ...mesh, isOnline: false, told: new Map() };
      return forAll(offline, () => ({ type: "reachable", isReachable: false }), circumstances);
    }
    case "left":
      return forAll({ ...mesh, isOnline: false, told: new Map() }, () => ({ type: "close" }), circumstances);
    case "told":
      return told(mesh, event.members, circumstances);
    case "signal":
      // What is said before the room answered is made good by the offers that follow its answer.
      return !mesh.isOnline
        ? { mesh, effects: [] }
        : forOne(mesh, event.from, { type: "signal", signal: event.signal }, circumstances);
    case "undeliverable":
      // Who is in the call as far as was told is between two sockets, or about to be told gone.
      return mesh.told.has(event.to) ? { mesh, effects: [] } : forOne(mesh, event.to, { type: "close" }, circumstances);
    case "peer":
      return forOne(mesh, event.peer, event.event, circumstances);
    default:
      return event satisfies never;
  }
}

/** Those with whom there is a connection, or will be. */
export function connectedPeers({ negotiations }: Mesh): readonly PeerId[] {
  return [...negotiations].filter(([, { link }]) => link !== null).map(([peer]) => peer);
}

function joined(mesh: Mesh, members: ReadonlySet<PeerId>, circumstances: Circumstances): MeshStep {
  const kept = forAll(
    mesh,
    (peer) => (members.has(peer) ? { type: "reachable", isReachable: canReach(mesh, peer) } : { type: "close" }),
    circumstances,
  );
  return each(kept, members, () => ({ type: "open" }), circumstances);
}

/** Only who was in the call before, and is not any more, is gone: an offer may come before its sender is told. */
function told(mesh: Mesh, members: Members, circumstances: Circumstances): MeshStep {
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

/** Forgets those longest without a connection, in a call where many come and go. */
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
