import type { CallMember } from "../../shared/calls.ts";
import { type ErrorCode, errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import type { Ending } from "../connection/lifecycle.ts";
import type { CallLine, CallMessage, LineListener, Refusal } from "./line.ts";
import { type Kind, LocalInputs } from "./local-inputs.ts";
import { monitorMedia } from "./media-monitor.ts";
import { type Membership, wantsIn } from "./membership.ts";
import { connectedPeers, EMPTY_MESH, type Mesh, type MeshEffect, type MeshEvent, stepMesh } from "./mesh.ts";
import type { NegotiationEvent, Signal } from "./negotiation.ts";
import { type CallOptions, type CallPlatform, type JoinOptions, platformOf, type Wish } from "./options.ts";
import { Peer } from "./peer.ts";
import { Player } from "./playback.ts";
import { RelayServers } from "./relay-servers.ts";
import type { CallEvents, CallPeer, CallState, LocalMedia, Playback } from "./states.ts";
import { CallView } from "./view.ts";

/**
 * A room's call. Media flows between the peers; the room only relays their signals. Before `join()` a call asks for no
 * device and sends nothing.
 *
 * @example
 * button.onclick = () => connection.call.join({ audio: true });
 * connection.call.on("peers", (peers) => list.show(peers));
 */
export class Call extends Emitter<CallEvents> {
  readonly #line: CallLine;
  readonly #options: CallOptions;
  readonly #clock: Clock;
  readonly #platform: CallPlatform;
  readonly #inputs: LocalInputs;
  readonly #player: Player;
  readonly #relays: RelayServers;
  readonly #view: CallView;
  readonly #peers = new Map<PeerId, Peer>();
  readonly #events: MeshEvent[] = [];
  #isStepping = false;
  #mesh: Mesh = EMPTY_MESH;
  #membership: Membership = { type: "out" };
  #joining: PromiseWithResolvers<void> | null = null;
  /** The others in the call, by the room's last word. Kept while the socket is lost. */
  #members: ReadonlyMap<PeerId, Participant> = new Map();
  /** Whether the room listed this client in the call on the present socket. */
  #isToldIn = false;
  /** Whether the room may still list this client in the call that it left. */
  #isLeaveUnsaid = false;
  #stopMonitor: (() => void) | null = null;

  /** @param line of a connection to a room; made by that connection */
  constructor(line: CallLine, options: CallOptions = {}) {
    const { clock = systemClock } = options;
    super(clock);
    this.#line = line;
    this.#options = options;
    this.#clock = clock;
    this.#platform = platformOf(options);
    this.#inputs = new LocalInputs({
      platform: this.#platform,
      trackChanged: (kind, track) => {
        for (const peer of this.#peers.values()) peer.setTrack(kind, track);
      },
      changed: () => {
        this.#sendMedia();
        this.#update();
      },
    });
    this.#player = new Player(() => this.emit("playback", [this.#player.state]));
    this.#relays = new RelayServers({
      clock: this.#clock,
      ask: () => this.#line.send({ type: "ice-servers" }),
    });
    this.#view = new CallView(this, () => ({
      membership: this.#membership,
      isOnline: this.#mesh.isOnline,
      peers: this.#peers,
      members: this.#members,
      local: this.#inputs.state,
    }));
    line.listen(this.#listener);
  }

  get state(): CallState {
    return this.#view.state;
  }

  /** The others in the call, by their ids. The same array until something in it changes. */
  get peers(): readonly CallPeer[] {
    return this.#view.peers;
  }

  /** The devices and media of this client. The same object until something in it changes. */
  get local(): LocalMedia {
    return this.#view.local;
  }

  get playback(): Playback {
    return this.#player.state;
  }

  /**
   * Enters the call: asks the browser for the devices, then the room. Without a microphone the client listens, and
   * `local.microphone` tells why. Resolves when the room let this client in, which may wait for a connection; at once if it
   * is in. Rejects with a `RoomfulError` when the room refuses (`call-full`, `forbidden`), and with an `AbortError` when
   * `leave()` came first.
   */
  join({ audio = true, video = false }: JoinOptions = {}): Promise<void> {
    if (this.#membership.type === "in") return Promise.resolve();
    if (this.#joining !== null) return this.#joining.promise;
    const waiter = Promise.withResolvers<void>();
    this.#joining = waiter;
    this.#setMembership({ type: "joining", isReady: false });
    void this.#inputs.start(audio, video).then(() => {
      if (this.#joining !== waiter) return;
      this.#setMembership({ type: "joining", isReady: true });
      this.#sendJoin();
    });
    return waiter.promise;
  }

  /** Leaves the call, lets go of all devices and closes every connection. */
  leave(): void {
    if (this.#membership.type === "out") return;
    if (wantsIn(this.#membership)) {
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
   * Takes another microphone, or a first one for a client that listened without. The peers notice nothing of a change.
   * @param deviceId as `enumerateDevices()` lists it; without it, the browser chooses
   * @throws RoomfulError `not-in-call`; the error of `getUserMedia`, after which a working microphone goes on
   */
  setInputDevice(deviceId?: string): Promise<void> {
    return this.#whileIn(() => this.#inputs.setMicrophone(deviceId));
  }

  /** Turns the camera on or off. @throws RoomfulError `not-in-call`; the error of `getUserMedia` */
  setCamera(wish: Wish): Promise<void> {
    return this.#whileIn(() => this.#inputs.setCamera(wish));
  }

  /** Plays sound that the browser blocked. Call it from a click handler. */
  resumePlayback(): void {
    this.#player.resume();
    this.#inputs.resume();
  }

  /** Restarts ICE with one peer or with all. The call does so itself when a path fails. */
  restartIce(peer?: PeerId): void {
    for (const each of peer === undefined ? connectedPeers(this.#mesh) : [peer]) {
      this.#dispatch({ type: "peer", peer: each, event: { type: "restart" } });
    }
  }

  /** Leaves, and emits nothing any more. The connection calls this when it is destroyed. */
  override destroy(): void {
    this.leave();
    super.destroy();
  }

  readonly #listener: LineListener = {
    applyWelcome: (me) => {
      this.#dispatch({ type: "welcomed", me });
      if (wantsIn(this.#membership)) this.#sendJoin();
      else if (this.#isLeaveUnsaid) this.#line.send({ type: "call-leave" });
      this.#isLeaveUnsaid = false;
    },
    applyMessage: (message) => this.#applyMessage(message),
    applyRefusal: (refusal) => this.#applyRefusal(refusal),
    applyParticipants: (all) => this.#applyParticipants(all),
    socketClosed: () => {
      this.#isToldIn = false;
      this.#dispatch({ type: "offline" });
    },
    connectionEnded: ({ code, reason }: Ending) => {
      this.#isLeaveUnsaid = false;
      if (!wantsIn(this.#membership)) return;
      this.#refuse(errorCodeOf(new Error(reason)) ?? "internal", reason === "" ? `closed ${code}` : reason);
    },
  };

  #sendJoin(): void {
    this.#line.send({ type: "call-join", media: this.#inputs.media });
  }

  #sendMedia(): void {
    if (this.#mesh.isOnline) this.#line.send({ type: "media-state", media: this.#inputs.media });
  }

  #applyMessage(message: CallMessage): void {
    switch (message.type) {
      case "call-joined":
        this.#applyJoined(message);
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
        if (this.#membership.type === "in") this.#applyServers(message);
        return;
      default:
        message satisfies never;
    }
  }

  #applyJoined(message: Extract<CallMessage, { type: "call-joined" }>): void {
    if (!wantsIn(this.#membership)) return;
    const isBack = this.#membership.type === "in";
    // The servers come first: the connections that `joined` makes use them.
    this.#applyServers(message);
    // Each step emits events, and a handler of the app may leave the call: the rest would undo that.
    if (!wantsIn(this.#membership)) return;
    this.#dispatch({ type: "joined", members: message.members });
    if (!wantsIn(this.#membership)) return;
    this.#setMembership({ type: "in" });
    if (this.#membership.type !== "in") return;
    // After a reconnect the room still has the media state of the socket before.
    if (isBack) this.#sendMedia();
    for (const peer of this.#peers.values()) peer.flush();
    this.#joining?.resolve();
    this.#joining = null;
    this.#stopMonitor ??= monitorMedia({
      clock: this.#clock,
      inputs: this.#inputs,
      peers: this.#peers,
      measured: () => this.#update(),
      problem: (problem) => this.emit("problem", [problem]),
    });
  }

  #applyServers(message: Extract<CallMessage, { type: "call-joined" | "ice-servers" }>): void {
    this.#relays.replace(message);
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

  #applyRefusal({ code, message, about, peer }: Refusal): void {
    if (about === "call-join") {
      if (wantsIn(this.#membership)) this.#refuse(code, message);
    } else if (peer !== undefined && (code === "unknown-peer" || code === "not-in-call")) {
      this.#dispatch({ type: "undeliverable", to: peer });
    } else if (code === "not-in-call" && this.#membership.type === "in") this.#sendJoin();
  }

  #applyParticipants(all: readonly Participant[]): void {
    const { me } = this.#line;
    const self = all.find(({ peer }) => peer === me);
    this.#inputs.setMutedByModerator(self?.isMuted === true && wantsIn(this.#membership));
    if (!wantsIn(this.#membership)) return;
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

  #setMembership(membership: Membership): void {
    this.#membership = membership;
    this.#update();
  }

  #refuse(code: ErrorCode, message: string): void {
    // The refusal may answer an earlier `call-join`, and the room may have accepted the later one.
    this.#line.send({ type: "call-leave" });
    this.#end({ type: "refused", code, message }, new RoomfulError(code));
  }

  #end(membership: Extract<Membership, { type: "out" | "refused" }>, cause: unknown): void {
    this.#membership = membership;
    this.#stopMonitor?.();
    this.#stopMonitor = null;
    this.#relays.stop();
    this.#dispatch({ type: "left" });
    this.#members = new Map();
    this.#isToldIn = false;
    this.#inputs.stop();
    const joining = this.#joining;
    this.#joining = null;
    this.#update();
    // The state tells the refusal as well, so an app that does not await `join()` gets no unhandled rejection.
    joining?.promise.catch(() => {});
    joining?.reject(cause);
  }

  async #whileIn(run: () => Promise<void>): Promise<void> {
    const { type } = this.#membership;
    if (type !== "in" && type !== "joining") throw new RoomfulError("not-in-call");
    await run();
  }

  /** Emits what changed, once the mesh is at rest. */
  #update(): void {
    if (this.#isStepping) return;
    this.#dropClosedPeers();
    this.#view.update();
  }

  #dropClosedPeers(): void {
    for (const [id, peer] of this.#peers) {
      if (this.#mesh.negotiations.get(id)?.link != null) continue;
      peer.close();
      this.#player.stop(peer.stream);
      this.#peers.delete(id);
    }
  }
}
