import { DurableObject } from "cloudflare:workers";
import type { IceServers } from "../../shared/calls.ts";
import { ERRORS, type ErrorCode, errorCodeOf, isFinalClose, RoomfulError } from "../../shared/errors.ts";
import { PING, PONG } from "../../shared/messages.ts";
import { type Moderation, parseModeration, parseRoomSettings, type RoomSettings } from "../../shared/moderation.ts";
import { type Capability, type Grant, type Json, type Participant, parseRoomName } from "../../shared/rooms.ts";
import type { Applied, RoomMethods, RoomStatistics, Roots, RootsAsJson } from "../../shared/rpc.ts";
import { type Admission, accountOf, readAdmission, refusalResponse, upgradeResponse } from "../access/admission.ts";
import { hashOfSecret, newSecret } from "../access/resume-secret.ts";
import { Rules } from "../access/rules.ts";
import { TokenVerifier } from "../access/token-verifier.ts";
import { Call } from "../calls/call.ts";
import { IceServerSource } from "../calls/ice.ts";
import { Signaling } from "../calls/signaling.ts";
import { WEBRTC_TAG, WebrtcSignaling } from "../calls/webrtc-signaling.ts";
import { publish } from "../events/broadcast-event.ts";
import { Limiter, ratesOf } from "../metering/limiter.ts";
import { ofRefusal } from "../metering/prices.ts";
import { Moderator } from "../people/moderation.ts";
import { Participants } from "../people/participants.ts";
import { Presence } from "../people/presence.ts";
import { isPlainJson } from "../runtime/json.ts";
import { createLog, explain, type Log } from "../runtime/logging.ts";
import { MessageRefusal } from "../sessions/message-refusal.ts";
import { newIdentity, Session } from "../sessions/session.ts";
import { Sessions } from "../sessions/sessions.ts";
import { SlowReaders } from "../sessions/slow-readers.ts";
import { readSettings, type Settings } from "../settings/settings.ts";
import { Deadlines } from "../storage/deadlines.ts";
import { SCHEMA_VERSION } from "../storage/schema.ts";
import { Store } from "../storage/store.ts";
import { Sync } from "../sync/sync.ts";
import { Inbox } from "./dispatch.ts";
import { GrantedRoom } from "./granted-room.ts";
import { Cleanup } from "./lifetime.ts";

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
  readonly #deadlines: Deadlines;
  readonly #cleanup: Cleanup;
  readonly #call: Call;
  readonly #iceServers: IceServerSource;
  readonly #signaling: Signaling;
  readonly #webrtc: WebrtcSignaling;
  readonly #refusals: Record<string, number> = {};
  #events = 0;
  #updateBytes = 0;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? ctx.id.toString();
    this.#settings = readSettings(env);
    this.#log = createLog(this.#settings.LOG_LEVEL, { room: this.#name });
    this.#store = new Store(ctx.storage);
    const webrtcSockets = new Set(ctx.getWebSockets(WEBRTC_TAG));
    const sockets = ctx.getWebSockets().filter((socket) => !webrtcSockets.has(socket));
    const slowReaders = new SlowReaders({
      maxBytes: Math.max(this.#settings.MAX_UNREAD_BYTES, 2 * this.#settings.MAX_DOCUMENT_BYTES),
      sendStep1: (session) => this.#sync.probe(session),
      changed: (session) => this.#sessions.changed(session),
      // Later, since somebody is sending to everybody right now.
      lost: (session) => queueMicrotask(() => this.#dismiss(session, "slow-reader")),
    });
    this.#sessions = new Sessions(sockets, {
      store: this.#store,
      saveFailed: (cause) => this.#failed(cause),
      watch: {
        sent: (session, bytes) => slowReaders.sent(session, bytes),
        expired: (session) => queueMicrotask(() => this.#dismiss(session, "session-expired")),
      },
    });
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
    this.#deadlines = new Deadlines(this.#store, {
      setAlarm: (at) => void ctx.storage.setAlarm(at),
      now: () => Date.now(),
    });
    this.#call = new Call(this.#sessions, this.#deadlines, {
      maxMembers: this.#settings.MAX_CALL_MEMBERS,
      changed: (peer) => this.#participants.changed(peer),
    });
    this.#participants = new Participants(this.#sessions, () => this.#absent);
    this.#presence = new Presence(this.#sessions, {
      coalesceMs: this.#settings.PRESENCE_COALESCE_MS,
      maxBytes: this.#settings.MAX_PRESENCE_BYTES,
      idChanged: ({ state }) => this.#participants.changed(state.peer),
    });
    this.#rules = new Rules(this.#store);
    this.#webrtc = new WebrtcSignaling(webrtcSockets, {
      capabilitiesOf: (grant) => this.#rules.of(grant.subject).capabilities ?? grant.capabilities,
      refused: (code) => this.#count(code),
      rates: ratesOf(this.#settings),
      left: (account, budget) => this.#limiter.remember(account, budget),
    });
    this.#moderator = new Moderator(this.#sessions, this.#rules, {
      dismiss: (session, code) => this.#dismiss(session, code),
      changed: (session) => this.#rightsChanged(session),
      shutOut: (subject, code) => {
        this.#webrtc.dismiss(code, subject);
        this.#release((participant) => participant.subject === subject);
      },
      release: (peer) => this.#release((participant) => participant.peer === peer) > 0,
    });
    this.#cleanup = new Cleanup(this.#deadlines, {
      after: () => this.#rules.settings.deleteEmptyAfter ?? this.#settings.DELETE_EMPTY_AFTER,
      isStored: () => !this.#store.isEmpty,
      isOccupied: () => this.#isOccupied,
    });
    this.#iceServers = new IceServerSource(this.#settings, {
      failed: (cause) => this.#log("warn", "turn", { code: "turn-unavailable", detail: explain(cause) }),
    });
    this.#signaling = new Signaling({
      sessions: this.#sessions,
      call: this.#call,
      iceServers: (subject) => this.#iceServers.servers(subject),
      refused: (code) => this.#count(code),
      refuse: (session, refusal) => this.#refuse(session, refusal),
    });
    this.#verifier = new TokenVerifier(this.#settings);
    this.#inbox = new Inbox({
      sessions: this.#sessions,
      sync: this.#sync,
      presence: this.#presence,
      moderator: this.#moderator,
      signaling: this.#signaling,
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
      const capabilities = this.#rules.admit(admission.grant, admission.origin);
      if (admission.isSignaling) return this.#openWebrtc(admission, capabilities);
      return this.#open(admission, capabilities);
    } catch (caught) {
      const refusal = refusalOf(caught);
      this.#count(refusal.code);
      this.#log("warn", "refused", { code: refusal.code, detail: explain(refusal) });
      return refusalResponse(refusal.code);
    }
  }

  #open(admission: Admission, capabilities: readonly Capability[]): Response {
    this.#demandPlace(admission, (subject) => this.#sessions.openCount(subject));
    const secret = newSecret();
    const fresh = newIdentity(hashOfSecret(secret));
    const former =
      admission.resume === undefined ? null : this.#call.resume(admission.resume, admission.grant, capabilities, fresh);
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const identity = { ...fresh, ...former?.identity };
    const session = Session.open(server, admission, this.#rules.of(admission.grant.subject), identity);
    if (former?.session) this.#sessions.remove(former.session.socket);
    this.#sessions.add(server, session);
    if (former?.session) {
      this.#presence.left(former.session);
      former.session.socket.close(1000, "the peer came back");
    }
    this.#presence.joined(session);
    session.tell({
      type: "welcome",
      room: this.#name,
      peer: session.state.peer,
      resume: secret,
      ...session.rights,
      renewPresence: this.#presence.needsRenewal,
      limits: { frameBytes: this.#settings.MAX_FRAME_BYTES, presenceBytes: this.#settings.MAX_PRESENCE_BYTES },
    });
    this.#participants.joined(session);
    if (this.#sessions.size === 1) this.#cleanup.arm();
    this.#log("info", "opened", { peer: session.state.peer, protocol: session.state.protocol });
    return upgradeResponse(client, admission.subprotocol);
  }

  /** @throws RoomfulError `forbidden` */
  #openWebrtc(admission: Admission, capabilities: readonly Capability[]): Response {
    if (!capabilities.includes("call")) throw new RoomfulError("forbidden", "call");
    this.#demandPlace(admission, (subject) => this.#webrtc.count(subject));
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [WEBRTC_TAG]);
    this.#webrtc.open(server, admission);
    return upgradeResponse(client, admission.subprotocol);
  }

  /** @throws RoomfulError `room-full`, `too-many-connections`, `rate-limited` */
  #demandPlace(admission: Admission, openCount: (subject?: string) => number): void {
    const { MAX_PARTICIPANTS, MAX_PARTICIPANTS_PER_SUBJECT } = this.#settings;
    const { maxParticipants, maxParticipantsPerSubject } = this.#rules.settings;
    const { subject } = admission.grant;
    if (openCount() >= least(MAX_PARTICIPANTS, maxParticipants)) throw new RoomfulError("room-full");
    const placesOfSubject = least(MAX_PARTICIPANTS_PER_SUBJECT, maxParticipantsPerSubject);
    if (subject !== undefined && openCount(subject) >= placesOfSubject) {
      throw new RoomfulError("too-many-connections");
    }
    this.#limiter.admit(accountOf(admission));
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    this.#events++;
    if (this.#webrtc.has(socket)) {
      this.#webrtc.receive(socket, message);
      return;
    }
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
      if (this.#webrtc.closed(socket) && !this.#isOccupied) this.#cleanup.arm();
      const session = this.#sessions.remove(socket);
      if (session === null) return;
      this.#log("info", "closed", { peer: session.state.peer, closeCode });
      this.#limiter.left(session);
      if (!this.#keepsPlace(session, closeCode)) this.#participants.left(session.state.peer);
      this.#presence.left(session);
      if (this.#sessions.size > 0) return;
      this.#sync.settle();
      this.#store.deleteAllPresence();
      this.#cleanup.arm();
    } catch (cause) {
      this.#failed(cause);
    }
  }

  #keepsPlace(session: Session, closeCode: number): boolean {
    try {
      return this.#call.closed(session, closeCode);
    } catch (cause) {
      this.#failed(cause);
      return false;
    }
  }

  override async alarm(): Promise<void> {
    this.#events++;
    if (this.#release() > 0 && !this.#isOccupied) this.#cleanup.arm();
    if (this.#cleanup.isDue) await this.#deleteEverything();
    else this.#deadlines.rearm();
  }

  /** Takes places in the call from who does not come back, and tells the others. @returns how many */
  #release(which?: (participant: Participant) => boolean): number {
    const gone = this.#call.release(which);
    for (const peer of gone) this.#participants.left(peer);
    return gone.length;
  }

  /** Whose place in the call is kept; nobody while that can't be read. */
  get #absent(): readonly Participant[] {
    try {
      return this.#call.absent;
    } catch (cause) {
      this.#failed(cause);
      return [];
    }
  }

  get #isOccupied(): boolean {
    return this.#sessions.size > 0 || this.#webrtc.size > 0 || this.#absent.length > 0;
  }

  #failed(cause: unknown): void {
    this.#log("error", "failed", { code: errorCodeOf(cause) ?? "internal", detail: explain(cause) });
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
    session.tell({ type: "grant", ...session.rights });
    if (!session.may("call")) this.#signaling.leave(session);
    this.#webrtc.enforceRights();
    this.#participants.changed(session.state.peer);
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
      this.#refuse(session, caught instanceof RoomfulError ? new MessageRefusal("auth", caught) : caught);
    }
  }

  async #deleteEverything(): Promise<void> {
    for (const session of this.#sessions) this.#dismiss(session, "room-deleted");
    this.#webrtc.dismiss("room-deleted");
    this.#sync.discard();
    await this.ctx.storage.deleteAll();
    this.#store.forget();
    this.#rules.forget();
    this.#deadlines.forget();
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
    // Its close may never be heard of, and its place in the call is free.
    if (session.isOpen) this.#limiter.spend(session, "refusals", ofRefusal(code));
    else this.#closed(session.socket, ERRORS[code].close);
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
      connections: { roomful: this.#sessions.size - stock, stock, signaling: this.#webrtc.size },
      callMembers: this.#call.members.length,
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
    return this.#participants.all;
  }

  async iceServers(subject?: string): Promise<IceServers> {
    this.#events++;
    return this.#iceServers.servers(subject);
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
    if (this.#sessions.size === 0) this.#cleanup.arm();
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
