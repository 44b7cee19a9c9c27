/** Honest participants of a room under attack: they must never notice it. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import {
  type AwarenessEntry,
  decodeFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../../shared/frames.ts";
import { parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../../shared/messages.ts";
import { until } from "../../support/until.ts";
import { applyAsRoom } from "./histories.ts";

/** How long anybody may wait for an answer of a room under attack. Milliseconds; generous, since the machine is shared. */
export const PATIENCE = 60_000;

// Each stock provider listens for the end of the process.
process.setMaxListeners(0);

/** A `roomful.v1` client with a document that holds what the room sent and what it wrote itself. */
export class Bystander {
  readonly doc = new Y.Doc();
  readonly clientId = this.doc.clientID;
  readonly #socket: WebSocket;
  /** The newest entry that it was sent of each client id. */
  readonly presence = new Map<number, AwarenessEntry>();
  /** How its socket ended, if it did. */
  closed: string | null = null;
  saved = 0;
  rejected = 0;
  /** Questions of the room for what it lacks. */
  questions = 0;
  #sent = 0;
  #pongs = 0;
  #answered = false;
  #clock = 1;
  #broken: unknown;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      try {
        if (isBinary) this.#receive(new Uint8Array(data));
        else this.#hear(data.toString());
      } catch (cause) {
        this.#broken ??= cause;
      }
    });
    socket.on("error", () => {});
    socket.on("close", (code: number, reason: Buffer) => {
      this.closed = `${code} ${reason}`;
    });
    this.doc.on("update", (update: Uint8Array, _origin: unknown, _doc: unknown, { local }: Y.Transaction) => {
      if (!local) return;
      this.#sent++;
      socket.send(encodeUpdate(update));
    });
  }

  /** @param url of the room */
  static async join(url: string): Promise<Bystander> {
    const socket = new WebSocket(url, ROOMFUL_PROTOCOL);
    const bystander = new Bystander(socket);
    await once(socket, "open");
    socket.send(encodeSyncStep1(Y.encodeStateVector(bystander.doc)));
    bystander.#announce();
    await until(() => bystander.#answered, "an answer to step 1", PATIENCE);
    return bystander;
  }

  /** What of the room it could not take, if there is something. */
  get broken(): unknown {
    return this.#broken;
  }

  /** Makes an edit. @returns the number of its frame */
  edit(text: string): number {
    this.doc.getText("bystander").insert(0, text);
    return this.#sent;
  }

  /** Waits until the room answered something that was said now. */
  async ping(): Promise<void> {
    const pongs = this.#pongs;
    // In other words than the one that the runtime answers by itself.
    this.#socket.send('{"type": "ping"}');
    await until(() => this.#pongs > pongs || this.closed !== null, "a pong", PATIENCE);
  }

  close(): void {
    this.#socket.terminate();
  }

  #announce(): void {
    const state = new TextEncoder().encode(JSON.stringify({ bystander: true }));
    this.#socket.send(encodeAwareness([{ clientId: this.clientId, clock: this.#clock, state }]));
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    switch (frame.type) {
      case "sync-step-1":
        this.questions++;
        this.#sent++;
        this.#socket.send(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
        return;
      case "sync-step-2":
        this.#answered = true;
        applyAsRoom(this.doc, frame.update);
        return;
      case "update":
        applyAsRoom(this.doc, frame.update);
        return;
      case "awareness":
        for (const entry of frame.entries) this.#know(entry);
        return;
      case "query-awareness":
        this.#announce();
        return;
      default:
        throw new Error(`the room sent ${frame.type}`);
    }
  }

  #know(entry: AwarenessEntry): void {
    if (entry.clientId !== this.clientId) this.presence.set(entry.clientId, entry);
    else if (entry.state === null) {
      this.#clock = Math.max(this.#clock, entry.clock) + 1;
      this.#announce();
    }
  }

  #hear(text: string): void {
    const message = parseMessageFromRoom(text);
    if (message.type === "saved") this.saved = message.frame;
    if (message.type === "probe") this.#socket.send(JSON.stringify({ type: "probed", nonce: message.nonce }));
    if (message.type === "rejected") this.rejected++;
    if (message.type === "pong") this.#pongs++;
    if (message.type === "error") throw new Error(text);
  }
}

/** An unmodified y-websocket provider. */
export class StockBystander {
  readonly doc = new Y.Doc();
  readonly clientId = this.doc.clientID;
  readonly #provider: WebsocketProvider;
  /** Times that its connection ended. */
  closes = 0;

  private constructor(serverUrl: string, room: string) {
    this.#provider = new WebsocketProvider(serverUrl, room, this.doc, {
      disableBc: true,
      WebSocketPolyfill: WebSocket as never,
    });
    this.#provider.awareness.setLocalState({ stock: true });
    this.#provider.on("connection-close", () => {
      this.closes++;
    });
  }

  static async join(serverUrl: string, room: string): Promise<StockBystander> {
    const bystander = new StockBystander(serverUrl, room);
    await until(() => bystander.#provider.synced, "synced", PATIENCE);
    return bystander;
  }

  /** The state that it knows of a client. */
  stateOf(clientId: number): unknown {
    return this.#provider.awareness.getStates().get(clientId);
  }

  edit(text: string): void {
    this.doc.getText("stock").insert(0, text);
  }

  close(): void {
    // The provider looks for its presence under this id, which Yjs changes when somebody else uses it.
    this.doc.clientID = this.clientId;
    this.#provider.destroy();
  }
}
