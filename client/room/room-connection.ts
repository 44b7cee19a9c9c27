import { RoomfulError } from "../../shared/errors.ts";
import {
  type MessageFromRoom,
  parseMessageFromRoom,
  RESUME_PROTOCOL,
  ROOMFUL_PROTOCOL,
} from "../../shared/messages.ts";
import type { MessageToRoom } from "../../shared/messages-to-room.ts";
import type { Moderation, RoomSettings } from "../../shared/moderation.ts";
import type { Capability, Json, Participant, PeerId } from "../../shared/rooms.ts";
import { systemClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { Call } from "../call/call.ts";
import { CallLine } from "../call/line.ts";
import { behaviourOf } from "../connection/behaviour.ts";
import { Connector, type RoomSocket } from "../connection/connector.ts";
import type { Ending } from "../connection/lifecycle.ts";
import { Renewal } from "../connection/renewal.ts";
import type { DocumentLink } from "./document-link.ts";
import type { RoomConnectionEvents } from "./events.ts";
import type { RoomConnectionOptions } from "./options.ts";
import { Participants } from "./participants.ts";
import { checkTarget, roomUrl, type Target } from "./target.ts";

/**
 * A connection to a room, with its participants, events, moderation and call. `RoomProvider` syncs a document over one; an
 * app without a document uses it alone.
 *
 * @example
 * const connection = new RoomConnection("wss://host/rooms", "standup");
 * await connection.call.join({ audio: true });
 */
export class RoomConnection extends Emitter<RoomConnectionEvents> {
  /** The room's call, which this connection is in once it joins. */
  readonly call: Call;
  /** Query parameters of the URL. May be changed; read at each connect. */
  params: Record<string, string>;
  readonly #target: Target;
  readonly #options: RoomConnectionOptions;
  readonly #link: DocumentLink | null;
  readonly #connector: Connector;
  readonly #renewal: Renewal;
  readonly #line: CallLine;
  readonly #participants = new Participants((all) => {
    this.emit("participants", [all]);
    this.#line.applyParticipants(all);
  });
  #peer: PeerId | null = null;
  #capabilities: readonly Capability[] = [];
  /** Proves to the room that the next socket belongs to the same peer. */
  #resume: string | null = null;
  #wantsSocket = false;
  #isDestroyed = false;

  /**
   * @param serverUrl ends in `/rooms`
   * @param room its name; any that `parseRoomName` takes
   * @param link syncs a document over this connection, which then does not connect by itself
   * @throws RoomfulError `bad-room-name`, `invalid-argument`
   */
  constructor(serverUrl: string, room: string, options: RoomConnectionOptions = {}, link: DocumentLink | null = null) {
    const { clock = systemClock } = options;
    super(clock);
    this.#target = checkTarget(serverUrl, room);
    const behaviour = behaviourOf(options);
    this.#options = options;
    this.#link = link;
    this.params = options.params ?? {};
    this.#connector = new Connector({
      ...behaviour,
      fetchToken: () => (typeof options.token === "function" ? options.token() : options.token),
      openSocket: (token) => this.#openSocket(token),
      listener: this.#listener,
    });
    const { token } = options;
    this.#renewal = new Renewal({
      clock,
      fetchToken: typeof token === "function" ? async () => token() : undefined,
      send: (fresh) => this.#tell({ type: "auth", token: fresh }),
      failed: (cause) => this.emit("problem", [{ source: "connection", cause }]),
    });
    this.#line = new CallLine((message) => this.#connector.send(JSON.stringify(message)));
    this.call = new Call(this.#line, { ...options.call, clock });
    if (link === null && options.connect !== false) this.connect();
  }

  /** The room's name. */
  get roomname(): string {
    return this.#target.room;
  }

  /** Where the next socket connects to. */
  get url(): string {
    return roomUrl(this.#target, this.params);
  }

  /** Whether there is a socket, or will be one without a further call. */
  get shouldConnect(): boolean {
    return this.#wantsSocket;
  }

  get isConnected(): boolean {
    return this.#connector.state.type === "open";
  }

  get isConnecting(): boolean {
    const { type } = this.#connector.state;
    return type === "connecting" || type === "fetching-token";
  }

  /** The socket, connecting or open. */
  get socket(): RoomSocket | null {
    return this.#connector.socket;
  }

  /** This connection's id in the room; `null` while there is no connection. */
  get peer(): PeerId | null {
    return this.#peer;
  }

  /**
   * Everybody connected, this client included, by the time they came. The list is empty while there is no connection. The
   * room vouches for it, and does not for the states in `awareness`.
   */
  get participants(): readonly Participant[] {
    return this.#participants.all;
  }

  /** The rights that the room granted to this connection. The list is empty while there is no connection. */
  get capabilities(): readonly Capability[] {
    return this.#capabilities;
  }

  /** Connects, and again whenever the socket is lost. A document that the browser keeps is loaded first. */
  connect(): void {
    if (this.#isDestroyed) return;
    this.#wantsSocket = true;
    const ready = this.#link?.whenReady() ?? null;
    if (ready === null) this.#startConnector();
    else void ready.then(() => this.#startConnector());
  }

  /** Leaves the room, and a call in it. */
  disconnect(): void {
    this.#wantsSocket = false;
    this.#link?.disconnect();
    this.call.leave();
    this.#resume = null;
    this.#connector.disconnect();
  }

  /** Ends everything; with a document, its provider too. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.disconnect();
    this.#isDestroyed = true;
    this.call.destroy();
    this.#connector.destroy();
    super.destroy();
    this.#link?.destroy();
  }

  /**
   * Sends data to all other readers, or to one of them; their apps get it as `event`. The room keeps nothing of it, so a
   * client that connects later never gets it. Needs the right to publish; `problem` tells a refusal.
   * @param data at most 64 KiB as JSON
   * @throws RoomfulError `not-connected`
   */
  publish(data: Json, to?: PeerId): void {
    this.#tell({ type: "event", data, ...(to !== undefined && { to }) });
  }

  /**
   * Changes the rights of others, mutes, kicks or bans. Needs the right to moderate. The outcome shows in `participants`;
   * `problem` tells a refusal.
   * @throws RoomfulError `not-connected`
   */
  moderate(moderation: Moderation): void {
    this.#tell({ type: "moderate", moderation });
  }

  /**
   * Changes some of the room's own settings: locks it, for instance. Needs the right to moderate; `problem` tells a refusal.
   * @throws RoomfulError `not-connected`
   */
  changeSettings(settings: Partial<RoomSettings>): void {
    this.#tell({ type: "settings", settings });
  }

  /** Sends a binary frame, if connected. Its document alone calls this: the room numbers the frames that it acknowledges. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    this.#connector.send(frame);
  }

  /** Resets the backoff. A document calls this once the room has committed it: a failing room is not retried at full pace. */
  wasUseful(): void {
    this.#connector.wasUseful();
  }

  #startConnector(): void {
    if (!this.#wantsSocket) return;
    this.#connector.connect();
    this.#link?.connect();
  }

  #openSocket(token: string | undefined): WebSocket {
    if (token !== undefined) this.#link?.applyToken(token);
    const Socket = this.#options.WebSocketPolyfill ?? WebSocket;
    const bearer = token === undefined ? [] : [`roomful.bearer.${token}`];
    const resume = this.#resume === null ? [] : [`${RESUME_PROTOCOL}${this.#resume}`];
    const url = this.url.replace(/^http/, "ws");
    return new Socket(url, [ROOMFUL_PROTOCOL, ...bearer, ...resume, ...(this.#options.protocols ?? [])]);
  }

  readonly #listener = {
    connecting: () => this.emit("status", [{ status: "connecting" }]),
    socketOpened: () => {
      this.emit("status", [{ status: "connected" }]);
      this.#link?.socketOpened();
    },
    message: (data: unknown) => this.#applyData(data),
    failed: (event: Event) => this.emit("connection-error", [event]),
    socketClosed: (event: CloseEvent | null, wasOpen: boolean) => {
      this.emit("connection-close", [event]);
      if (!wasOpen) return;
      this.#peer = null;
      this.#capabilities = [];
      this.#renewal.stop();
      this.#line.socketClosed();
      this.#participants.clear();
      this.#link?.socketClosed();
      this.emit("status", [{ status: "disconnected" }]);
    },
    connectionEnded: (ending: Ending) => {
      this.#wantsSocket = false;
      this.#resume = null;
      this.#link?.connectionEnded(ending);
      this.#line.connectionEnded(ending);
      this.emit("closed", [ending]);
    },
    couldNotStart: (cause: unknown) => this.emit("problem", [{ source: "connection", cause }]),
  };

  #applyData(data: unknown): void {
    try {
      if (typeof data === "string") this.#applyMessage(parseMessageFromRoom(data));
      // `instanceof` would fail for an ArrayBuffer of another realm, as in jsdom.
      else this.#link?.applyFrame(new Uint8Array(data as ArrayBuffer));
    } catch (caught) {
      // A newer room may send messages that this client does not know. Nothing else depends on them.
      if (!(caught instanceof RoomfulError)) throw caught;
      this.emit("problem", [{ source: "room", code: caught.code, message: caught.message }]);
    }
  }

  #applyMessage(message: MessageFromRoom): void {
    switch (message.type) {
      case "welcome":
        this.#link?.applyMessage(message);
        this.#peer = message.peer;
        this.#resume = message.resume ?? null;
        this.#setRights(message);
        this.emit("welcome", [{ peer: message.peer, capabilities: message.capabilities }]);
        if (this.#link === null) this.wasUseful();
        this.#line.applyWelcome(message.peer);
        return;
      case "grant":
        this.#link?.applyMessage(message);
        this.#setRights(message);
        return;
      case "error":
        this.#link?.applyMessage(message);
        this.emit("problem", [{ source: "room", code: message.code, message: message.message }]);
        this.#line.applyRefusal(message);
        return;
      case "saved":
      case "rejected":
      case "presence-renewal":
        this.#link?.applyMessage(message);
        return;
      case "participants":
        this.#participants.applyMessage(message);
        return;
      case "event": {
        const { type: _, ...event } = message;
        this.emit("event", [event]);
        return;
      }
      case "call-joined":
      case "offer":
      case "answer":
      case "ice-candidates":
      case "ice-servers":
        this.#line.applyMessage(message);
        return;
      case "warning":
        this.emit("problem", [{ source: "warning", code: message.code, message: message.message }]);
        return;
      case "probe":
        // The answer proves that this client read everything before the probe.
        this.#tell({ type: "probed", nonce: message.nonce });
        return;
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  #setRights({ capabilities, expiresIn }: { capabilities: readonly Capability[]; expiresIn?: number }): void {
    this.#capabilities = capabilities;
    this.#renewal.renewBefore(expiresIn);
    this.emit("capabilities", [capabilities]);
  }

  #tell(message: MessageToRoom): void {
    if (!this.isConnected) throw new RoomfulError("not-connected");
    this.#connector.send(JSON.stringify(message));
  }
}
