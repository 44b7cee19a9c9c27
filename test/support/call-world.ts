import * as prng from "lib0/prng";
import { EMPTY_MESH, type Members, type Mesh, type MeshEvent, stepMesh } from "../../client/call/mesh.ts";
import type { MediaPath, NegotiationEffect, NegotiationEvent, Signal } from "../../client/call/negotiation.ts";
import type { PeerId } from "../../shared/rooms.ts";
import { FakePeerConnection } from "./fake-peer-connection.ts";

/** `die`: the page is gone without a word. `echo`: a message that was said is heard once more. */
export interface Simple {
  readonly type: "join" | "leave" | "die" | "disconnect" | "add-track" | "restart" | "echo";
  readonly client: number;
}

/** What happens to one of the clients, or to all. */
export type Happening =
  | Simple
  | { readonly type: "cut"; readonly client: number; readonly isAwayFor: number }
  | { readonly type: "restart-room" }
  | { readonly type: "drop-path"; readonly client: number; readonly other: number };

export interface Script {
  readonly seed: number;
  readonly clients: number;
  /** Whether operations fail now and then for no reason. */
  readonly operationsFail: boolean;
  readonly happenings: readonly { readonly after: number; readonly happening: Happening }[];
}

type FromRoom =
  | { readonly type: "welcome"; readonly me: PeerId }
  | { readonly type: "joined"; readonly members: readonly PeerId[] }
  | { readonly type: "told"; readonly members: Members }
  | { readonly type: "signal"; readonly from: PeerId; readonly signal: Signal }
  | { readonly type: "undeliverable"; readonly to: PeerId };

type ToRoom =
  | { readonly type: "call-join" | "call-leave" }
  | { readonly type: "signal"; readonly to: PeerId; readonly signal: Signal };

interface Task {
  readonly at: number;
  /** Those of one moment run in the order in which they were made. */
  readonly order: number;
  readonly run: () => void;
}

/** Milliseconds for which the room keeps a place. */
const RESERVED_MS = 30_000;

/** Messages that are kept to be heard again. */
const ECHOES = 40;

/**
 * Two to four clients, a room and a network, all decided by a seed: messages take random times, in order on each socket.
 * What the room does with a lost socket's messages is random where it may do this or that.
 */
export class CallWorld {
  readonly violations: string[] = [];
  readonly clients: WorldClient[];
  readonly room: WorldRoom;
  readonly #chance: prng.PRNG;
  readonly #tasks: Task[] = [];
  #order = 0;
  #ids = 0;
  now = 0;
  operationsFail: boolean;
  /** How often a connection was not well for so long that it was helped. */
  helps = 0;

  constructor({ seed, clients, operationsFail }: Script) {
    this.operationsFail = operationsFail;
    this.#chance = prng.create(seed + 1);
    this.room = new WorldRoom(this);
    this.clients = Array.from({ length: clients }, () => new WorldClient(this));
  }

