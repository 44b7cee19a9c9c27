import { DurableObject } from "cloudflare:workers";
import { ERRORS, type ErrorCode, errorCodeOf, isFinalClose, RoomfulError } from "../shared/errors.ts";
import { PING, PONG } from "../shared/messages.ts";
import { type Moderation, parseModeration, parseRoomSettings, type RoomSettings } from "../shared/moderation.ts";
import { type Grant, type Json, type Participant, parseRoomName } from "../shared/rooms.ts";
import type { Applied, RoomMethods, RoomStatistics, Roots, RootsAsJson } from "../shared/rpc.ts";
import { type Admission, accountOf, readAdmission, refusalResponse, upgradeResponse } from "./admission.ts";
import { Cleanup } from "./cleanup.ts";
import { GrantedRoom } from "./granted-room.ts";
import { Inbox } from "./inbox.ts";
import { isPlainJson } from "./json.ts";
import { Limiter, ratesOf } from "./limiter.ts";
import { createLog, explain, type Log } from "./logging.ts";
import { Moderator } from "./moderation.ts";
import { Participants } from "./participants.ts";
import { Presence } from "./presence.ts";
import { ofRefusal } from "./prices.ts";
import { publish } from "./publish.ts";
import { Rules } from "./rules.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { readSettings, type Settings } from "./settings.ts";
import { SlowReaders } from "./slow-readers.ts";
import { Store } from "./store.ts";
import { Sync } from "./sync.ts";
import { TokenVerifier } from "./token-verifier.ts";

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
  readonly #participants: Participants;
  readonly #limiter: Limiter;
  readonly #rules: Rules;
  readonly #moderator: Moderator;
  readonly #inbox: Inbox;
  readonly #verifier: TokenVerifier;
  readonly #cleanup: Cleanup;
  readonly #refusals: Record<string, number> = {};
  #events = 0;
  #updateBytes = 0;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? ctx.id.toString();
    this.#settings = readSettings(env);
    this.#log = createLog(this.#settings.LOG_LEVEL, { room: this.#name });
    this.#store = new Store(ctx.storage);
    const slowReaders = new SlowReaders({
      maxBytes: Math.max(this.#settings.MAX_UNREAD_BYTES, 2 * this.#settings.MAX_DOCUMENT_BYTES),
      sendStep1: (session) => this.#sync.probe(session),
      changed: (session) => this.#sessions.changed(session),
      // Later, since somebody is sending to everybody right now.
      lost: (session) => queueMicrotask(() => this.#dismiss(session, "slow-reader")),
    });
    this.#sessions = new Sessions(
      ctx.getWebSockets(),
      this.#store,
      (cause) => this.#log("error", "failed", { code: "storage-failed", detail: explain(cause) }),
      slowReaders,
    );
    this.#limiter = new Limiter({
      rates: ratesOf(this.#settings),
      dismiss: (session, { code, detail }) => this.#dismiss(session, code, detail),
    });
    this.#sync = new Sync(this.#sessions, this.#store, {
      settings: this.#settings,
      maxDocumentBytes: () => least(this.#settings.MAX_DOCUMENT_BYTES, this.#rules.settings.maxDocumentBytes),
      log: this.#log,
      limiter: this.#limiter,
      slowReaders,
      refused: (code) => this.#count(code),
    });
    this.#participants = new Participants(this.#sessions);
    this.#presence = new Presence(this.#sessions, {
      coalesceMs: this.#settings.COALESCE_MS,
      maxBytes: this.#settings.MAX_PRESENCE_BYTES,
      requestSave: () => this.#sync.requestSave(),
      idChanged: (session) => this.#participants.changed(session),
    });
    this.#rules = new Rules(this.#store);
    this.#moderator = new Moderator(this.#sessions, this.#rules, {
      dismiss: (session, code) => this.#dismiss(session, code),
      changed: (session) => this.#rightsChanged(session),
    });
    this.#cleanup = new Cleanup(this.#sessions, {
      after: () => this.#rules.settings.deleteEmptyAfter ?? this.#settings.DELETE_EMPTY_AFTER,
      isStored: () => !this.#store.isEmpty,
      setAlarm: (at) => void ctx.storage.setAlarm(at),
    });
    this.#verifier = new TokenVerifier(this.#settings);
    this.#inbox = new Inbox({
      sessions: this.#sessions,
      sync: this.#sync,
      presence: this.#presence,
      moderator: this.#moderator,
      limiter: this.#limiter,
      slowReaders,
      maxFrameBytes: this.#settings.MAX_FRAME_BYTES,
      renew: (session, token) => void this.#renew(session, token),
      counted: (updateBytes) => {
        this.#updateBytes += updateBytes;
      },
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** Takes a WebSocket upgrade that the Worker admitted, and nothing else. What the room's own rules refuse it answers. */
  override fetch(request: Request): Response {
    this.#events++;
    const admission = readAdmission(request);
    try {
      this.#rules.admit(admission.grant, admission.origin);
      this.#demandPlace(admission);
    } catch (caught) {
      const refusal = refusalOf(caught);
      this.#count(refusal.code);
      this.#log("warn", "refused", { code: refusal.code, detail: explain(refusal) });
      return refusalResponse(refusal.code);
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const session = Session.open(server, admission, this.#rules.of(admission.grant.subject));
    this.#sessions.add(server, session);
    this.#presence.joined(session);
    session.tell({
      type: "welcome",
      room: this.#name,
      peer: session.state.peer,
      ...session.rights,
      renewPresence: this.#presence.needsRenewal,
      limits: { frameBytes: this.#settings.MAX_FRAME_BYTES, presenceBytes: this.#settings.MAX_PRESENCE_BYTES },
    });
    this.#participants.joined(session);
    this.#cleanup.opened();
    this.#log("info", "opened", { peer: session.state.peer, protocol: session.state.protocol });
    return upgradeResponse(client, admission.subprotocol);
  }

  /** @throws RoomfulError `room-full`, `too-many-connections`, `rate-limited` */
  #demandPlace({ grant, network }: Admission): void {
    const { MAX_PARTICIPANTS, MAX_PARTICIPANTS_PER_SUBJECT } = this.#settings;
    const { maxParticipants, maxParticipantsPerSubject } = this.#rules.settings;
    const { subject } = grant;
    const places = least(MAX_PARTICIPANTS, maxParticipants);
    const placesOfSubject = least(MAX_PARTICIPANTS_PER_SUBJECT, maxParticipantsPerSubject);
    if (this.#sessions.openCount() >= places) throw new RoomfulError("room-full");
    if (subject !== undefined && this.#sessions.openCount(subject) >= placesOfSubject) {
      throw new RoomfulError("too-many-connections");
    }
    this.#limiter.admit(accountOf({ grant, network }));
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    this.#events++;
    const session = this.#sessions.of(socket);
    if (session === undefined) return;
    if (session.isExpired) {
      this.#dismiss(session, "session-expired");
      return;
    }
    try {
      this.#presence.heardFrom(session);
      this.#inbox.receive(session, message);
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
      this.#limiter.left(session);
      this.#participants.left(session);
      this.#presence.left(session);
      if (this.#sessions.size > 0) return;
      this.#sync.settle();
      this.#store.deleteAllPresence();
      this.#cleanup.emptied();
    } catch (cause) {
      this.#log("error", "failed", { code: errorCodeOf(cause) ?? "internal", detail: explain(cause) });
    }
  }

  override async alarm(): Promise<void> {
    this.#events++;
    if (this.#cleanup.isDue) await this.#deleteEverything();
  }

  /** Closes a session and forgets it at once: what it sent that is still under way is not read. */
  #dismiss(session: Session, code: ErrorCode, detail?: string): void {
    if (this.#sessions.of(session.socket) !== session) return;
    if (code === "rate-limited" || code === "slow-reader") {
      this.#count(code);
      this.#log("warn", "refused", { peer: session.state.peer, code, detail: detail ?? "" });
    }
    session.close(code, detail);
    this.#closed(session.socket, ERRORS[code].close);
  }

  #rightsChanged(session: Session): void {
    this.#sessions.changed(session);
    this.#sync.requestSave();
    session.tell({ type: "grant", ...session.rights });
    this.#participants.changed(session);
    this.#sync.askForEdits(session);
  }

  /** Takes a fresh token of the same subject, so that a session outlives its first one. */
  async #renew(session: Session, token: string): Promise<void> {
    try {
      if (this.#settings.AUTH === "open") throw new RoomfulError("invalid-argument", "this deployment takes no tokens");
      const { grant } = await this.#verifier.verify(token, parseRoomName(this.#name));
      if (grant.subject !== session.state.grant.subject) throw new RoomfulError("forbidden", "another subject's token");
      // It may have left meanwhile.
      if (this.#sessions.of(session.socket) !== session) return;
      session.state.grant = grant;
      this.#rightsChanged(session);
    } catch (caught) {
      this.#refuse(session, caught);
    }
  }

  async #deleteEverything(): Promise<void> {
    for (const session of this.#sessions) this.#dismiss(session, "room-deleted");
    this.#sync.discard();
    await this.ctx.storage.deleteAll();
    this.#store.forget();
    this.#rules.forget();
    this.#log("info", "deleted", {});
  }

  #refuse(session: Session, caught: unknown): void {
    const refusal = refusalOf(caught);
    const { code } = refusal;
    this.#count(code);
    const level = isFinalClose(ERRORS[code].close) ? "warn" : "error";
    this.#log(level, "refused", { peer: session.state.peer, code, detail: explain(refusal) });
    session.refuse(refusal);
    this.#sessions.changed(session);
    this.#sync.requestSave();
    this.#limiter.spend(session, "refusals", ofRefusal(code));
  }

  #count(code: ErrorCode): void {
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
  }

  /**
   * The methods below for somebody who may not do everything.
   * @param origin of the page that calls, if one does
   * @throws RoomfulError `invalid-argument`
   */
  as(grant: Grant, origin: string | null = null): GrantedRoom {
    return new GrantedRoom(this, grant, () => this.#rules.admit(grant, origin));
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

  async publish(data: Json): Promise<void> {
    this.#events++;
    if (!isPlainJson(data)) throw new RoomfulError("invalid-argument", "data");
    publish(this.#sessions, data);
  }

  async moderate(action: Moderation): Promise<void> {
    this.#events++;
    this.#moderator.moderate(parseModeration(action));
  }

  async getSettings(): Promise<RoomSettings> {
    this.#events++;
    return this.#rules.settings;
  }

  async changeSettings(settings: Partial<RoomSettings>): Promise<RoomSettings> {
    this.#events++;
    const changed = this.#moderator.change(parseRoomSettings(settings));
    if (this.#sessions.size === 0) this.#cleanup.emptied();
    return changed;
  }

  async delete(): Promise<void> {
    this.#events++;
    await this.#deleteEverything();
  }

  async flush(): Promise<void> {
    this.#events++;
    this.#sync.flush();
  }
}

/** A deployment's limit, or a room's own where that is lower. */
function least(limit: number, own: number | null): number {
  return own === null ? limit : Math.min(limit, own);
}

function refusalOf(caught: unknown): RoomfulError {
  return caught instanceof RoomfulError ? caught : new RoomfulError("internal", undefined, { cause: caught });
}
