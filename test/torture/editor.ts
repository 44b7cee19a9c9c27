import { once } from "node:events";
import { WebSocket } from "ws";
import * as Y from "yjs";
import {
  decodeFrame,
  decodeStateVector,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";

/** What clients of one room were promised, whoever they are. */
export class Promises {
  /** The sync frames that were acknowledged. */
  readonly acknowledged: Uint8Array[] = [];
  /** For each author the clock up to which edits are acknowledged. */
  readonly clocks = new Map<number, number>();
  /** Promises that a client saw broken, in words. */
  readonly broken: string[] = [];

  acknowledge(update: Uint8Array): void {
    this.acknowledged.push(update);
    for (const [client, clock] of Y.parseUpdateMeta(update).to) {
      this.clocks.set(client, Math.max(clock, this.clocks.get(client) ?? 0));
    }
  }
}

/** One person's document, which survives their connections, and the connection that they have at the moment. */
export class Editor {
  readonly name: string;
  readonly doc = new Y.Doc();
  /** How often the document changed. */
  changes = 0;
  readonly #url: string;
  readonly #protocol: "roomful.v1" | "stock";
  readonly #promises: Promises;
  #socket: WebSocket | undefined;
  /** The sync frames of this connection. */
  #frames: Uint8Array[] = [];
  #saved = 0;
  #hasDocument = false;
  #wasAsked = false;
  #presenceClock = 0;
  /** What had been promised when this connection was opened. */
  #promisedClocks: ReadonlyMap<number, number> = new Map();
  /** Client ids of which a state arrived on this connection. */
  readonly present = new Set<number>();
  /** How the last connection ended; `null` while it is open. */
  closed: string | null = "never opened";
  /** Every end of a connection. */
  readonly closes: string[] = [];

  constructor(name: string, url: string, protocol: "roomful.v1" | "stock", promises: Promises) {
    this.name = name;
    this.#url = url;
    this.#protocol = protocol;
    this.#promises = promises;
    this.doc.clientID = [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      this.changes++;
      if (origin !== this && this.closed === null) this.#sendEdits(encodeUpdate(update), update);
    });
  }

  /** Opens a connection, and asks for the document. @returns whether it was accepted */
  async connect(): Promise<boolean> {
    const socket = new WebSocket(this.#url, this.#protocol === "stock" ? [] : [ROOMFUL_PROTOCOL]);
    this.#socket = socket;
    this.#frames = [];
    this.#saved = 0;
    this.#hasDocument = false;
    this.#wasAsked = false;
    this.present.clear();
    this.#promisedClocks = new Map(this.#promises.clocks);
    socket.on("error", () => {});
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#receiveFrame(new Uint8Array(data));
      else this.#receiveMessage(parseMessageFromRoom(data.toString()));
    });
    socket.on("close", (code: number, reason: Buffer) => {
      if (socket !== this.#socket) return;
      this.closed = `${code} ${reason}`;
      this.closes.push(this.closed);
    });
    const opened = once(socket, "open").then(
      () => true,
      () => false,
    );
    if (!(await opened)) {
      this.closed = "refused";
      return false;
    }
    this.closed = null;
    socket.send(encodeSyncStep1(Y.encodeStateVector(this.doc)));
    return true;
  }

  /** Shows a state to the others. */
  show(state: object): void {
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    this.#socket?.send(encodeAwareness([{ clientId: this.doc.clientID, clock: ++this.#presenceClock, state: bytes }]));
  }

  /** Whether nothing is owed to it: it and the room had each other's documents, and what it sent is saved. */
  get isServed(): boolean {
    return this.closed === null && this.#hasDocument && this.#wasAsked && this.unsaved === 0;
  }

  /** Sync frames that it waits to be told about. */
  get unsaved(): number {
    return this.#protocol === "stock" ? 0 : this.#frames.length - this.#saved;
  }

  /** Ends the connection as a crash of the client would: nothing is said, nothing more is received. */
  vanish(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
    this.closed = "vanished";
  }

  /** Closes the connection as a page that is left does. */
  leave(): void {
    this.#socket?.close(1000);
  }

  #sendEdits(frame: Uint8Array, update: Uint8Array): void {
    this.#frames.push(update);
    this.#socket?.send(frame);
  }

  #receiveFrame(bytes: Uint8Array): void {
    if (this.#socket === undefined) return;
    const frame = decodeFrame(bytes);
    switch (frame.type) {
      case "sync-step-1": {
        this.#wasAsked = true;
        this.#checkStateVector(frame.stateVector);
        const answer = Y.encodeStateAsUpdate(this.doc, frame.stateVector);
        this.#sendEdits(encodeSyncStep2(answer), answer);
        return;
      }
      case "sync-step-2":
        this.#hasDocument = true;
        Y.applyUpdate(this.doc, frame.update, this);
        return;
      case "update":
        Y.applyUpdate(this.doc, frame.update, this);
        return;
      case "awareness":
        for (const { clientId, state } of frame.entries) if (state !== null) this.present.add(clientId);
        return;
      case "auth":
        this.#promises.broken.push(`${this.name} keeps its right to write: ${frame.reason}`);
        return;
      case "query-awareness":
        return;
      default:
        frame satisfies never;
    }
  }

  /** The room may not ask for what it called saved: it would have opened over what it has. */
  #checkStateVector(stateVector: Uint8Array): void {
    const clocks = decodeStateVector(stateVector);
    for (const [client, clock] of this.#promisedClocks) {
      const known = clocks.get(client) ?? 0;
      if (known < clock) this.#promises.broken.push(`the room knows ${client} up to ${clock}, not ${known}`);
    }
  }

  #receiveMessage(message: MessageFromRoom): void {
    if (this.#socket === undefined) return;
    if (message.type === "saved") {
      for (const frame of this.#frames.slice(this.#saved, message.frame)) this.#promises.acknowledge(frame);
      if (message.frame > this.#frames.length) this.#promises.broken.push(`frame ${message.frame} was never sent`);
      this.#saved = Math.max(this.#saved, message.frame);
    } else if (message.type === "rejected" || message.type === "error") {
      this.#promises.broken.push(`${this.name} sends nothing that is refused: ${message.message}`);
    }
  }
}