  random(low: number, high: number): number {
    return prng.int31(this.#chance, low, high);
  }

  newId(): string {
    return `${this.random(0, 99_999)}-${++this.#ids}`;
  }

  later(milliseconds: number, run: () => void): void {
    this.#tasks.push({ at: this.now + milliseconds, order: ++this.#order, run });
  }

  /** Lets time pass. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let count = 0; ; count++) {
      if (count > 50_000) throw new Error("it does not come to rest");
      let next: Task | undefined;
      for (const task of this.#tasks) {
        if (next === undefined || task.at < next.at || (task.at === next.at && task.order < next.order)) next = task;
      }
      if (next === undefined || next.at > end) break;
      this.#tasks.splice(this.#tasks.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.run();
      this.#lookAtPaths();
    }
    this.now = end;
  }

  happen(happening: Happening): void {
    // So that what it does to the paths is seen.
    this.later(0, () => {});
    if (happening.type === "restart-room") {
      for (const client of this.clients) client.loseSocket(this.random(100, 3_000));
      return;
    }
    const client = this.clients[happening.client % this.clients.length];
    if (client === undefined) return;
    switch (happening.type) {
      case "join":
        client.join();
        return;
      case "leave":
        client.leave();
        return;
      case "die":
        client.die();
        return;
      case "disconnect":
        client.closeSocket();
        return;
      case "cut":
        client.loseSocket(happening.isAwayFor);
        return;
      case "add-track":
        client.addTrack();
        return;
      case "restart":
        client.restart();
        return;
      case "drop-path": {
        const other = this.clients[happening.other % this.clients.length];
        if (other !== undefined) client.connectionTo(other)?.dropPath();
        return;
      }
      case "echo":
        client.hearAgain();
        return;
      default:
        happening satisfies never;
    }
  }

  /** Everybody is in the call with a socket that holds, and nothing more happens. */
  calm(): void {
    this.operationsFail = false;
    for (const client of this.clients) client.join();
  }

  /** What is not as it should be at the end. */
  faults(): string[] {
    const faults = [...this.violations];
    for (const [index, client] of this.clients.entries()) {
      const open = client.openConnections;
      if (open !== this.clients.length - 1) faults.push(`client ${index} has ${open} connections`);
      for (const [peer, negotiation] of client.mesh.negotiations) {
        if (negotiation.isTimerSet) faults.push(`client ${index}: a timer runs for ${peer}`);
      }
      for (const other of this.clients.slice(index + 1)) {
        const [mine, theirs] = [client.connectionTo(other), other.connectionTo(client)];
        if (!mine?.isConnectedTo(theirs ?? mine) || theirs === undefined) faults.push(`client ${index}: not connected`);
        else if (!mine.isSettled || !theirs.isSettled) faults.push(`client ${index}: not settled`);
      }
    }
    return faults;
  }

  /** Answers that nobody took: whoever made an offer had given it up. */
  wastedAnswers(): number {
    let wasted = 0;
    for (const client of this.clients) {
      for (const other of this.clients) {
        if (other === client) continue;
        wasted += (client.connectionTo(other)?.answersMade ?? 0) - (other.connectionTo(client)?.answersTaken ?? 0);
      }
    }
    return wasted;
  }

  #lookAtPaths(): void {
    for (const client of this.clients) client.lookAtPaths();
  }
}

interface Socket {
  readonly peer: PeerId;
  isOpen: boolean;
  readonly toRoom: ToRoom[];
  readonly toClient: FromRoom[];
}

interface Seat {
  socket: Socket | null;
  isInCall: boolean;
  /** When the place is given up. */
  deadline: number;
}

class WorldRoom {
  readonly #world: CallWorld;
  readonly #seats = new Map<PeerId, Seat>();
  readonly #owners = new Map<Socket, WorldClient>();
  #isTelling = false;

  constructor(world: CallWorld) {
    this.#world = world;
  }

  connect(client: WorldClient, former: PeerId | null): Socket {
    const seat = former === null ? undefined : this.#seats.get(former);
    const resumes =
      former !== null && seat?.isInCall === true && (seat.socket !== null || seat.deadline > this.#world.now);
    const peer = resumes && former !== null ? former : (`p${this.#world.newId()}` as PeerId);
    const socket: Socket = { peer, isOpen: true, toRoom: [], toClient: [] };
    if (resumes && seat !== undefined) {
      if (seat.socket !== null) seat.socket.isOpen = false;
      seat.socket = socket;
    } else this.#seats.set(peer, { socket, isInCall: false, deadline: 0 });
    this.#owners.set(socket, client);
    this.send(socket, { type: "welcome", me: peer });
    this.#tellSoon();
    return socket;
  }

  closed(socket: Socket, isClean: boolean): void {
    socket.isOpen = false;
    const seat = this.#seats.get(socket.peer);
    if (seat?.socket !== socket) return;
    seat.socket = null;
    if (isClean || !seat.isInCall) this.#seats.delete(socket.peer);
    else {
      seat.deadline = this.#world.now + RESERVED_MS;
      this.#world.later(RESERVED_MS, () => {
        if (seat.socket === null && this.#seats.get(socket.peer) === seat) this.#seats.delete(socket.peer);
        this.#tellSoon();
      });
    }
    this.#tellSoon();
  }

