import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeFrame, encodeSyncStep1, encodeUpdate, type Frame } from "../../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { until } from "./until.ts";

/** A socket that sends prepared updates and keeps no document: after a crash it has nothing to send again. */
export class RawClient {
  readonly #socket: WebSocket;
  readonly updates: Uint8Array[] = [];
  onUpdate: (update: Uint8Array) => void = () => {};
  #state: Uint8Array | undefined;
  #sent = 0;
  saved = 0;
  readonly rejected: number[] = [];
  /** How it ended, if it did. */
  closed: string | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#receiveFrame(decodeFrame(new Uint8Array(data)));
      else this.#receiveMessage(parseMessageFromRoom(data.toString()));
    });
    socket.on("error", () => {});
    socket.on("close", (code: number, reason: Buffer) => {
      this.closed = `${code} ${reason}`;
    });
  }

  /** @param url of the room */
  static async connect(url: string): Promise<RawClient> {
    const client = new RawClient(new WebSocket(url, ROOMFUL_PROTOCOL));
    await once(client.#socket, "open");
    return client;
  }

  #receiveFrame(frame: Frame): void {
    if (frame.type === "sync-step-2") this.#state = frame.update;
    if (frame.type !== "update") return;
    this.updates.push(frame.update);
    this.onUpdate(frame.update);
  }

  #receiveMessage(message: MessageFromRoom): void {
    if (message.type === "saved") this.saved = message.frame;
    if (message.type === "probe") this.#socket.send(JSON.stringify({ type: "probed", nonce: message.nonce }));
    if (message.type === "rejected") this.rejected.push(message.frame);
  }

  /** Asks for the document. @returns it as an update */
  async sync(): Promise<Uint8Array> {
    this.#state = undefined;
    this.#socket.send(encodeSyncStep1(new Uint8Array([0])));
    await until(() => this.#state !== undefined, "an answer to step 1");
    return this.#state ?? new Uint8Array();
  }

  /** @returns the frame's number */
  send(update: Uint8Array): number {
    this.#socket.send(encodeUpdate(update));
    return ++this.#sent;
  }

  close(): void {
    this.#socket.terminate();
  }
}
