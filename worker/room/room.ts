import { DurableObject } from "cloudflare:workers";
import type { IceServers } from "../../shared/calls.ts";
import { RoomfulError } from "../../shared/errors.ts";
import { READ_BYTES } from "../../shared/limits.ts";
import { PING, PONG } from "../../shared/messages.ts";
import { type Moderation, parseModeration, parseRoomSettings, type RoomSettings } from "../../shared/moderation.ts";
import type { Grant, Json, Participant } from "../../shared/rooms.ts";
import type { Applied, RoomStatistics, Roots, RootsAsJson } from "../../shared/rpc.ts";
import { accountOf } from "../access/admission.ts";
import { WEBRTC_TAG } from "../calls/webrtc-signaling.ts";
import { ReadMeter } from "../document/json-walk.ts";
import { broadcastEvent } from "../events/broadcast-event.ts";
import { FREE, type Payer } from "../metering/limiter.ts";
import { answerCost, eventCost, readCost, rosterCost } from "../metering/prices.ts";
import { isPlainJson } from "../runtime/json.ts";
import { readSettings, type Settings } from "../settings/settings.ts";
import { SCHEMA_VERSION } from "../storage/schema.ts";
import { GrantedRoom, type PaidRoom } from "./granted-room.ts";
import { type Organs, organs } from "./organs.ts";

/** The state vector of who has nothing. */
const NOTHING_KNOWN = new Uint8Array([0]);

/**
 * The Durable Object of one room. Receives the platform's events and RPC, and delegates. Everything in memory can be lost
 * between two events without harm.
 */