  receive(socket: Socket, message: ToRoom): void {
    const seat = this.#seats.get(socket.peer);
    if (seat === undefined || seat.socket === null) return;
    switch (message.type) {
      case "call-join": {
        seat.isInCall = true;
        const members = [...this.#seats].filter(([peer, other]) => other.isInCall && peer !== socket.peer);
        this.send(seat.socket, { type: "joined", members: members.map(([peer]) => peer) });
        this.#tellSoon();
        return;
      }
      case "call-leave":
        seat.isInCall = false;
        this.#tellSoon();
        return;
      case "signal": {
        const to = this.#seats.get(message.to);
        const from = socket.peer;
        if (seat.isInCall && to?.isInCall && to.socket !== null) {
          this.send(to.socket, { type: "signal", from, signal: message.signal });
        } else if (to?.isInCall !== true || this.#world.random(0, 1) === 0) {
          this.send(seat.socket, { type: "undeliverable", to: message.to });
        }
        return;
      }
      default:
        message satisfies never;
    }
  }

  send(socket: Socket, message: FromRoom): void {
    socket.toClient.push(message);
    this.#world.later(this.#world.random(1, 80), () => {
      const next = socket.toClient.shift();
      if (next !== undefined && socket.isOpen) this.#owners.get(socket)?.receive(socket, next);
    });
  }

  /** Gathers what changed, so that who left and came again in between may not show. */
  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#world.later(this.#world.random(1, 300), () => {
      this.#isTelling = false;
      for (const [peer, { socket }] of this.#seats) {
        if (socket === null) continue;
        const others = [...this.#seats].filter(([other, { isInCall }]) => isInCall && other !== peer);
        const members: Members = new Map(
          others.map(([other, seat]) => [other, seat.socket === null ? "reconnecting" : "connected"]),
        );
        this.send(socket, { type: "told", members });
      }
    });
  }
}

class WorldClient {
  readonly #world: CallWorld;
  mesh: Mesh = EMPTY_MESH;
  readonly #connections = new Map<PeerId, FakePeerConnection>();
  readonly #paths = new Map<FakePeerConnection, MediaPath>();
  readonly #timers = new Map<PeerId, object>();
  readonly #heard: { from: PeerId; signal: Signal }[] = [];
  #socket: Socket | null = null;
  #former: PeerId | null = null;
  wantsCall = false;
  /** Whether the room may still hold it to be in the call. */
  #leftUnsaid = false;

  constructor(world: CallWorld) {
    this.#world = world;
    this.#connect();
  }

  get openConnections(): number {
    return [...this.#connections.values()].filter(({ isClosed }) => !isClosed).length;
  }

  connectionTo(other: WorldClient): FakePeerConnection | undefined {
    return other.mesh.me === null ? undefined : this.#connections.get(other.mesh.me);
  }

  join(): void {
    this.wantsCall = true;
    if (this.mesh.me !== null && !this.mesh.isOnline) this.#ask();
  }

  leave(): void {
    this.wantsCall = false;
    this.#step({ type: "left" });
    this.#leftUnsaid = this.#socket === null;
    this.#tell({ type: "call-leave" });
  }

  #ask(): void {
    if (this.#socket === null) return;
    this.#tell({ type: "call-join" });
  }

  /** The page is gone without a word, and another one comes. */
  die(): void {
    const socket = this.#socket;
    this.#step({ type: "left" });
    this.mesh = EMPTY_MESH;
    this.#former = null;
    this.#heard.length = 0;
    this.#socket = null;
    if (socket !== null) this.#world.later(this.#world.random(0, 20_000), () => this.#world.room.closed(socket, false));
    this.#connectAfter(this.#world.random(100, 2_000));
  }

  closeSocket(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#lose();
    this.#former = null;
    this.#world.room.closed(socket, true);
    this.#connectAfter(this.#world.random(100, 2_000));
  }

  /** The network goes away; the room may notice late, or only when the client is back. */
  loseSocket(isAwayFor: number): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#lose();
    // What was on its way is lost, or is heard after all.
    const late = this.#world.random(0, 1) === 0 ? [] : socket.toRoom.splice(0);
    socket.toRoom.length = 0;
    for (const message of late)
      this.#world.later(this.#world.random(1, 500), () => this.#world.room.receive(socket, message));
    this.#world.later(this.#world.random(0, 4_000), () => this.#world.room.closed(socket, false));
    this.#connectAfter(isAwayFor);
  }

