import { ObservableV2 } from "lib0/observable";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { type ErrorCode, RoomfulError } from "../shared/errors.ts";
import { decodeFrame, encodeSyncStep1, encodeSyncStep2, encodeUpdate, type Frame } from "../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../shared/messages.ts";
import type { Capability, PeerId } from "../shared/rooms.ts";
import type { Ending } from "./connection.ts";
import { Connector } from "./connector.ts";
import { DocumentSync } from "./document-sync.ts";
import { Offline, openIndexedDb } from "./offline.ts";
import { type Behaviour, behaviourOf, checkTarget, type RoomProviderOptions, roomUrl, type Target } from "./options.ts";
import { Presence, RoomAwareness } from "./presence.ts";
import { isSameState, type Rebuilt, type Rejection, type SavedState } from "./saved.ts";
import { subjectOf, Tabs } from "./tabs.ts";

/** Milliseconds that the stored document may take to load before the connection is made without it. */
const LOAD_MS = 3_000;

/** Something that does not end the provider, and that its app may want to show or to log. */
export type Problem =
  /** The room could not use a message other than an edit, or sent what can't be read. */
  | { readonly source: "room"; readonly code: ErrorCode; readonly message: string }
  /** There was no token, or no socket could be made. It is tried again. */
  | { readonly source: "connection"; readonly cause: unknown }
  /** The document can't be kept in the browser: what is unsaved does not survive a reload. */
  | { readonly source: "storage"; readonly cause: unknown };

/** Events of a `RoomProvider`. Those up to `closed` are y-websocket's. */
export interface RoomProviderEvents {
  status: (event: { readonly status: "connecting" | "connected" | "disconnected" }) => void;
  /** Whether the room's document is in this one. The same as `synced`. */
  sync: (isSynced: boolean) => void;
  synced: (isSynced: boolean) => void;
  /** A socket is gone; `null` when it was closed from here. */
  "connection-close": (event: CloseEvent | null, provider: RoomProvider) => void;
  "connection-error": (event: Event, provider: RoomProvider) => void;
  /** The room closed for good, for instance since it admits nobody without a token. `connect()` tries again. */
  closed: (ending: Ending, provider: RoomProvider) => void;
  /** `provider.saved` changed. */
  "saved-state": (saved: SavedState) => void;
  /** The room refused an edit. No further one is sent: see {@link RoomProvider.rebuilt}. */
  rejected: (rejection: Rejection) => void;
  /** The room said who this connection is and what it may do. */
  welcome: (welcome: { readonly peer: PeerId; readonly capabilities: readonly Capability[] }) => void;
  problem: (problem: Problem) => void;
}

