import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { decodeFrame, encodeSyncStep1, encodeSyncStep2, encodeUpdate, type Frame } from "../../../shared/frames.ts";
import { parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../../shared/messages.ts";
import type { Random } from "../support/scale.ts";

/** A document of a client of a room, and its troubled connection. */
export interface Replica {
  readonly doc: Y.Doc;
  /** Loses the connection without a close frame; it comes back by itself. */
  drop(): void;
  /** Sends something again that it sent before, if its kind of client can be made to. */
  sendAgain(random: Random): void;
  readonly isSynced: boolean;
  /** What the room said or did that it must not say to an honest client; `null` as a rule. */
  readonly complaint: string | null;
  destroy(): void;
}

/** Where what came by another way than the room comes from. */
export const OUTSIDE = Symbol("outside");

/** An unmodified y-websocket provider that can sync through nothing but the server. */
export class StockReplica implements Replica {
  readonly doc = new Y.Doc();
  readonly complaint = null;
  readonly #provider: WebsocketProvider;

  constructor(url: string, room: string) {
    this.#provider = new WebsocketProvider(url, room, this.doc, {
      disableBc: true,
      maxBackoffTime: 200,
      WebSocketPolyfill: WebSocket as never,
    });
  }

  get isSynced(): boolean {
    return this.#provider.synced;
  }

  drop(): void {
    (this.#provider.ws as unknown as WebSocket | null)?.terminate();
  }

  sendAgain(): void {}

  destroy(): void {
    this.#provider.destroy();
  }
}

/** A client of `roomful.v1` that queues what it makes while it is away, and then sends that in any order. */
export class RoomfulReplica implements Replica {
  readonly doc = new Y.Doc();
  readonly #url: string;
  readonly #random: Random;
  /** Everything that this replica made, in order. */
  readonly #made: Uint8Array[] = [];
  #queue: Uint8Array[] = [];
  /** Of that, what the answer to the room's step 1 held. */
  #answered = new Set<Uint8Array>();
  #socket: WebSocket | null = null;
  #reconnect: NodeJS.Timeout | undefined;
  #synced = false;
  #sent = 0;
  #isDestroyed = false;
  complaint: string | null = null;

  constructor(url: string, random: Random) {
    this.#url = url;
    this.#random = random;
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      // What comes from outside is passed on to the room by nobody: only the answer to step 1 holds it.
      if (origin === this || origin === OUTSIDE) return;
      this.#made.push(update);
      if (this.#synced) this.#send(update);
      else this.#queue.push(update);
    });
    this.#connect();
  }

  get isSynced(): boolean {
    return this.#synced;
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, ROOMFUL_PROTOCOL);
    this.#socket = socket;
    this.#sent = 0;
    this.#answered.clear();
    socket.on("error", () => {});
    socket.on("open", () => socket.send(encodeSyncStep1(Y.encodeStateVector(this.doc))));
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (this.#socket !== socket) return;
      if (isBinary) this.#receive(decodeFrame(new Uint8Array(data)));
      else this.#hear(data.toString());
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#away();
    });
  }

  #away(): void {
    this.#socket = null;
    this.#synced = false;
    if (!this.#isDestroyed)
      this.#reconnect = setTimeout(() => this.#connect(), this.#random(this.#random(3) === 0 ? 500 : 50));
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case "sync-step-1":
        this.#answer(frame.stateVector);
        return;
      case "sync-step-2":
        Y.applyUpdate(this.doc, frame.update, this);
        this.#synced = true;
        for (let left = this.#queue.length; left > 0; left--) {
          const [update] = this.#queue.splice(this.#random(left), 1);
          if (update === undefined) continue;
          const mayBeLeftOut = this.#answered.has(update);
          if (!mayBeLeftOut || this.#random(3) > 0) this.#send(update);
        }
        return;
      case "update":
        Y.applyUpdate(this.doc, frame.update, this);
        return;
      case "awareness":
      case "auth":
      case "query-awareness":
        return;
      default:
        frame satisfies never;
    }
  }

  #hear(text: string): void {
    const message = parseMessageFromRoom(text);
    const isWrong =
      message.type === "rejected" ||
      message.type === "error" ||
      (message.type === "saved" && message.frame > this.#sent);
    if (isWrong) this.complaint ??= text;
  }

  #answer(stateVector: Uint8Array): void {
    this.#socket?.send(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, stateVector)));
    this.#sent++;
    this.#answered = new Set(this.#queue);
  }

  #send(update: Uint8Array): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(encodeUpdate(update));
    this.#sent++;
  }

  drop(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#away();
    socket.terminate();
  }

  sendAgain(random: Random): void {
    const update = this.#made[random(this.#made.length)];
    if (update !== undefined && this.#synced) this.#send(update);
  }

  destroy(): void {
    this.#isDestroyed = true;
    clearTimeout(this.#reconnect);
    this.#socket?.terminate();
    this.doc.destroy();
  }
}
