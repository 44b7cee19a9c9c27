import { ObservableV2 } from "lib0/observable";
import type { CallMember } from "../../shared/calls.ts";
import { type ErrorCode, errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { type Clock, systemClock, throwLater } from "../base/clock.ts";
import type { Ending } from "../connection/lifecycle.ts";
import type { CallLine, CallMessage, LineListener, Refusal } from "./line.ts";
import { type Kind, LocalInputs, type Wish } from "./local-inputs.ts";
import { connectedPeers, EMPTY_MESH, type Mesh, type MeshEffect, type MeshEvent, stepMesh } from "./mesh.ts";
import type { NegotiationEvent, Signal } from "./negotiation.ts";
import { type CallOptions, type CallPlatform, platformOf } from "./options.ts";
import { Peer } from "./peer.ts";
import { Player } from "./playback.ts";
import { RelayServers } from "./relay-servers.ts";
import type { CallEvents, CallPeer, CallState, LocalMedia, Playback } from "./states.ts";

/** Milliseconds between two looks at how loud everybody is. */
const LISTEN_MS = 100;

/** Looks at loudness between two at the quality of connections. */
const LISTENS_PER_MEASUREMENT = 20;

type Membership =
  | { readonly type: "out" }
  /** `isReady` when the devices were asked for, and only the room is waited for. */
  | { readonly type: "joining"; readonly isReady: boolean }
  | { readonly type: "in" }
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string };

interface Waiter {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** What to bring into a call. */
export interface JoinOptions {
  /** Whether to speak, or the constraints of the microphone. Default: true. Without one, or the right to, one listens. */
  readonly audio?: Wish;
  /** Whether to be seen, or the constraints of the camera. Default: false. */
  readonly video?: Wish;
}

/**
 * A room's call. Media flows between the peers; the room only introduces them. As long as it is not joined it does nothing
 * and asks for nothing.
 *
 * @example
 * button.onclick = () => connection.call.join({ audio: true });
 * connection.call.on("peers", (peers) => list.show(peers));
 */
export class Call extends ObservableV2<CallEvents> {
  readonly #line: CallLine;
  readonly #options: CallOptions;
  readonly #clock: Clock;
  readonly #platform: CallPlatform;
  readonly #inputs: LocalInputs;
  readonly #player: Player;
  readonly #relays: RelayServers;
  readonly #peers = new Map<PeerId, Peer>();
  readonly #events: MeshEvent[] = [];
  #isStepping = false;
  #mesh: Mesh = EMPTY_MESH;
  #membership: Membership = { type: "out" };
  #joining: Waiter | null = null;
  /** The others in the call, as they were last told. Kept while the room is away. */
  #members: ReadonlyMap<PeerId, Participant> = new Map();
  /** Whether the room told on the present socket that this client is in the call. */
  #isToldIn = false;
  /** Whether the room may still hold this client to be in the call it left. */
  #isLeaveUnsaid = false;
  #timer: unknown = null;
  #listens = 0;
  #state: CallState = { type: "idle" };
  #all: readonly CallPeer[] = [];
  #local: LocalMedia;

