import { once } from "node:events";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import {
  decodeFrame,
  encodeAwareness,
  encodeQueryAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
} from "../../../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../../shared/messages.ts";

/** What the room last said of one client id. */
export interface SeenPresence {
  readonly clock: number;
  /** JSON text; `null` when it is gone. */
  readonly state: string | null;
}

interface ConnectOptions {
  /** Whether to be a stock client, which offers no subprotocol. */
  readonly stock?: boolean;
}

const NOTHING_KNOWN: Uint8Array = new Uint8Array([0]);
/** The update that changes nothing. */
const NOTHING: Uint8Array = new Uint8Array([0, 0]);

/**
 * A client that costs little, so that hundreds fit into one process: it keeps no document, counts what it hears, and
 * answers as y-protocols clients do: a query or a null for its own id with its presence. Its TCP socket can be paused
 * and reset.
 */
export class LoadClient {
  readonly isStock: boolean;
  readonly presence = new Map<number, SeenPresence>();
  /** The first awareness frame that it was sent: which client ids it named. */
  firstAwareness: ReadonlyMap<number, SeenPresence> | null = null;
  /** The client ids that it was ever told to be gone. */
  readonly departed = new Set<number>();
  onUpdate: (update: Uint8Array) => void = () => {};
  /** Answers to its step 1. */
  answers = 0;
  /** Bytes of the last answer. */
  answerBytes = 0;
  /** Times that the room asked for what it lacks. */
  asked = 0;
  bytesReceived = 0;
  /** How long the room took to answer each ping, in milliseconds. */
  readonly pings: number[] = [];
  readonly #pinged: number[] = [];
  warnings = 0;
  saved = 0;
  rejected = 0;
  /** How it ended, if it did. */
  closed: string | null = null;
  /** Settles when the socket is open, or could not be opened. */
  readonly opened: Promise<void>;
  readonly #webSocket: WebSocket;
  #tcp: Socket | undefined;
  #sent = 0;
  #own: { readonly clientId: number; clock: number; state: string } | null = null;

  private constructor(url: string, isStock: boolean) {
    this.isStock = isStock;
    this.#webSocket = new WebSocket(url, isStock ? [] : [ROOMFUL_PROTOCOL]);
    this.opened = once(this.#webSocket, "open").then(() => {});
    this.opened.catch(() => {});
    this.#webSocket.on("upgrade", (response) => {
      this.#tcp = response.socket;
    });
    this.#webSocket.on("message", (data: Buffer, isBinary: boolean) => {
      this.bytesReceived += data.length;
      if (isBinary) this.#receiveFrame(decodeFrame(data));
      else this.#receiveMessage(parseMessageFromRoom(data.toString()));
    });
    this.#webSocket.on("error", () => {});
    this.#webSocket.on("close", (code: number, reason: Buffer) => {
      this.closed = `${code} ${reason}`;
    });
  }

  /** Begins to connect; nothing waits for the socket to open. */
  static begin(url: string, { stock = false }: ConnectOptions = {}): LoadClient {
    return new LoadClient(url, stock);
  }

  /** @param url of the room */
  static async connect(url: string, options: ConnectOptions = {}): Promise<LoadClient> {
    const client = LoadClient.begin(url, options);
    await client.opened;
    return client;
  }

  get clientId(): number | undefined {
    return this.#own?.clientId;
  }

  /** Whether the room has answered its claim to its client id. */
  get isKnown(): boolean {
    return this.#own !== null && this.#own.clock > 1;
  }

  /** Its own state, as JSON text. */
  get state(): string | undefined {
    return this.#own?.state;
  }

  #receiveFrame(frame: Frame): void {
    switch (frame.type) {
      case "sync-step-1":
        this.asked++;
        // A y-protocols client always answers. Others answer a probe.
        if (this.isStock) this.#send(encodeSyncStep2(NOTHING));
        return;
      case "sync-step-2":
        this.answers++;
        this.answerBytes = frame.update.length;
        this.onUpdate(frame.update);
        return;
      case "update":
        this.onUpdate(frame.update);
        return;
      case "awareness":
        this.#receivePresence(frame.entries);
        return;
      case "query-awareness":
        this.#announceAgain();
        return;
      case "auth":
        this.rejected++;
        return;
      default:
        frame satisfies never;
    }
  }

  #receivePresence(entries: Extract<Frame, { type: "awareness" }>["entries"]): void {
    for (const { clientId, clock, state } of entries) {
      const text = state === null ? null : Buffer.from(state).toString();
      if (clientId !== this.#own?.clientId && text === null) this.departed.add(clientId);
      if (clientId !== this.#own?.clientId) this.presence.set(clientId, { clock, state: text });
      else if (text === null && clock >= this.#own.clock) this.#announceAgain(clock);
    }
    // The answers to its own claim are not about others.
    if (entries.some(({ clientId }) => clientId !== this.#own?.clientId))
      this.firstAwareness ??= new Map(this.presence);
  }

  #receiveMessage(message: MessageFromRoom): void {
    if (message.type === "saved") this.saved = message.frame;
    if (message.type === "probe") this.#webSocket.send(JSON.stringify({ type: "probed", nonce: message.nonce }));
    if (message.type === "rejected") this.rejected++;
    if (message.type === "warning") this.warnings++;
    if (message.type === "pong") this.pings.push(performance.now() - (this.#pinged.shift() ?? 0));
  }

  #send(bytes: Uint8Array | string): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(bytes);
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: Uint8Array | string): void {
    this.#send(bytes);
  }

  /** Asks the room for an answer, in other words than those that the runtime answers by itself. */
  ping(): void {
    this.#pinged.push(performance.now());
    this.#send('{"type": "ping"}');
  }

  /** Asks for the document. */
  askForDocument(stateVector = NOTHING_KNOWN): void {
    this.#send(encodeSyncStep1(stateVector));
  }

  askForPresence(): void {
    this.#send(encodeQueryAwareness());
  }

  /** Answers the room's step 1. @returns the frame's number */
  answer(update: Uint8Array): number {
    this.#send(encodeSyncStep2(update));
    return ++this.#sent;
  }

  /** @returns the frame's number */
  sendUpdate(update: Uint8Array): number {
    this.#send(encodeUpdate(update));
    return ++this.#sent;
  }

  /** Shows itself under a client id, which stays its own, with this state. */
  announce(clientId: number, state: unknown): void {
    const clock = this.#own?.clientId === clientId ? this.#own.clock : 0;
    this.#own = { clientId, clock, state: JSON.stringify(state) };
    this.#announceAgain();
  }

  #announceAgain(afterClock = 0): void {
    if (this.#own === null) return;
    this.#own.clock = Math.max(this.#own.clock, afterClock) + 1;
    const { clientId, clock, state } = this.#own;
    this.#send(encodeAwareness([{ clientId, clock, state: new TextEncoder().encode(state) }]));
  }

  /** The client ids that it was told of and that are not gone, in order. */
  get present(): number[] {
    return [...this.presence].flatMap(([id, { state }]) => (state === null ? [] : [id])).sort((a, b) => a - b);
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait here because the other side does not take them. */
  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  /** Reads nothing more from its TCP socket; what it sends still goes out. */
  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  /** Goes without a word: a TCP reset. */
  reset(): void {
    if (this.#tcp === undefined) this.#webSocket.terminate();
    else this.#tcp.resetAndDestroy();
  }

  close(): void {
    this.#webSocket.close(1000);
  }
}