export class Room extends DurableObject implements PaidRoom {
  readonly #boot: string = crypto.randomUUID();
  readonly #settings: Settings;
  readonly #organs: Organs;
  #events = 0;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#settings = readSettings(env);
    const webrtc = new Set(ctx.getWebSockets(WEBRTC_TAG));
    const room = ctx.getWebSockets().filter((socket) => !webrtc.has(socket));
    const platform = { storage: ctx.storage, sockets: ctx, survivors: { room, webrtc } };
    this.#organs = organs(ctx.id.name ?? ctx.id.toString(), this.#settings, platform);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** Runs an event of the platform as a turn. */
  #event<Result>(work: () => Result): Result {
    this.#events++;
    return this.#organs.turns.run(work);
  }

  /** Takes a WebSocket upgrade that the Worker admitted, and nothing else. What the room's own rules refuse it answers. */
  override fetch(request: Request): Response {
    return this.#event(() => this.#organs.door.answerUpgrade(request));
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    const { webrtc, sessions, dispatch } = this.#organs;
    this.#event(() => {
      const session = sessions.of(socket);
      if (session !== undefined) dispatch.handle(session, message);
      else if (webrtc.has(socket)) webrtc.handle(socket, message);
    });
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.#event(() => this.#organs.door.socketClosed(socket, code));
    // Ends the closing handshake; without it the client waits. The code that came is not always one that may be sent.
    socket.close(1000);
  }

  override webSocketError(socket: WebSocket): void {
    this.#event(() => this.#organs.door.socketClosed(socket, 1006));
  }

  override alarm(): Promise<void> {
    return this.#event(() => this.#organs.lifetime.runDue());
  }

  /**
   * The methods below for somebody who may not do everything.
   * @param origin of the page that calls, if one does
   * @param network of the caller, see `networkOf`: its account, if the grant has no subject. Without either, the account is
   * this call's own.
   * @throws RoomfulError `invalid-argument`
   */
  as(grant: Grant, origin: string | null = null, network: string | null = null): GrantedRoom {
    const { rules, limiter } = this.#organs;
    const own = `call ${crypto.randomUUID()}`;
    const account = () => accountOf({ grant, network }) ?? own;
    return new GrantedRoom(this, grant, {
      capabilities: () => rules.admit(grant, origin),
      demandSolvent: () => limiter.admit(account()),
      pay: (kind, cost) => limiter.chargeCall(account(), kind, cost),
    });
  }

  async getState(stateVector: Uint8Array = NOTHING_KNOWN, pay: Payer = FREE): Promise<Uint8Array> {
    return this.#event(() => {
      if (!(stateVector instanceof Uint8Array)) throw new RoomfulError("malformed-frame", "state vector");
      return this.#organs.sync.encodeMissing(stateVector, pay);
    });
  }

  async getStateVector(pay: Payer = FREE): Promise<Uint8Array> {
    return this.#event(() => {
      const stateVector = this.#organs.sync.applyPending().encodeStateVector();
      pay("joins", answerCost(stateVector.length));
      return stateVector;
    });
  }

  async getJson<const Asked extends Roots>(roots: Asked, pay: Payer = FREE): Promise<RootsAsJson<Asked>> {
    return this.#event(() => {
      if (typeof roots !== "object" || roots === null) throw new RoomfulError("invalid-argument", "roots is an object");
      const document = this.#organs.sync.applyPending();
      const meter = new ReadMeter(READ_BYTES);
      try {
        return document.toJson(roots, meter);
      } finally {
        pay("joins", readCost(meter.bytes));
      }
    });
  }

  async applyUpdate(update: Uint8Array, pay: Payer = FREE): Promise<Applied> {
    return this.#event(() => {
      if (!(update instanceof Uint8Array)) throw new RoomfulError("invalid-argument", "an update is a Uint8Array");
      if (update.length > this.#settings.MAX_FRAME_BYTES) throw new RoomfulError("frame-too-large");
      return this.#organs.sync.applyNow(update, pay);
    });
  }

  async statistics(): Promise<RoomStatistics> {
    const { store, sessions, webrtc, call, sync, refusals } = this.#organs;
    return this.#event(() => {
      const storage = store.figures();
      const stock = sessions.stockCount;
      return {
        boot: this.#boot,
        connections: { roomful: sessions.size - stock, stock, signaling: webrtc.size },
        callMembers: call.members.length,
        document: {
          loaded: sync.isLoaded,
          loads: sync.loads,
          taints: sync.taints,
          bytes: storage.snapshotBytes + storage.logBytesSinceSnapshot,
          readOnly: storage.schemaVersion > SCHEMA_VERSION ? "room-too-new" : sync.readOnly,
          damage: sync.damage,
        },
        storage,
        events: this.#events,
        updateBytes: sync.receivedBytes,
        refusals: refusals.counts,
      };
    });
  }

  async participants(pay: Payer = FREE): Promise<Participant[]> {
    return this.#event(() => {
      const { all } = this.#organs.participants;
      pay("messages", rosterCost(all.length));
      return all;
    });
  }

  async iceServers(subject?: string): Promise<IceServers> {
    return this.#event(() => this.#organs.iceServers.servers(subject));
  }

  async publish(data: Json, pay: Payer = FREE): Promise<void> {
    this.#event(() => {
      if (!isPlainJson(data)) throw new RoomfulError("invalid-argument", "data");
      const receivers = broadcastEvent(this.#organs.sessions, data);
      pay("messages", eventCost(JSON.stringify(data).length, receivers));
    });
  }

  async moderate(action: Moderation): Promise<void> {
    this.#event(() => this.#organs.moderator.moderate(parseModeration(action)));
  }

  async getSettings(): Promise<RoomSettings> {
    return this.#event(() => this.#organs.rules.settings);
  }

  async changeSettings(settings: Partial<RoomSettings>): Promise<RoomSettings> {
    const { moderator, sessions, lifetime } = this.#organs;
    return this.#event(() => {
      const changed = moderator.change(parseRoomSettings(settings));
      if (sessions.size === 0) lifetime.arm();
      return changed;
    });
  }

  async delete(): Promise<void> {
    return this.#event(() => this.#organs.lifetime.deleteEverything());
  }

  async flush(pay: Payer = FREE): Promise<void> {
    this.#event(() => {
      this.#organs.sync.flush();
      pay("joins", answerCost(this.#organs.sync.applyPending().bytes));
    });
  }
}