  /** @param line of a connection to a room; made by that connection */
  constructor(line: CallLine, options: CallOptions = {}) {
    super();
    this.#line = line;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#platform = platformOf(options);
    this.#inputs = new LocalInputs({
      platform: this.#platform,
      trackChanged: (kind, track) => {
        for (const peer of this.#peers.values()) peer.setTrack(kind, track);
      },
      changed: () => {
        this.#tellMedia();
        this.#update();
      },
    });
    this.#player = new Player(() => this.emit("playback", [this.#player.state]));
    this.#relays = new RelayServers({
      clock: this.#clock,
      ask: () => this.#line.send({ type: "ice-servers" }),
    });
    this.#local = this.#inputs.state;
    line.listen(this.#listener);
  }

  get state(): CallState {
    return this.#state;
  }

  /** The others in the call, by their ids. The same array until something in it changes. */
  get peers(): readonly CallPeer[] {
    return this.#all;
  }

  /** What this client sends. The same object until something in it changes. */
  get local(): LocalMedia {
    return this.#local;
  }

  get playback(): Playback {
    return this.#player.state;
  }

  /**
   * Enters the call: asks for the devices, then the room. A microphone that can't be had is told by `local.microphone`, and
   * one listens. Resolves when the room let this client in, which may take until there is a connection; at once if it is in.
   * Rejects with a `RoomfulError` when the room refuses (`call-full`, `forbidden`), and with an `AbortError` when the call
   * was left meanwhile.
   */
  join({ audio = true, video = false }: JoinOptions = {}): Promise<void> {
    if (this.#membership.type === "in") return Promise.resolve();
    if (this.#joining !== null) return this.#joining.promise;
    const waiter = newWaiter();
    this.#joining = waiter;
    this.#enter({ type: "joining", isReady: false });
    void this.#inputs.start(audio, video).then(() => {
      if (this.#joining !== waiter) return;
      this.#enter({ type: "joining", isReady: true });
      this.#ask();
    });
    return waiter.promise;
  }

  /** Leaves the call, lets go of all devices and closes every connection. */
  leave(): void {
    if (this.#membership.type === "out") return;
    if (this.#wantsIn) {
      this.#isLeaveUnsaid = this.#line.me === null;
      this.#line.send({ type: "call-leave" });
    }
    this.#end({ type: "out" }, new DOMException("the call was left", "AbortError"));
  }

  /** Sends silence. The microphone is kept. */
  mute(): void {
    this.#inputs.setMuted(true);
  }

  unmute(): void {
    this.#inputs.setMuted(false);
  }

  /**
   * Takes another microphone, or a first one: for who only listened, or was denied one before. The others notice nothing of
   * a change.
   * @param deviceId as `enumerateDevices()` lists it; without it, the browser chooses
   * @throws what `getUserMedia` threw; a microphone that works goes on then
   */
  setInputDevice(deviceId?: string): Promise<void> {
    return this.#whileIn(() => this.#inputs.setMicrophone(deviceId));
  }

  /** Turns the camera on or off. @throws what `getUserMedia` threw */
  setCamera(wish: Wish): Promise<void> {
    return this.#whileIn(() => this.#inputs.setCamera(wish));
  }

  /** Plays what the browser blocked: call it from a click. */
  resumePlayback(): void {
    this.#player.resume();
    this.#inputs.resume();
  }

  /** Looks for new paths to one peer or to all. The call does so itself when a path fails. */
  restartIce(peer?: PeerId): void {
    for (const each of peer === undefined ? connectedPeers(this.#mesh) : [peer]) {
      this.#dispatch({ type: "peer", peer: each, event: { type: "restart" } });
    }
  }

  /** Leaves, and tells nothing any more. Its connection does this when it is destroyed. */
  override destroy(): void {
    this.leave();
    super.destroy();
  }

  /** What a handler throws is thrown in a turn of its own, and stops nothing here. */
  override emit<Name extends keyof CallEvents & string>(name: Name, args: Parameters<CallEvents[Name]>): void {
    try {
      super.emit(name, args);
    } catch (thrown) {
      throwLater(this.#clock, thrown);
    }
  }

  readonly #listener: LineListener = {
    welcomed: (me) => {
      this.#dispatch({ type: "welcomed", me });
      if (this.#wantsIn) this.#ask();
      else if (this.#isLeaveUnsaid) this.#line.send({ type: "call-leave" });
      this.#isLeaveUnsaid = false;
    },
    received: (message) => this.#receive(message),
    refused: (refusal) => this.#refused(refusal),
    participants: (all) => this.#told(all),
    closed: () => {
      this.#isToldIn = false;
      this.#dispatch({ type: "offline" });
    },
    ended: ({ code, reason }: Ending) => {
      this.#isLeaveUnsaid = false;
      if (!this.#wantsIn) return;
      this.#refuse(errorCodeOf(new Error(reason)) ?? "internal", reason === "" ? `closed ${code}` : reason);
    },
  };

  /** Whether this client is in, or waits for nothing but the room. */
  get #wantsIn(): boolean {
    const { type } = this.#membership;
    return type === "in" || (this.#membership.type === "joining" && this.#membership.isReady);
  }

  #ask(): void {
    this.#line.send({ type: "call-join", media: this.#inputs.media });
  }

  #tellMedia(): void {
    if (this.#mesh.isOnline) this.#line.send({ type: "media-state", media: this.#inputs.media });
  }

  #receive(message: CallMessage): void {
    switch (message.type) {
      case "call-joined":
        this.#joined(message);
        return;
      case "offer":
      case "answer": {
        const { type, from, connection, round, description } = message;
        this.#dispatch({ type: "signal", from, signal: { type, connection, round, sdp: description.sdp } });
        return;
      }
      case "ice-candidates": {
        const { type, from, connection, candidates } = message;
        this.#dispatch({ type: "signal", from, signal: { type, connection, candidates } });
        return;
      }
      case "ice-servers":
        if (this.#membership.type === "in") this.#takeServers(message);
        return;
      default:
        message satisfies never;
    }
  }

  #joined(message: Extract<CallMessage, { type: "call-joined" }>): void {
    if (!this.#wantsIn) return;
    // Before connections are made with them.
    this.#takeServers(message);
    this.#dispatch({ type: "joined", members: message.members });
    const isBack = this.#membership.type === "in";
    this.#enter({ type: "in" });
    // Who is back in the call is taken to send what it sent before.
    if (isBack) this.#tellMedia();
    for (const peer of this.#peers.values()) peer.flush();
    this.#joining?.resolve();
    this.#joining = null;
    if (this.#timer === null) this.#listenLater();
  }

  #takeServers(message: Extract<CallMessage, { type: "call-joined" | "ice-servers" }>): void {
    this.#relays.told(message);
    if (message.warning !== undefined) this.emit("problem", [{ cause: new RoomfulError(message.warning) }]);
    for (const peer of this.#peers.values()) peer.setConfiguration(this.#configuration);
  }

  get #configuration(): RTCConfiguration {
    return {
      iceServers: this.#relays.servers,
      iceTransportPolicy: this.#options.iceTransportPolicy ?? "all",
      bundlePolicy: "max-bundle",
    };
  }

  #refused({ code, message, about, peer }: Refusal): void {
    if (about === "call-join") {
      if (this.#wantsIn) this.#refuse(code, message);
    } else if (peer !== undefined && (code === "unknown-peer" || code === "not-in-call")) {
      this.#dispatch({ type: "undeliverable", to: peer });
    } else if (code === "not-in-call" && this.#membership.type === "in") this.#ask();
  }

  #told(all: readonly Participant[]): void {
    const { me } = this.#line;
    const self = all.find(({ peer }) => peer === me);
    this.#inputs.setMutedByModerator(self?.isMuted === true && this.#wantsIn);
    if (!this.#wantsIn) return;
    const others = all.filter(({ peer, call }) => peer !== me && call !== undefined);
    this.#members = new Map(others.map((participant) => [participant.peer, participant]));
    const states = others.map(({ peer, call }): [PeerId, CallMember["state"]] => [peer, call?.state ?? "connected"]);
    this.#dispatch({ type: "told", members: new Map(states) });
    for (const [peer, { isMuted }] of this.#members) this.#peers.get(peer)?.silence(isMuted === true);
    for (const peer of this.#peers.values()) peer.flush();
    if (!this.#mesh.isOnline) return;
    if (self?.call !== undefined) this.#isToldIn = true;
    else if (this.#isToldIn) this.#refuse("forbidden", "the room ended this client's part in the call");
    this.#update();
  }

  #dispatch(event: MeshEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const { mesh, effects } = stepMesh(this.#mesh, next, { newConnection: () => crypto.randomUUID() });
      this.#mesh = mesh;
      for (const effect of effects) this.#perform(effect);
    }
    this.#isStepping = false;
    this.#update();
  }

  #perform({ peer: id, effect }: MeshEffect): void {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      if (effect.type !== "create") return;
      peer = this.#newPeer(id);
      this.#peers.set(id, peer);
    }
    peer.perform(effect);
  }

  #newPeer(id: PeerId): Peer {
    const dispatch = (event: NegotiationEvent) => this.#dispatch({ type: "peer", peer: id, event });
    const peer: Peer = new Peer({
      clock: this.#clock,
      newConnection: () => this.#platform.newConnection(this.#configuration),
      track: (kind: Kind) => this.#inputs.track(kind),
      localStream: () => this.#inputs.stream,
      dispatch,
      send: (signal) => this.#send(id, signal),
      canSend: () => this.#mesh.negotiations.get(id)?.isReachable === true,
      made: (connection) => this.emit("connection", [{ peer: id, connection }]),
      tracksChanged: () => {
        if (this.#options.play !== false && this.#peers.get(id) === peer) this.#player.play(peer.stream);
      },
      problem: (cause) => this.emit("problem", [{ peer: id, cause }]),
    });
    peer.silence(this.#members.get(id)?.isMuted === true);
    return peer;
  }

  #send(to: PeerId, signal: Signal): void {
    if (signal.type === "ice-candidates") {
      this.#line.send({ ...signal, to });
      return;
    }
    const { type, connection, round, sdp } = signal;
    this.#line.send({ type, to, connection, round, description: { sdp } });
  }

  #enter(membership: Membership): void {
    this.#membership = membership;
    this.#update();
  }

  #refuse(code: ErrorCode, message: string): void {
    // In case it was an earlier wish that the room refused.
    this.#line.send({ type: "call-leave" });
    this.#end({ type: "refused", code, message }, new RoomfulError(code));
  }

  #end(membership: Extract<Membership, { type: "out" | "refused" }>, cause: unknown): void {
    this.#membership = membership;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#relays.stop();
    this.#dispatch({ type: "left" });
    this.#members = new Map();
    this.#isToldIn = false;
    this.#inputs.stop();
    const joining = this.#joining;
    this.#joining = null;
    this.#update();
    // Who does not wait for it is told by the state.
    joining?.promise.catch(() => {});
    joining?.reject(cause);
  }

  async #whileIn(run: () => Promise<void>): Promise<void> {
    const { type } = this.#membership;
    if (type !== "in" && type !== "joining") throw new RoomfulError("not-in-call");
    await run();
  }

  #listenLater(): void {
    this.#timer = this.#clock.setTimeout(() => {
      const now = this.#clock.now();
      this.#inputs.listen(now);
      const measures = ++this.#listens % LISTENS_PER_MEASUREMENT === 0;
      for (const [id, peer] of this.#peers) {
        peer.listen(now);
        if (measures) peer.measure().catch((cause: unknown) => this.emit("problem", [{ peer: id, cause }]));
      }
      this.#update();
      this.#listenLater();
    }, LISTEN_MS);
  }

  /** Tells what changed, once the mesh is at rest. */
  #update(): void {
    if (this.#isStepping) return;
    this.#dropClosedPeers();
    const peers = this.#describePeers();
    if (peers.length !== this.#all.length || peers.some((peer, index) => peer !== this.#all[index])) {
      this.#all = peers;
      this.emit("peers", [peers]);
    }
    const local = this.#inputs.state;
    if (!isSame(local, this.#local)) {
      this.#local = local;
      this.emit("local", [local]);
    }
    const state = this.#describe();
    if (!isSame(state, this.#state)) {
      this.#state = state;
      this.emit("state", [state]);
    }
  }

  #dropClosedPeers(): void {
    for (const [id, peer] of this.#peers) {
      if (this.#mesh.negotiations.get(id)?.link != null) continue;
      peer.close();
      this.#player.stop(peer.stream);
      this.#peers.delete(id);
    }
  }

  #describePeers(): readonly CallPeer[] {
    const known = new Map(this.#all.map((peer) => [peer.peer, peer]));
    const ids = [...this.#peers.keys()].sort();
    return ids.flatMap((id) => {
      const peer = this.#peers.get(id);
      if (peer === undefined) return [];
      const described = describePeer(id, peer, this.#members.get(id));
      const before = known.get(id);
      return [before !== undefined && isSame(before, described) ? before : described];
    });
  }

  #describe(): CallState {
    switch (this.#membership.type) {
      case "out":
        return { type: "idle" };
      case "joining":
        return { type: "joining" };
      case "refused":
        return this.#membership;
      case "in": {
        if (!this.#mesh.isOnline) return { type: "reconnecting-signaling" };
        const peers = this.#all.filter(({ state }) => state === "reconnecting-media").map(({ peer }) => peer);
        return peers.length === 0 ? { type: "joined" } : { type: "reconnecting-media", peers };
      }
      default:
        return this.#membership satisfies never;
    }
  }
}

function describePeer(id: PeerId, peer: Peer, member: Participant | undefined): CallPeer {
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

/** Whether two have the same fields; lists in them are compared by what is in them. */
function isSame(one: object, other: object): boolean {
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([name, value]) => isSameValue(value, right.get(name)));
}

function isSameValue(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

function newWaiter(): Waiter {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, resolve, reject };
}