  addTrack(): void {
    for (const [peer, connection] of this.#connections) {
      connection.needsNegotiation = true;
      this.#mayNeedNegotiation(peer, connection);
    }
  }

  restart(): void {
    for (const peer of this.#connections.keys()) this.#ofPeer(peer, { type: "restart" });
  }

  hearAgain(): void {
    const said = this.#heard[this.#world.random(0, this.#heard.length - 1)];
    if (said !== undefined) this.#step({ type: "signal", ...said });
  }

  receive(socket: Socket, message: FromRoom): void {
    if (socket !== this.#socket) return;
    switch (message.type) {
      case "welcome":
        this.#former = message.me;
        this.#step({ type: "welcomed", me: message.me });
        if (this.wantsCall) this.#ask();
        else if (this.#leftUnsaid) this.#tell({ type: "call-leave" });
        this.#leftUnsaid = false;
        return;
      case "joined":
        if (this.wantsCall) this.#step({ type: "joined", members: message.members });
        return;
      case "told":
        if (this.wantsCall) this.#step({ type: "told", members: message.members });
        return;
      case "signal":
        this.#heard.push({ from: message.from, signal: message.signal });
        if (this.#heard.length > ECHOES) this.#heard.shift();
        this.#step({ type: "signal", from: message.from, signal: message.signal });
        return;
      case "undeliverable":
        this.#step({ type: "undeliverable", to: message.to });
        return;
      default:
        message satisfies never;
    }
  }

  /** Tells the negotiation what became of the paths. */
  lookAtPaths(): void {
    for (const [peer, connection] of this.#connections) {
      if (connection.isClosed) continue;
      const other = this.#world.clients.find(({ mesh }) => mesh.me === peer);
      const theirs = other === undefined || this.mesh.me === null ? undefined : other.#connections.get(this.mesh.me);
      const before = this.#paths.get(connection) ?? "connecting";
      const isConnected = theirs !== undefined && connection.isConnectedTo(theirs);
      if (isConnected === (before === "connected")) continue;
      if (!isConnected && before !== "connected") continue;
      const path = isConnected ? "connected" : "disconnected";
      this.#paths.set(connection, path);
      this.#ofPeer(peer, { type: "path", connection: connection.connection, path });
      if (path === "disconnected") this.#world.later(15_000, () => this.#fail(peer, connection));
    }
  }

  #fail(peer: PeerId, connection: FakePeerConnection): void {
    if (connection.isClosed || this.#paths.get(connection) !== "disconnected") return;
    this.#paths.set(connection, "failed");
    this.#ofPeer(peer, { type: "path", connection: connection.connection, path: "failed" });
  }

  #connectAfter(milliseconds: number): void {
    this.#world.later(milliseconds, () => {
      if (this.#socket === null) this.#connect();
    });
  }

  #connect(): void {
    this.#socket = this.#world.room.connect(this, this.#former);
  }

  #lose(): void {
    if (this.#socket !== null) this.#socket.isOpen = false;
    this.#socket = null;
    this.#step({ type: "offline" });
  }

  #tell(message: ToRoom): void {
    const socket = this.#socket;
    if (socket === null) return;
    socket.toRoom.push(message);
    this.#world.later(this.#world.random(1, 80), () => {
      const next = socket.toRoom.shift();
      if (next !== undefined) this.#world.room.receive(socket, next);
    });
  }

  #ofPeer(peer: PeerId, event: NegotiationEvent): void {
    this.#step({ type: "peer", peer, event });
  }

  #step(event: MeshEvent): void {
    const { mesh, effects } = stepMesh(this.mesh, event, { newConnection: () => this.#world.newId() });
    this.mesh = mesh;
    for (const { peer, effect } of effects) this.#perform(peer, effect);
  }

  #perform(peer: PeerId, effect: NegotiationEffect): void {
    const world = this.#world;
    if (effect.type === "create") {
      if (this.#connections.has(peer)) world.violations.push("a second connection beside the first");
      this.#connections.set(peer, new FakePeerConnection(effect.connection, world.violations, () => world.newId()));
      return;
    }
    if (effect.type === "set-timer") {
      const timer = {};
      if (this.#timers.has(peer)) world.violations.push("a second timer beside the first");
      this.#timers.set(peer, timer);
      world.later(effect.milliseconds, () => {
        if (this.#timers.get(peer) !== timer) return;
        this.#timers.delete(peer);
        if (world.clients.some(({ mesh, wantsCall }) => wantsCall && mesh.me === peer)) world.helps++;
        this.#ofPeer(peer, { type: "timer" });
      });
      return;
    }
    if (effect.type === "clear-timer") {
      this.#timers.delete(peer);
      return;
    }
    if (effect.type === "send") {
      this.#tell({ type: "signal", to: peer, signal: effect.signal });
      return;
    }
    const connection = this.#connections.get(peer);
    if (connection === undefined) {
      world.violations.push(`${effect.type} without a connection`);
      return;
    }
    const { connection: id } = connection;
    switch (effect.type) {
      case "close":
        connection.isClosed = true;
        this.#connections.delete(peer);
        return;
      case "make-offer":
        this.#operate(peer, connection, () => ({ type: "offer-made", connection: id, sdp: connection.offer() }));
        return;
      case "accept-offer": {
        const { sdp } = effect;
        this.#operate(peer, connection, () => ({
          type: "offer-accepted",
          connection: id,
          sdp: connection.accept(sdp),
        }));
        return;
      }
      case "apply-answer": {
        const { sdp } = effect;
        this.#operate(peer, connection, () => {
          connection.apply(sdp);
          return { type: "answer-applied", connection: id };
        });
        return;
      }
      case "add-candidates":
        connection.addCandidates(effect.candidates);
        return;
      case "restart-ice":
        connection.restartIce();
        this.#mayNeedNegotiation(peer, connection);
        return;
      case "resend-offer": {
        const signal: Signal = { type: "offer", connection: id, round: effect.round, sdp: connection.localOffer() };
        this.#tell({ type: "signal", to: peer, signal });
        return;
      }
      default:
        effect satisfies never;
    }
  }

  /** An operation takes a while, and may fail for reasons of its own. */
  #operate(peer: PeerId, connection: FakePeerConnection, run: () => NegotiationEvent): void {
    const world = this.#world;
    connection.begin();
    world.later(world.random(1, 60), () => {
      connection.end();
      // What was under way when it was closed fails late.
      const fails = connection.isClosed || (world.operationsFail && world.random(0, 99) === 0);
      this.#ofPeer(peer, fails ? { type: "operation-failed", connection: connection.connection } : run());
      world.later(world.random(1, 400), () => this.#gather(peer, connection));
      this.#mayNeedNegotiation(peer, connection);
    });
  }

  #gather(peer: PeerId, connection: FakePeerConnection): void {
    const candidates = connection.gather();
    if (candidates.length === 0) return;
    const signal: Signal = { type: "ice-candidates", connection: connection.connection, candidates };
    this.#tell({ type: "signal", to: peer, signal });
  }

  #mayNeedNegotiation(peer: PeerId, connection: FakePeerConnection): void {
    this.#world.later(0, () => {
      if (!connection.wantsNegotiation) return;
      this.#ofPeer(peer, { type: "negotiation-needed", connection: connection.connection });
    });
  }
}
