import type { Participant, PeerId } from "../../shared/rooms.ts";
import type { Emitter } from "../base/emitter.ts";
import type { Membership } from "./membership.ts";
import type { Peer } from "./peer.ts";
import type { CallEvents, CallPeer, CallState, LocalMedia } from "./states.ts";

type ShownPeer = Pick<Peer, "state" | "stream" | "voice" | "quality">;

/** All that the view is made of. */
export interface CallFacts {
  readonly membership: Membership;
  /** Whether the room answered `call-join` on the present socket. */
  readonly isOnline: boolean;
  readonly peers: ReadonlyMap<PeerId, ShownPeer>;
  /** The room's word on the others in the call. */
  readonly members: ReadonlyMap<PeerId, Participant>;
  readonly local: LocalMedia;
}

/**
 * The call as an app sees it. Each value stays the same object until something in it changes, so that a UI library compares
 * by identity.
 */
export class CallView {
  readonly #call: Pick<Emitter<CallEvents>, "emit">;
  readonly #facts: () => CallFacts;
  #state: CallState = { type: "idle" };
  #peers: readonly CallPeer[] = [];
  #local: LocalMedia;

  /** @param facts are read anew for each event: a handler of the one before may have changed them */
  constructor(call: Pick<Emitter<CallEvents>, "emit">, facts: () => CallFacts) {
    this.#call = call;
    this.#facts = facts;
    this.#local = facts().local;
  }

  get state(): CallState {
    return this.#state;
  }

  /** The others in the call, by their ids. */
  get peers(): readonly CallPeer[] {
    return this.#peers;
  }

  get local(): LocalMedia {
    return this.#local;
  }

  /** Emits what changed: peers first, since the state names some of them. */
  update(): void {
    const peers = this.#describePeers(this.#facts());
    if (!isSameValue(peers, this.#peers)) {
      this.#peers = peers;
      this.#call.emit("peers", [peers]);
    }
    const { local } = this.#facts();
    if (!isSame(local, this.#local)) {
      this.#local = local;
      this.#call.emit("local", [local]);
    }
    const state = this.#describeState(this.#facts());
    if (!isSame(state, this.#state)) {
      this.#state = state;
      this.#call.emit("state", [state]);
    }
  }

  #describePeers({ peers, members }: CallFacts): readonly CallPeer[] {
    const known = new Map(this.#peers.map((peer) => [peer.peer, peer]));
    const sorted = [...peers].sort(([one], [other]) => (one < other ? -1 : 1));
    return sorted.map(([id, peer]) => {
      const described = describePeer(id, peer, members.get(id));
      const before = known.get(id);
      return before !== undefined && isSame(before, described) ? before : described;
    });
  }

  #describeState({ membership, isOnline }: CallFacts): CallState {
    switch (membership.type) {
      case "out":
        return { type: "idle" };
      case "joining":
        return { type: "joining" };
      case "refused":
        return membership;
      case "in": {
        if (!isOnline) return { type: "reconnecting-signaling" };
        const peers = this.#peers.filter(({ state }) => state === "reconnecting-media").map(({ peer }) => peer);
        return peers.length === 0 ? { type: "joined" } : { type: "reconnecting-media", peers };
      }
      default:
        return membership satisfies never;
    }
  }
}

function describePeer(id: PeerId, peer: ShownPeer, member: Participant | undefined): CallPeer {
  const { call, isMuted = false } = member ?? {};
  const isAway = peer.state === "connected" && call?.state === "reconnecting";
  const { level, isSpeaking } = peer.voice;
  return {
    peer: id,
    state: isAway ? "reconnecting-signaling" : peer.state,
    stream: peer.stream,
    hasAudio: call?.media.audio ?? false,
    hasVideo: call?.media.video ?? false,
    isMuted: call?.media.muted ?? false,
    isMutedByModerator: isMuted,
    level,
    isSpeaking,
    quality: peer.quality,
  };
}

/** Whether two have the same fields; lists in them are compared item by item. */
function isSame(one: object, other: object): boolean {
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([name, value]) => isSameValue(value, right.get(name)));
}

function isSameValue(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