interface SavedWaiter {
  readonly edit: number;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

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
  readonly #loaded: Promise<void> | null;
  readonly #waiters = new Set<SavedWaiter>();
  #offline: Offline | null = null;
  #tabs: Tabs | null = null;
  #isSynced = false;
  #saved: SavedState;
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
      publish: (frame) => this.#tabs?.publish(frame),
    });
    this.#sync = new DocumentSync(doc, {
      clock,
      origin: this,
      send,
      publish: (update) => this.#tabs?.publish(encodeUpdate(update)),
      synced: () => this.#setSynced(true),
      rejected: (rejection) => this.emit("rejected", [rejection]),
      changed: () => this.#savedMayHaveChanged(),
    });
    this.#saved = this.#sync.savedState;
    this.#loaded = this.#openOffline();
    doc.once("destroy", this.#onDocDestroy);
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
  get ws(): Pick<WebSocket, "readyState" | "send" | "close"> | null {
    return this.#connector.socket;
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
   * Rejects with a `RoomfulError` when the room refuses one, and when the provider is destroyed.
   */
  whenSaved(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ edit: this.#sync.ledger.edits, resolve, reject });
      this.#settleWaiters();
    });
  }

  /**
   * After a rejection: a new document with what the room has, and what it refused, which the app may show, keep or apply
   * in part. This provider and its document are of no more use then; connect the new document with a new provider. What
   * the browser kept of the old document is deleted.
   */
  async rebuilt(): Promise<Rebuilt<Y.Doc>> {
    const rebuilt = await this.#sync.rebuild();
    await this.#offline?.clear();
    return rebuilt;
  }

  connect(): void {
    if (this.#isDestroyed) return;
    this.#wantsConnection = true;
    if (this.#loaded === null) this.#connectNow();
    else void this.#loaded.then(() => this.#connectNow());
  }

  disconnect(): void {
    this.#wantsConnection = false;
    this.#leaveTabs();
    this.#connector.disconnect();
  }

  /** Ends everything. The document and the awareness stay the app's. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.disconnect();
    this.#isDestroyed = true;
    this.doc.off("destroy", this.#onDocDestroy);
    this.#connector.destroy();
    this.#presence.destroy();
    void this.#offline?.close();
    this.#sync.destroy();
    for (const { reject } of this.#waiters) reject(new Error("the provider was destroyed"));
    this.#waiters.clear();
    super.destroy();
  }

  readonly #onDocDestroy = (): void => this.destroy();

  #connectNow(): void {
    if (!this.#wantsConnection) return;
    this.#connector.connect();
    if (this.#options.token === undefined) this.#joinTabs(this.#options.subject ?? "");
  }

  /** @returns when the stored document is there, or is not waited for any more; `null` when none is kept */
  #openOffline(): Promise<void> | null {
    const { offline } = this.#options;
    if (offline === undefined || offline === false) return null;
    const { clock } = this.#behaviour;
    const store = new Offline(offline === true ? openIndexedDb : offline, this.#channelName(), this.doc, {
      clock,
      acknowledged: () => this.#sync.ledger.acknowledged(),
      failed: (cause) => this.emit("problem", [{ source: "storage", cause }]),
    });
    this.#offline = store;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, LOAD_MS);
      void store.load().then((acknowledged) => {
        clock.clearTimeout(timer);
        // Once there was a socket, the ledger knows better.
        if (acknowledged !== null && this.#connector.state.attempt === 0) this.#sync.ledger.load(acknowledged);
        this.#savedMayHaveChanged();
        resolve();
      });
    });
  }

  #channelName(subject = this.#options.subject ?? ""): string {
    return `roomful:${this.#target.serverUrl}/${this.#target.room}:${subject}`;
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
    message: (data: unknown) => this.#receive(data),
    failed: (event: Event) => this.emit("connection-error", [event, this]),
    closed: (event: CloseEvent | null, wasOpen: boolean) => {
      this.emit("connection-close", [event, this]);
      if (!wasOpen) return;
      this.#capabilities = [];
      this.#setSynced(false);
      this.#sync.closed();
      this.#presence.closed();
      this.emit("status", [{ status: "disconnected" }]);
    },
    ended: (ending: Ending) => {
      this.#wantsConnection = false;
      this.#leaveTabs();
      this.emit("closed", [ending, this]);
    },
    couldNotStart: (cause: unknown) => this.emit("problem", [{ source: "connection", cause }]),
  };

  #receive(data: unknown): void {
    try {
      if (typeof data === "string") this.#receiveMessage(parseMessageFromRoom(data));
      else if (data instanceof ArrayBuffer) this.#receiveFrame(decodeFrame(new Uint8Array(data)));
    } catch (caught) {
      if (!(caught instanceof RoomfulError)) throw caught;
      this.emit("problem", [{ source: "room", code: caught.code, message: caught.message }]);
    }
  }

  #receiveFrame(frame: Frame): void {
    switch (frame.type) {
      case "sync-step-1":
      case "sync-step-2":
      case "update":
        this.#sync.receive(frame);
        this.#offline?.changed();
        return;
      case "awareness":
        this.#presence.receive(frame.entries);
        return;
      case "query-awareness":
        this.#presence.answerRoom();
        return;
      case "auth":
        this.emit("problem", [{ source: "room", code: "forbidden", message: frame.reason }]);
        return;
      default:
        frame satisfies never;
    }
  }

  #receiveMessage(message: MessageFromRoom): void {
    switch (message.type) {
      case "welcome":
        this.#capabilities = message.capabilities;
        this.#sync.welcomed(message);
        this.#presence.renew(message.renewPresence);
        this.emit("welcome", [{ peer: message.peer as PeerId, capabilities: message.capabilities }]);
        return;
      case "saved":
        this.#sync.saved(message.frame);
        this.#offline?.changed();
        return;
      case "rejected":
        this.#sync.rejected(message.frame, message);
        return;
      case "error":
        if (message.code === "room-damaged" || message.code === "room-too-new") this.#sync.roomIsReadOnly();
        this.emit("problem", [{ source: "room", code: message.code, message: message.message }]);
        return;
      case "presence-renewal":
        this.#presence.renew(message.active);
        return;
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  #setSynced(isSynced: boolean): void {
    if (this.#isSynced === isSynced) return;
    this.#isSynced = isSynced;
    if (isSynced) this.#connector.wasUseful();
    this.emit("synced", [isSynced]);
    this.emit("sync", [isSynced]);
  }

  #savedMayHaveChanged(): void {
    this.#settleWaiters();
    const saved = this.#sync.savedState;
    if (isSameState(saved, this.#saved)) return;
    this.#saved = saved;
    this.emit("saved-state", [saved]);
  }

  #settleWaiters(): void {
    const { ledger, savedState } = this.#sync;
    for (const waiter of this.#waiters) {
      if (waiter.edit <= ledger.savedEdits) waiter.resolve();
      else if (savedState.state === "rejected") waiter.reject(new RoomfulError(savedState.code));
      else continue;
      this.#waiters.delete(waiter);
    }
  }

  #joinTabs(subject: string): void {
    const name = this.#channelName(subject);
    if (this.#options.disableBc === true || this.#tabs?.name === name) return;
    this.#leaveTabs();
    this.#tabs = new Tabs(name, (frame) => this.#receiveFromTab(frame));
    this.#tabs.publish(encodeSyncStep1(Y.encodeStateVector(this.doc)));
    if (!this.#sync.isRejected) this.#tabs.publish(encodeUpdate(Y.encodeStateAsUpdate(this.doc)));
    this.#presence.askTabs();
  }

  #leaveTabs(): void {
    if (this.#tabs === null) return;
    this.#presence.leaveTabs();
    this.#tabs.close();
    this.#tabs = null;
  }

  #receiveFromTab(bytes: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch {
      // Another version's tab.
      return;
    }
    switch (frame.type) {
      case "sync-step-1":
        // What the room refused must not come back by another tab.
        if (this.#sync.isRejected) return;
        this.#tabs?.publish(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
        return;
      case "sync-step-2":
      case "update":
        this.#sync.receiveFromTab(frame.update);
        return;
      case "awareness":
        this.#presence.receiveFromTab(frame.entries);
        return;
      case "query-awareness":
        this.#presence.answerTabs();
        return;
      case "auth":
        return;
      default:
        frame satisfies never;
    }
  }
}
