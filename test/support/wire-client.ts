import {
  decodeFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
} from "../../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { until } from "./until.ts";

type FrameOf<Type extends Frame["type"]> = Extract<Frame, { type: Type }>;
type MessageOf<Type extends MessageFromRoom["type"]> = Extract<MessageFromRoom, { type: Type }>;

/** The part of a WebSocket that `ws` in Node and workerd's have in common. Binary data has to come as `ArrayBuffer`. */
export interface WireSocket {
  send(data: Uint8Array<ArrayBuffer> | string): void;
  close(code?: number): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

/** The update that changes nothing. */
const NO_CHANGE = new Uint8Array([0, 0]);

/** The state vector of an empty document. */
const NOTHING_KNOWN = new Uint8Array([0]);

/** A participant at the level of the wire: it keeps every frame and message in memory, and holds no document. */
export class WireClient {
  readonly frames: Frame[] = [];
  readonly messages: MessageFromRoom[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  /** The subprotocol that the room selected; `null` for a stock client. */
  readonly subprotocol: string | null;
  /**
   * Whether the client proves that it reads: a `roomful.v1` client by `probed`, a stock client by an empty step 2 in answer to
   * the room's step 1. Set for the former alone at first.
   */
  answersProbes: boolean;
  /** Runs after a frame was kept. */
  onFrame: (frame: Frame) => void = () => {};
  readonly #socket: WireSocket;
  #syncFrames = 0;

  constructor(socket: WireSocket, subprotocol: string | null) {
    this.#socket = socket;
    this.subprotocol = subprotocol;
    this.answersProbes = !this.#isStock;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#keepMessage(parseMessageFromRoom(data));
      else this.#keepFrame(decodeFrame(new Uint8Array(data as ArrayBuffer)));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
    });
  }

  get #isStock(): boolean {
    return this.subprotocol !== ROOMFUL_PROTOCOL;
  }

  #keepMessage(message: MessageFromRoom): void {
    this.messages.push(message);
    if (message.type === "probe" && this.answersProbes) this.tell({ type: "probed", nonce: message.nonce });
  }

  #keepFrame(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type === "sync-step-1" && this.answersProbes && this.#isStock) this.sendStep2(NO_CHANGE);
    this.onFrame(frame);
  }

  /** Sends bytes or text as they are. Sync frames sent this way are not counted: see {@link sendUpdate}. */
  send(data: Uint8Array | string): void {
    this.#socket.send(data as Uint8Array<ArrayBuffer> | string);
  }

  /** Sends a text message. */
  tell(message: object): void {
    this.send(JSON.stringify(message));
  }

  /** Sends an update frame. @returns its number on this socket */
  sendUpdate(update: Uint8Array): number {
    this.send(encodeUpdate(update));
    return ++this.#syncFrames;
  }

  /** Sends a step 2. @returns its number on this socket */
  sendStep2(update: Uint8Array): number {
    this.send(encodeSyncStep2(update));
    return ++this.#syncFrames;
  }

  /** Sends an awareness frame of one entry. @param state `null` when the client id is gone */
  sendPresence(clientId: number, clock: number, state: unknown): void {
    const bytes = state === null ? null : new TextEncoder().encode(JSON.stringify(state));
    this.send(encodeAwareness([{ clientId, clock, state: bytes }]));
  }

  close(code = 1000): void {
    this.#socket.close(code);
  }

  /** Closes the socket and waits for the room's close frame, which the room sends when it has handled the leaving. */
  async leave(code = 1000): Promise<void> {
    this.close(code);
    await until(() => this.closed !== null, "the room's close frame");
  }

  /**
   * Asks for the document and waits for the answer.
   * @returns what the state vector lacks, as an update
   * @throws when the socket is closed instead
   */
  async sync(stateVector: Uint8Array = NOTHING_KNOWN): Promise<Uint8Array> {
    const heard = this.frames.length;
    const answer = () => this.frames.find((frame, index) => index >= heard && frame.type === "sync-step-2");
    this.send(encodeSyncStep1(stateVector));
    await until(() => answer() !== undefined || this.closed !== null, "an answer to step 1");
    const frame = answer();
    if (frame?.type !== "sync-step-2") throw new Error(`closed: ${JSON.stringify(this.closed)}`);
    return frame.update;
  }

  /**
   * Waits until the room has handled everything that this client sent, and everything that the room had sent to this client
   * by then has arrived. What the room still holds back on a timer is not waited for. A stock client asks for the document
   * for it, and is sent edits from then on.
   * @throws when the socket is closed instead
   */
  async settled(): Promise<void> {
    if (this.#isStock) {
      await this.sync();
      return;
    }
    const pongs = this.messagesOf("pong").length;
    // The space keeps the runtime from answering in place of the room.
    this.send('{"type": "ping"}');
    await until(() => this.messagesOf("pong").length > pongs || this.closed !== null, "a pong");
    if (this.closed !== null) throw new Error(`closed: ${JSON.stringify(this.closed)}`);
  }

  /** Waits for the nth message of a type. */
  async heard<Type extends MessageFromRoom["type"]>(type: Type, nth = 1): Promise<MessageOf<Type>> {
    await until(() => this.messagesOf(type).length >= nth, `${nth} × ${type}`);
    const message = this.messagesOf(type)[nth - 1];
    if (message === undefined) throw new Error(type);
    return message;
  }

  framesOf<Type extends Frame["type"]>(type: Type): FrameOf<Type>[] {
    return this.frames.filter((frame) => frame.type === type) as FrameOf<Type>[];
  }

  messagesOf<Type extends MessageFromRoom["type"]>(type: Type): MessageOf<Type>[] {
    return this.messages.filter((message) => message.type === type) as MessageOf<Type>[];
  }

  /** The updates that the room relayed. */
  get updates(): Uint8Array[] {
    return this.framesOf("update").map(({ update }) => update);
  }

  /** The highest frame number that was acknowledged. */
  get saved(): number {
    return this.messages.findLast((message) => message.type === "saved")?.frame ?? 0;
  }

  /** How the room closed the socket, if it did: the close code, and the error code of the reason. */
  get refusal(): string | null {
    return this.closed && `${this.closed.code} ${this.closed.reason.split(":")[0]}`;
  }

  async untilSaved(frame: number): Promise<void> {
    await until(() => this.saved >= frame, `frame ${frame} saved`);
  }

  /** The newest state that the client was sent of each client id; `null` for one that is gone. */
  get presence(): Map<number, unknown> {
    const states = new Map<number, unknown>();
    for (const { entries } of this.framesOf("awareness")) {
      for (const { clientId, state } of entries) {
        states.set(clientId, state === null ? null : JSON.parse(new TextDecoder().decode(state)));
      }
    }
    return states;
  }
}
