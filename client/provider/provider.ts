import type { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import { encodeUpdate } from "../../shared/frames.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import type { Problem } from "../base/problem.ts";
import { subjectOf } from "../base/token-subject.ts";
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
import { type DocumentParts, dispatchFrame, dispatchMessage } from "./dispatch.ts";
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
 * Connects a Yjs document to a room. It takes the place of y-websocket's `WebsocketProvider`, and knows in addition which
 * edits the room has committed.
 *
 * @example
 * const doc = new Y.Doc();
 * const provider = new RoomProvider("wss://host/rooms", "notes/today", doc);
 * provider.on("saved-state", ({ state }) => light.show(state));
 */
export class RoomProvider extends Emitter<RoomProviderEvents> {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /**
   * The connection to the room, with its call, participants, events and moderation. Its `connect()`, `disconnect()` and
   * `destroy()` do the same as the provider's.
   */
  readonly connection: RoomConnection;
  readonly #target: Target;
  readonly #options: RoomProviderOptions;
  readonly #clock: Clock;
  readonly #sync: DocumentSync;
  readonly #presence: Presence;
  readonly #parts: DocumentParts;
  readonly #tabs: Tabs;
  readonly #loaded: Promise<void> | null;
  readonly #stopLeaving: () => void;
  readonly #waiters = new SaveWaiters();
  #offline: Offline | null = null;
  #isSynced = false;
  #saved: SavedState;
  #isDestroyed = false;

  /**
   * @param serverUrl ends in `/rooms`
   * @param room its name; any that `parseRoomName` takes
   * @throws RoomfulError `bad-room-name`, `invalid-argument`
   */
  constructor(serverUrl: string, room: string, doc: Y.Doc, options: RoomProviderOptions = {}) {
    const { clock = systemClock } = options;
    super(clock);
    this.#clock = clock;
    this.#target = checkTarget(serverUrl, room);
    checkOwner(options);
    this.#options = options;
    this.doc = doc;
    this.connection = new RoomConnection(serverUrl, room, options, this.#link);
    this.#forwardEvents();
    this.awareness = options.awareness ?? new RoomAwareness(doc);
    const send = (frame: Uint8Array<ArrayBuffer>) => this.connection.sendFrame(frame);
    const problem = (told: Problem) => this.emit("problem", [told]);
    this.#presence = new Presence(this.awareness, {
      clock,
      origin: this,
      send,
      publish: (frame) => this.#tabs.publish(frame),
      problem,
    });
    this.#sync = new DocumentSync(doc, {
      clock,
      origin: this,
      send,
      publish: (update) => this.#tabs.publish(encodeUpdate(update)),
      synced: () => this.#setSynced(true),
      rejected: (rejection) => this.emit("rejected", [rejection]),
      unsaved: (how) => (how === "grew" ? this.#offline?.saveUnsaved() : this.#offline?.saveUnsavedSoon()),
      savedChanged: () => this.#updateSaved(),
      isLoading: (origin) => this.#offline?.isLoading(origin) ?? false,
    });
    this.#parts = { sync: this.#sync, presence: this.#presence, problem };
    this.#tabs = new Tabs({ doc, sync: this.#sync, presence: this.#presence });
    this.#saved = this.#sync.savedState;
    this.#loaded = this.#openOffline();
    this.#stopLeaving = onPageLeave(
      () => {
        this.#tabs.leave();
        this.#offline?.flush();
      },
      () => {
        if (this.shouldConnect) this.connect();
      },
    );
    // `off` does not undo a `once`.
    doc.on("destroy", this.#onDocDestroy);
    if (options.connect !== false) this.connect();
  }

  /** The room's name. */
  get roomname(): string {
    return this.connection.roomname;
  }

  /** Query parameters of the URL. May be changed; read at each connect. */
  get params(): Record<string, string> {
    return this.connection.params;
  }

  set params(params: Record<string, string>) {
    this.connection.params = params;
  }

  /** Where the next socket connects to. */
  get url(): string {
    return this.connection.url;
  }

  /** Whether the room's document is in this one. */
  get synced(): boolean {
    return this.#isSynced;
  }

  get wsconnected(): boolean {
    return this.connection.isConnected;
  }

  get wsconnecting(): boolean {
    return this.connection.isConnecting;
  }

  /** Whether there is a connection, or will be one without a further call. */
  get shouldConnect(): boolean {
    return this.connection.shouldConnect;
  }

  /** The socket, connecting or open. */
  get ws(): RoomSocket | null {
    return this.connection.socket;
  }

  /** How much the room has committed. It is never `saved` while the room could still lose an edit of this client. */
  get saved(): SavedState {
    return this.#saved;
  }

  /**
   * Resolves when every edit that was made before the call is durable in the room; at once if all are.
   * Rejects with a `RoomfulError` when the room refuses one or closes for good, and when the provider is destroyed.
   */
  async whenSaved(): Promise<void> {
    // Edits that the browser stored count too. The `await` also lets Yjs finish: inside a transaction or an observer it has
    // not emitted the update of the current edit yet.
    await this.#loaded;
    if (this.#isDestroyed) throw new Error(DESTROYED);
    const saved = this.#waiters.wait(this.#sync.edits);
    this.#waiters.settle(this.#sync.savedEdits, this.#sync.savedState);
    return saved;
  }

  /**
   * Leads on after a rejection. It resolves to a new document with the room's content, and to the refused content, which the
   * app may show, keep or apply in part. This provider and its document are of no more use; connect the new document with a
   * new provider. The browser's copy of the old document is deleted.
   * @throws RoomfulError `invalid-argument` when the room rejected nothing
   */
  async rebuilt(): Promise<Rebuilt<Y.Doc>> {
    if (this.#isDestroyed) throw new Error(DESTROYED);
    if (!this.#sync.isRejected) throw new RoomfulError("invalid-argument", "nothing was rejected");
    const rebuilt = await this.#sync.rebuild();
    await this.#offline?.clear();
    return rebuilt;
  }

  connect(): void {
    this.connection.connect();
  }

  disconnect(): void {
    this.connection.disconnect();
  }

  /** Ends everything. The document and the awareness stay the app's. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.disconnect();
    this.#isDestroyed = true;
    this.doc.off("destroy", this.#onDocDestroy);
    this.#stopLeaving();
    this.connection.destroy();
    this.#presence.destroy();
    void this.#offline?.close();
    this.#sync.destroy();
    this.#waiters.abort(new Error(DESTROYED));
    super.destroy();
  }

  readonly #onDocDestroy = (): void => this.destroy();

  /** @returns a promise that resolves when the stored document is loaded, or too late; `null` when the browser keeps none */
  #openOffline(): Promise<void> | null {
    const { offline } = this.#options;
    if (offline === undefined || offline === false) return null;
    const clock = this.#clock;
    const openIndexedDb: OpenOfflineStore = (name, doc, failed) => new IndexedDbStore(name, doc, failed, clock);
    const store = new Offline(offline === true ? openIndexedDb : offline, this.#channelName(), this.doc, {
      clock,
      unsaved: () => this.#sync.unsaved,
      loaded: (unsaved) => this.#sync.addStored(unsaved),
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
    whenReady: () => this.#loaded,
    connect: () => {
      const { token, subject } = this.#options;
      if (token === undefined || subject !== undefined) this.#joinTabs(subject ?? "");
    },
    disconnect: () => this.#tabs.leave(),
    connectionEnded: ({ code, reason }) => {
      this.#tabs.leave();
      this.#waiters.abort(new RoomfulError(errorCodeOf(new Error(reason)) ?? "internal", `closed ${code}`));
    },
    destroy: () => this.destroy(),
    socketOpened: () => {
      this.#sync.goOnline();
      this.#presence.goOnline();
    },
    socketClosed: () => {
      this.#setSynced(false);
      this.#sync.goOffline();
      this.#presence.goOffline();
    },
    applyFrame: (bytes) => dispatchFrame(bytes, this.#parts),
    applyMessage: (message) => dispatchMessage(message, this.#parts),
    applyToken: (token) => {
      const subject = this.#options.subject ?? subjectOf(token);
      if (subject !== undefined) this.#joinTabs(subject);
    },
  };

  /** The handlers of the provider's app run before those that it adds to the connection itself. */
  #forwardEvents(): void {
    const { connection } = this;
    connection.on("status", (event) => this.emit("status", [event]));
    connection.on("connection-close", (event) => this.emit("connection-close", [event, this]));
    connection.on("connection-error", (event) => this.emit("connection-error", [event, this]));
    connection.on("closed", (ending) => this.emit("closed", [ending, this]));
    connection.on("problem", (problem) => this.emit("problem", [problem]));
  }

  #setSynced(isSynced: boolean): void {
    if (this.#isSynced === isSynced) return;
    this.#isSynced = isSynced;
    this.emit("synced", [isSynced]);
    this.emit("sync", [isSynced]);
  }

  #updateSaved(): void {
    const saved = this.#sync.savedState;
    // A connection counts as useful only now: a room that syncs but can't commit would be retried at once, for ever.
    if (this.#sync.isConfirmed) this.connection.wasUseful();
    this.#waiters.settle(this.#sync.savedEdits, saved);
    if (isSameState(saved, this.#saved)) return;
    this.#saved = saved;
    this.emit("saved-state", [saved]);
  }
}
