import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeFrame, encodeSyncStep1, encodeUpdate } from "../../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";

/** A `roomful.v1` client that asks for the document and sends one edit. */
export class DamageClient {
  readonly #socket: WebSocket;
  /** The answer to step 1. */
  state: Uint8Array | null = null;
  /** Whether the room asked for what it lacks, which it does when it takes edits. */
  wasAsked = false;
  readonly messages: MessageFromRoom[] = [];
  closed: string | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("close", (code: number, reason: Buffer) => {
      this.closed = `${code} ${reason}`;
    });
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary) {
        this.messages.push(parseMessageFromRoom(data.toString()));
        return;
      }
      const frame = decodeFrame(new Uint8Array(data));
      if (frame.type === "sync-step-2") this.state = frame.update;
      if (frame.type === "sync-step-1") this.wasAsked = true;
    });
  }

  static async connect(url: string): Promise<DamageClient> {
    const client = new DamageClient(new WebSocket(url, ROOMFUL_PROTOCOL));
    await once(client.#socket, "open");
    client.#socket.send(encodeSyncStep1(new Uint8Array([0])));
    return client;
  }

  send(update: Uint8Array): void {
    this.#socket.send(encodeUpdate(update));
  }

  /** Leaves, and waits until the room has said goodbye. */
  async leave(): Promise<void> {
    if (this.closed !== null) return;
    this.#socket.close(1000);
    await once(this.#socket, "close");
  }
}
