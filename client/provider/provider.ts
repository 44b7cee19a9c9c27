import { ObservableV2 } from "lib0/observable";
import type { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import { encodeUpdate } from "../../shared/frames.ts";
import type { Moderation, RoomSettings } from "../../shared/moderation.ts";
import type { Capability, Json, Participant, PeerId } from "../../shared/rooms.ts";
import { throwLater } from "../base/clock.ts";
import { subjectOf } from "../base/token-subject.ts";
import type { Call } from "../call/call.ts";
import { type Behaviour, behaviourOf } from "../connection/behaviour.ts";
import type { RoomSocket } from "../connection/connector.ts";
import { onPageLeave } from "../connection/wake.ts";
import { DocumentSync } from "../document/document-sync.ts";
import { isSameState, type Rebuilt, type SavedState, SaveWaiters } from "../document/saved.ts";
import { IndexedDbStore } from "../offline/indexed-db-store.ts";
import { Offline } from "../offline/offline.ts";
import type { OpenOfflineStore } from "../offline/offline-store.ts";
import type { DocumentLink } from "../room/document-link.ts";
import { RoomConnection } from "../room/room-connection.ts";
import { checkTarget, type Target } from "../room/target.ts";
import { Inbox } from "./dispatch.ts";
import type { ProviderEvents } from "./events.ts";
import { checkOwner, localName, type RoomProviderOptions } from "./options.ts";
import { Presence, RoomAwareness } from "./presence.ts";
import { Tabs } from "./tabs.ts";

/** Milliseconds that the stored document may take to load before the connection is made without it. */
const LOAD_MS = 3_000;

/** Events of a `RoomProvider`. */
export type RoomProviderEvents = ProviderEvents<RoomProvider>;

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
  readonly #target: Target;
  readonly #options: RoomProviderOptions;
  readonly #behaviour: Behaviour;
  readonly #connection: RoomConnection;
  readonly #sync: DocumentSync;
  readonly #presence: Presence;
  readonly #tabs: Tabs;
  readonly #inbox: Inbox;
  readonly #loaded: Promise<void> | null;
  readonly #stopLeaving: () => void;
  readonly #waiters = new SaveWaiters();
  #offline: Offline | null = null;
  #isSynced = false;
  #saved: SavedState;
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
    checkOwner(options);
    this.#options = options;
    this.doc = doc;
    this.awareness = options.awareness ?? new RoomAwareness(doc);
    const { clock } = this.#behaviour;
    this.#connection = new RoomConnection(serverUrl, room, options, this.#link);
    this.#forwardEvents();
    const send = (frame: Uint8Array<ArrayBuffer>) => this.#connection.sendFrame(frame);
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
      problem: (problem) => this.emit("problem", [problem]),
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

  /** The room's call, which this client is in once it joins. */
  get call(): Call {
    return this.#connection.call;
  }

  /** The room's name. */
  get roomname(): string {
    return this.#target.room;
  }

  /** Query parameters of the URL. May be changed; read at each connect. */
  get params(): Record<string, string> {
    return this.#connection.params;
  }

  set params(params: Record<string, string>) {
    this.#connection.params = params;
  }

  /** Where the next socket connects to. */
  get url(): string {
    return this.#connection.url;
  }

  /** Whether the room's document is in this one. */
  get synced(): boolean {
    return this.#isSynced;
  }

  get wsconnected(): boolean {
    return this.#connection.isConnected;
  }

  get wsconnecting(): boolean {
    return this.#connection.isConnecting;
  }

  /** Whether there is a connection, or will be one without a further call. */
  get shouldConnect(): boolean {
    return this.#wantsConnection;
  }

  /** The socket, connecting or open. */
  get ws(): RoomSocket | null {
    return this.#connection.socket;
  }

  /** This connection's id in the room; `null` as long as there is none. */
  get peer(): PeerId | null {
    return this.#connection.peer;
  }

  /**
   * Who is connected, this client included, by the time they came; nobody as long as there is no connection. The room
   * vouches for it, unlike for what people say of themselves in `awareness`.
   */
  get participants(): readonly Participant[] {
    return this.#connection.participants;
  }

  /** What the room lets this connection do; empty as long as there is none. */
  get capabilities(): readonly Capability[] {
    return this.#connection.capabilities;
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
    this.#connection.publish(data, to);
  }

  /**
   * Changes what others may do, mutes, kicks or bans. Needs the right to moderate. What came of it shows in `participants`;
   * a refusal is told by `problem`.
   * @throws RoomfulError `not-connected`
   */
  moderate(moderation: Moderation): void {
    this.#connection.moderate(moderation);
  }

  /**
   * Changes some of the room's own rules: locks it, for instance. Needs the right to moderate; a refusal is told by
   * `problem`.
   * @throws RoomfulError `not-connected`
   */
  changeSettings(settings: Partial<RoomSettings>): void {
    this.#connection.changeSettings(settings);
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
    this.#connection.disconnect();
  }

  /** Ends everything. The document and the awareness stay the app's. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.disconnect();
    this.#isDestroyed = true;
    this.doc.off("destroy", this.#onDocDestroy);
    this.#stopLeaving();
    this.#connection.destroy();
    this.#presence.destroy();
    void this.#offline?.close();
    this.#sync.destroy();
    this.#waiters.abort(new Error(DESTROYED));
    super.destroy();
  }

  readonly #onDocDestroy = (): void => this.destroy();

  #connectNow(): void {
    if (!this.#wantsConnection) return;
    this.#connection.connect();
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

  readonly #link: DocumentLink = {
    opened: () => {
      this.#sync.opened();
      this.#presence.opened();
    },
    receiveFrame: (bytes) => this.#inbox.receiveFrame(bytes),
    receiveMessage: (message) => this.#inbox.receiveMessage(message),
    closed: () => {
      this.#setSynced(false);
      this.#sync.closed();
      this.#presence.closed();
    },
    ended: ({ code, reason }) => {
      this.#wantsConnection = false;
      this.#tabs.leave();
      this.#waiters.abort(new RoomfulError(errorCodeOf(new Error(reason)) ?? "internal", `closed ${code}`));
    },
    token: (token) => {
      const subject = this.#options.subject ?? subjectOf(token);
      if (subject !== undefined) this.#joinTabs(subject);
    },
  };

  #forwardEvents(): void {
    const connection = this.#connection;
    connection.on("status", (event) => this.emit("status", [event]));
    connection.on("connection-close", (event) => this.emit("connection-close", [event, this]));
    connection.on("connection-error", (event) => this.emit("connection-error", [event, this]));
    connection.on("closed", (ending) => this.emit("closed", [ending, this]));
    connection.on("welcome", (welcome) => this.emit("welcome", [welcome]));
    connection.on("capabilities", (capabilities) => this.emit("capabilities", [capabilities]));
    connection.on("event", (event) => this.emit("event", [event]));
    connection.on("participants", (all) => this.emit("participants", [all]));
    connection.on("problem", (problem) => this.emit("problem", [problem]));
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
    if (this.#sync.isConfirmed) this.#connection.wasUseful();
    this.#waiters.settle(this.#sync.savedEdits, saved);
    if (isSameState(saved, this.#saved)) return;
    this.#saved = saved;
    this.emit("saved-state", [saved]);
  }
}
