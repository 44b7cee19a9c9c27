import { ObservableV2 } from "lib0/observable";
import type { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { errorCodeOf, RoomfulError } from "../shared/errors.ts";
import { encodeUpdate } from "../shared/frames.ts";
import { type MessageToRoom, ROOMFUL_PROTOCOL } from "../shared/messages.ts";
import type { Moderation, RoomSettings } from "../shared/moderation.ts";
import type { Capability, Json, Participant, PeerId } from "../shared/rooms.ts";
import { throwLater } from "./clock.ts";
import type { Ending } from "./connection.ts";
import { Connector, type RoomSocket } from "./connector.ts";
import { DocumentSync } from "./document-sync.ts";
import type { RoomProviderEvents } from "./events.ts";
import { Inbox } from "./inbox.ts";
import { IndexedDbStore } from "./indexed-db-store.ts";
import { Offline } from "./offline.ts";
import type { OpenOfflineStore } from "./offline-store.ts";
import {
  type Behaviour,
  behaviourOf,
  checkTarget,
  localName,
  type RoomProviderOptions,
  roomUrl,
  type Target,
} from "./options.ts";
import { Participants } from "./participants.ts";
import { Presence, RoomAwareness } from "./presence.ts";
import { Renewal } from "./renewal.ts";
import { SaveWaiters } from "./save-waiters.ts";
import { isSameState, type Rebuilt, type SavedState } from "./saved.ts";
import { subjectOf, Tabs } from "./tabs.ts";
import { onPageLeave } from "./wake.ts";

/** Milliseconds that the stored document may take to load before the connection is made without it. */
const LOAD_MS = 3_000;

const DESTROYED = "the provider was destroyed";

/**
 * Connects a Yjs document to a room. Takes the place of y-websocket's `WebsocketProvider`, and knows in addition what the
 * room has committed.
 *
 * @example
 * const doc = new Y.Doc();
 * const provider = new RoomProvider("wss://host/rooms", "notes/today", doc);
 * provider.on("saved-state", ({ state }) => light.show(state));
 */
export class RoomProvider extends ObservableV2<RoomProviderEvents> {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Query parameters of the URL. May be changed; read at each connect. */
  params: Record<string, string>;
  readonly #target: Target;
  readonly #options: RoomProviderOptions;
  readonly #behaviour: Behaviour;
  readonly #connector: Connector;
  readonly #sync: DocumentSync;
  readonly #presence: Presence;
  readonly #tabs: Tabs;
  readonly #inbox: Inbox;
  readonly #renewal: Renewal;
  readonly #loaded: Promise<void> | null;
  readonly #stopLeaving: () => void;
  readonly #waiters = new SaveWaiters();
  readonly #participants = new Participants((all) => this.emit("participants", [all]));
  #offline: Offline | null = null;
  #isSynced = false;
  #saved: SavedState;
  #peer: PeerId | null = null;
  #capabilities: readonly Capability[] = [];
  #wantsConnection = false;
  #isDestroyed = false;

  /**
   * @param serverUrl ends in `/rooms`
   * @param room its name; any that `parseRoomName` takes
   * @throws RoomfulError `bad-room-name`, `invalid-argument`
   */
  constructor(serverUrl: string, room: string, doc: Y.Doc, options: RoomProviderOptions = {}) {
    super();
    this.#target = checkTarget(serverUrl, room);
    this.#behaviour = behaviourOf(options);
    this.#options = options;
    this.doc = doc;
    this.params = options.params ?? {};
    this.awareness = options.awareness ?? new RoomAwareness(doc);
    const { clock } = this.#behaviour;
    this.#connector = new Connector({
      ...this.#behaviour,
      fetchToken: () => this.#fetchToken(),
      openSocket: (token) => this.#openSocket(token),
      listener: this.#listener,
    });
    const send = (frame: Uint8Array<ArrayBuffer>) => this.#connector.send(frame);
    this.#presence = new Presence(this.awareness, {
      clock,
      origin: this,
      send,
      publish: (frame) => this.#tabs.publish(frame),
      problem: (problem) => this.emit("problem", [problem]),
    });
    this.#sync = new DocumentSync(doc, {
      clock,
      origin: this,
      send,
      publish: (update) => this.#tabs.publish(encodeUpdate(update)),
      synced: () => this.#setSynced(true),
      rejected: (rejection) => this.emit("rejected", [rejection]),
      unsaved: (how) => (how === "grew" ? this.#offline?.grew() : this.#offline?.shrank()),
      changed: () => this.#savedMayHaveChanged(),
      isLoading: (origin) => this.#offline?.isLoading(origin) ?? false,
    });
    this.#tabs = new Tabs({ doc, sync: this.#sync, presence: this.#presence });
    this.#inbox = new Inbox({
      sync: this.#sync,
      presence: this.#presence,
      participants: this.#participants,
      probed: (nonce) => this.#tell({ type: "probed", nonce }),
      welcomed: ({ peer, ...rights }) => {
        this.#peer = peer;
        this.#setRights(rights);
        this.emit("welcome", [{ peer, capabilities: rights.capabilities }]);
      },
      granted: (rights) => this.#setRights(rights),
      event: ({ type: _, ...event }) => this.emit("event", [event]),
      problem: (problem) => this.emit("problem", [problem]),
    });
    const { token } = options;
    this.#renewal = new Renewal({
      clock,
      fetchToken: typeof token === "function" ? async () => token() : undefined,
      send: (fresh) => this.#tell({ type: "auth", token: fresh }),
      failed: (cause) => this.emit("problem", [{ source: "connection", cause }]),
    });
    this.#saved = this.#sync.savedState;
    this.#loaded = this.#openOffline();
    this.#stopLeaving = onPageLeave(
      () => {
        this.#tabs.leave();
        this.#offline?.hurry();
      },
      () => this.#connectNow(),
    );
    // `off` does not undo a `once`.
    doc.on("destroy", this.#onDocDestroy);
    if (options.connect !== false) this.connect();
  }

  /** The room's name. */
  get roomname(): string {
    return this.#target.room;
  }

  /** Where the next socket connects to. */
  get url(): string {
    return roomUrl(this.#target, this.params);
  }

  /** Whether the room's document is in this one. */
  get synced(): boolean {
    return this.#isSynced;
  }

  get wsconnected(): boolean {
    return this.#connector.state.type === "open";
  }

  get wsconnecting(): boolean {
    const { type } = this.#connector.state;
    return type === "connecting" || type === "fetching-token";
  }

  /** Whether there is a connection, or will be one without a further call. */
  get shouldConnect(): boolean {
    return this.#wantsConnection;
  }

  /** The socket, connecting or open. */
  get ws(): RoomSocket | null {
    return this.#connector.socket;
  }

  /** This connection's id in the room; `null` as long as there is none. */
  get peer(): PeerId | null {
    return this.#peer;
  }

  /**
   * Who is connected, this client included, by the time they came; nobody as long as there is no connection. The room
   * vouches for it, unlike for what people say of themselves in `awareness`.
   */
  get participants(): readonly Participant[] {
    return this.#participants.all;
  }

  /** What the room lets this connection do; empty as long as there is none. */
  get capabilities(): readonly Capability[] {
    return this.#capabilities;
  }

  /** What the room has committed. Never `saved` for an edit of this client that the room could still lose. */
  get saved(): SavedState {
    return this.#saved;
  }

  /**
   * Resolves when every edit that was made before the call is durable in the room; at once if all are.
   * Rejects with a `RoomfulError` when the room refuses one or closes for good, and when the provider is destroyed.
   */
  async whenSaved(): Promise<void> {
    // What was stored is to be saved too. And inside a transaction or an observer Yjs has not told yet of the edit that is
    // being made: it has in the next microtask, if there is nothing to load.
    await this.#loaded;
    if (this.#isDestroyed) throw new Error(DESTROYED);
    const saved = this.#waiters.wait(this.#sync.edits);
    this.#waiters.settle(this.#sync.savedEdits, this.#sync.savedState);
    return saved;
  }

  /**
   * After a rejection: a new document with what the room has, and what it refused, which the app may show, keep or apply
   * in part. This provider and its document are of no more use then; connect the new document with a new provider. What
   * the browser kept of the old document is deleted.
   */
  async rebuilt(): Promise<Rebuilt<Y.Doc>> {
    if (this.#isDestroyed) throw new Error(DESTROYED);
    if (!this.#sync.isRejected) throw new RoomfulError("invalid-argument", "nothing was rejected");
    const rebuilt = await this.#sync.rebuild();
    await this.#offline?.clear();
    return rebuilt;
  }

  /**
   * Sends something to everybody else who may read, or to one of them, who get it as `event`. Nothing is kept of it: who is
   * not connected never hears of it. Needs the right to publish; without it the room tells so by `problem`.
   * @param data at most 64 KiB as JSON
   * @throws RoomfulError `not-connected`
   */
  publish(data: Json, to?: PeerId): void {
    this.#tell({ type: "event", data, ...(to !== undefined && { to }) });
  }

  /**
   * Changes what others may do, mutes, kicks or bans. Needs the right to moderate. What came of it shows in `participants`;
   * a refusal is told by `problem`.
   * @throws RoomfulError `not-connected`
   */
  moderate(moderation: Moderation): void {
    this.#tell({ type: "moderate", moderation });
  }

  /**
   * Changes some of the room's own rules: locks it, for instance. Needs the right to moderate; a refusal is told by
   * `problem`.
   * @throws RoomfulError `not-connected`
   */
  changeSettings(settings: Partial<RoomSettings>): void {
    this.#tell({ type: "settings", settings });
  }

  /** What a handler throws is thrown in a turn of its own, and stops nothing here. */
  override emit<Name extends keyof RoomProviderEvents & string>(
    name: Name,
    args: Parameters<RoomProviderEvents[Name]>,
  ): void {
    try {
      super.emit(name, args);
    } catch (thrown) {
      throwLater(this.#behaviour.clock, thrown);
    }
  }

  connect(): void {
    if (this.#isDestroyed) return;
    this.#wantsConnection = true;
    if (this.#loaded === null) this.#connectNow();
    else void this.#loaded.then(() => this.#connectNow());
  }

  disconnect(): void {
    this.#wantsConnection = false;
    this.#tabs.leave();
    this.#connector.disconnect();
  }

  /** Ends everything. The document and the awareness stay the app's. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.disconnect();
    this.#isDestroyed = true;
    this.doc.off("destroy", this.#onDocDestroy);
    this.#stopLeaving();
    this.#connector.destroy();
    this.#presence.destroy();
    void this.#offline?.close();
    this.#sync.destroy();
    this.#waiters.abort(new Error(DESTROYED));
    super.destroy();
  }

  readonly #onDocDestroy = (): void => this.destroy();

  #connectNow(): void {
    if (!this.#wantsConnection) return;
    this.#connector.connect();
    const { token, subject } = this.#options;
    if (token === undefined || subject !== undefined) this.#joinTabs(subject ?? "");
  }

  /** @returns when the stored document is there, or is not waited for any more; `null` when none is kept */
  #openOffline(): Promise<void> | null {
    const { offline } = this.#options;
    if (offline === undefined || offline === false) return null;
    const { clock } = this.#behaviour;
    const openIndexedDb: OpenOfflineStore = (name, doc, failed) => new IndexedDbStore(name, doc, failed, clock);
    const store = new Offline(offline === true ? openIndexedDb : offline, this.#channelName(), this.doc, {
      clock,
      unsaved: () => this.#sync.unsaved,
      loaded: (unsaved) => this.#sync.loaded(unsaved),
      failed: (cause) => this.emit("problem", [{ source: "storage", cause }]),
    });
    this.#offline = store;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, LOAD_MS);
      void store.load().then(() => {
        clock.clearTimeout(timer);
        resolve();
      });
    });
  }

  #joinTabs(subject: string): void {
    if (this.#options.disableBc !== true) this.#tabs.join(this.#channelName(subject));
  }

  #channelName(subject = this.#options.subject ?? ""): string {
    return localName(this.#target, subject);
  }

  #fetchToken(): string | undefined | Promise<string | undefined> {
    const { token } = this.#options;
    return typeof token === "function" ? token() : token;
  }

  #openSocket(token: string | undefined): WebSocket {
    if (token !== undefined) {
      const subject = this.#options.subject ?? subjectOf(token);
      if (subject !== undefined) this.#joinTabs(subject);
    }
    const Socket = this.#options.WebSocketPolyfill ?? WebSocket;
    const bearer = token === undefined ? [] : [`roomful.bearer.${token}`];
    const url = this.url.replace(/^http/, "ws");
    return new Socket(url, [ROOMFUL_PROTOCOL, ...bearer, ...(this.#options.protocols ?? [])]);
  }

  readonly #listener = {
    connecting: () => this.emit("status", [{ status: "connecting" }]),
    opened: () => {
      this.emit("status", [{ status: "connected" }]);
      this.#sync.opened();
      this.#presence.opened();
    },
    message: (data: unknown) => this.#inbox.receive(data),
    failed: (event: Event) => this.emit("connection-error", [event, this]),
    closed: (event: CloseEvent | null, wasOpen: boolean) => {
      this.emit("connection-close", [event, this]);
      if (!wasOpen) return;
      this.#peer = null;
      this.#capabilities = [];
      this.#renewal.stop();
      this.#participants.closed();
      this.#setSynced(false);
      this.#sync.closed();
      this.#presence.closed();
      this.emit("status", [{ status: "disconnected" }]);
    },
    ended: (ending: Ending) => {
      this.#wantsConnection = false;
      this.#tabs.leave();
      this.#waiters.abort(
        new RoomfulError(errorCodeOf(new Error(ending.reason)) ?? "internal", `closed ${ending.code}`),
      );
      this.emit("closed", [ending, this]);
    },
    couldNotStart: (cause: unknown) => this.emit("problem", [{ source: "connection", cause }]),
  };

  #setRights({ capabilities, expiresIn }: { capabilities: readonly Capability[]; expiresIn?: number }): void {
    this.#capabilities = capabilities;
    this.#renewal.granted(expiresIn);
    this.emit("capabilities", [capabilities]);
  }

  #tell(message: MessageToRoom): void {
    if (!this.wsconnected) throw new RoomfulError("not-connected");
    this.#connector.send(JSON.stringify(message));
  }

  #setSynced(isSynced: boolean): void {
    if (this.#isSynced === isSynced) return;
    this.#isSynced = isSynced;
    this.emit("synced", [isSynced]);
    this.emit("sync", [isSynced]);
  }

  #savedMayHaveChanged(): void {
    const saved = this.#sync.savedState;
    // Not as soon as the document is here: a room that can't commit would be tried again at once, for ever.
    if (this.#sync.isConfirmed) this.#connector.wasUseful();
    this.#waiters.settle(this.#sync.savedEdits, saved);
    if (isSameState(saved, this.#saved)) return;
    this.#saved = saved;
    this.emit("saved-state", [saved]);
  }
}
