import { DurableObject } from "cloudflare:workers";
import { ERRORS, type ErrorCode, errorCodeOf, isFinalClose, RoomfulError } from "../shared/errors.ts";
import { carriesEdits, decodeFrame, type Frame } from "../shared/frames.ts";
import { PING, PONG, parseMessageToRoom } from "../shared/messages.ts";
import type { Applied, Grant, Participant, RoomMethods, RoomStatistics, Roots, RootsAsJson } from "../shared/rooms.ts";
import { readAdmission, upgradeResponse } from "./admission.ts";
import { GrantedRoom } from "./granted-room.ts";
import { createLog, explain, type Log } from "./logging.ts";
import { Presence } from "./presence.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { readSettings, type Settings } from "./settings.ts";
import { Store } from "./store.ts";
import { Sync } from "./sync.ts";

/**
 * The Durable Object of one room. Receives the platform's events and delegates: edits to `Sync`, awareness to
 * `Presence`. Everything in memory can be lost between two events without harm.
 */
export class Room extends DurableObject implements RoomMethods {
  readonly #boot: string = crypto.randomUUID();
  readonly #name: string;
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #store: Store;
  readonly #sessions: Sessions;
  readonly #sync: Sync;
  readonly #presence: Presence;
  readonly #refusals: Record<string, number> = {};
  #events = 0;
  #updateBytes = 0;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? ctx.id.toString();
    this.#settings = readSettings(env);
    this.#log = createLog(this.#settings.LOG_LEVEL, { room: this.#name });
    this.#store = new Store(ctx.storage);
    this.#sessions = new Sessions(ctx.getWebSockets(), this.#store, (cause) =>
      this.#log("error", "failed", { code: "storage-failed", detail: explain(cause) }),
    );
    this.#sync = new Sync(this.#sessions, this.#store, {
      settings: this.#settings,
      log: this.#log,
      refused: (code) => this.#count(code),
    });
    this.#presence = new Presence(this.#sessions, {
      coalesceMs: this.#settings.COALESCE_MS,
      maxBytes: this.#settings.MAX_PRESENCE_BYTES,
      requestSave: () => this.#sync.requestSave(),
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** Takes a WebSocket upgrade that the Worker admitted, and nothing else. */
  override fetch(request: Request): Response {
    this.#events++;
    const admission = readAdmission(request);
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const session = Session.open(server, admission);
    this.#sessions.add(server, session);
    this.#presence.joined(session);
    session.tell({
      type: "welcome",
      room: this.#name,
      peer: session.state.peer,
      capabilities: [...admission.grant.capabilities],
      renewPresence: this.#presence.needsRenewal,
      limits: { frameBytes: this.#settings.MAX_FRAME_BYTES, presenceBytes: this.#settings.MAX_PRESENCE_BYTES },
    });
    this.#log("info", "opened", { peer: session.state.peer, protocol: session.state.protocol });
    return upgradeResponse(client, admission.subprotocol);
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    this.#events++;
    const session = this.#sessions.of(socket);
    if (session === undefined) return;
    try {
      this.#presence.heardFrom(session);
      if (typeof message === "string") this.#receiveText(session, message);
      else this.#receiveBinary(session, new Uint8Array(message));
    } catch (caught) {
      this.#refuse(session, caught);
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.#events++;
    this.#closed(socket, code);
    // Ends the closing handshake; without it the client waits. The code that came is not always one that may be sent.
    socket.close(1000);
  }

  override webSocketError(socket: WebSocket): void {
    this.#events++;
    this.#closed(socket, 1006);
  }

  #closed(socket: WebSocket, closeCode: number): void {
    try {
      const session = this.#sessions.remove(socket);
      if (session === null) return;
      this.#log("info", "closed", { peer: session.state.peer, closeCode });
      this.#presence.left(session);
      if (this.#sessions.size > 0) return;
      this.#sync.settle();
      this.#store.deleteAllPresence();
    } catch (cause) {
      this.#log("error", "failed", { code: errorCodeOf(cause) ?? "internal", detail: explain(cause) });
    }
  }

  #receiveText(session: Session, text: string): void {
    if (session.isStock) throw new RoomfulError("text-not-accepted");
    const message = parseMessageToRoom(text);
    switch (message.type) {
      case "ping":
        // Only a ping in other words than the one that the runtime answers gets here.
        session.tell({ type: "pong" });
        return;
      default:
        message.type satisfies never;
    }
  }

  #receiveBinary(session: Session, bytes: Uint8Array): void {
    if (!session.state.wantsPresence && session.may("read")) {
      session.state.wantsPresence = true;
      this.#sessions.changed(session);
      this.#sync.requestSave();
      this.#presence.sendAll(session);
    }
    let frame: Frame;
    try {
      if (bytes.length > this.#settings.MAX_FRAME_BYTES) throw new RoomfulError("frame-too-large");
      frame = decodeFrame(bytes);
    } catch (caught) {
      if (!(caught instanceof RoomfulError && carriesEdits(bytes))) throw caught;
      this.#sync.receiveUnusable(session, caught);
      return;
    }
    switch (frame.type) {
      case "sync-step-1":
        this.#sync.answerStep1(session, frame.stateVector);
        return;
      case "sync-step-2":
      case "update":
        this.#updateBytes += frame.update.length;
        this.#sync.receive(session, frame.update, frame.type === "sync-step-2");
        return;
      case "awareness":
        this.#presence.receive(session, frame.entries);
        return;
      case "query-awareness":
        if (!session.may("read")) throw new RoomfulError("forbidden");
        this.#presence.sendAll(session);
        return;
      case "auth":
        throw new RoomfulError("malformed-frame", "the room is not the one to be told about rights");
      default:
        frame satisfies never;
    }
  }

  #refuse(session: Session, caught: unknown): void {
    const refusal =
      caught instanceof RoomfulError ? caught : new RoomfulError("internal", undefined, { cause: caught });
    const { code } = refusal;
    this.#count(code);
    const level = isFinalClose(ERRORS[code].close) ? "warn" : "error";
    this.#log(level, "refused", { peer: session.state.peer, code, detail: explain(refusal) });
    session.refuse(refusal);
    this.#sessions.changed(session);
    this.#sync.requestSave();
  }

  #count(code: ErrorCode): void {
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
  }

  /** The methods below for somebody who may not do everything. @throws RoomfulError `invalid-argument` */
  as(grant: Grant): GrantedRoom {
    return new GrantedRoom(this, grant);
  }

  async getState(stateVector?: Uint8Array): Promise<Uint8Array> {
    this.#events++;
    return this.#sync.document.encode(stateVector);
  }

  async getStateVector(): Promise<Uint8Array> {
    this.#events++;
    return this.#sync.document.encodeStateVector();
  }

  async getJson<const Asked extends Roots>(roots: Asked): Promise<RootsAsJson<Asked>> {
    this.#events++;
    if (typeof roots !== "object" || roots === null) throw new RoomfulError("invalid-argument", "roots is an object");
    return this.#sync.document.toJson(roots);
  }

  async applyUpdate(update: Uint8Array): Promise<Applied> {
    this.#events++;
    if (!(update instanceof Uint8Array)) throw new RoomfulError("invalid-argument", "an update is a Uint8Array");
    if (update.length > this.#settings.MAX_FRAME_BYTES) throw new RoomfulError("frame-too-large");
    return this.#sync.applyNow(update);
  }

  async statistics(): Promise<RoomStatistics> {
    this.#events++;
    const storage = this.#store.figures();
    const stock = this.#sessions.stockCount;
    return {
      boot: this.#boot,
      connections: { roomful: this.#sessions.size - stock, stock },
      document: {
        loaded: this.#sync.isLoaded,
        loads: this.#sync.loads,
        taints: this.#sync.taints,
        bytes: storage.snapshotBytes + storage.logBytesSinceSnapshot,
        readOnly: storage.schemaVersion > SCHEMA_VERSION ? "room-too-new" : this.#sync.readOnly,
        damage: this.#sync.damage,
      },
      storage,
      events: this.#events,
      updateBytes: this.#updateBytes,
      refusals: { ...this.#refusals },
    };
  }

  async participants(): Promise<Participant[]> {
    this.#events++;
    return [...this.#sessions].map((session) => session.participant());
  }

  async flush(): Promise<void> {
    this.#events++;
    this.#sync.flush();
  }
}
