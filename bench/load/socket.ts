import { connect, type Socket } from "node:net";
import { FrameReader } from "./frame-reader.ts";
import { frameHeader } from "./websocket-frame.ts";

const OPCODE = { text: 1, binary: 2, close: 8, ping: 9 } as const;

/** All sockets are read into it, one after the other: what is read is dealt with before the next read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

const END_OF_HEADERS = Buffer.from("\r\n\r\n");

/** Handed each binary message; the view is valid only during the call. */
export type OnMessage = (message: Buffer, socket: LoadSocket) => void;

/** A WebSocket client that does as little as can be done. */
export class LoadSocket {
  readonly #tcp: Socket;
  readonly #reader: FrameReader;
  #handshake: Buffer | null = Buffer.alloc(0);
  readonly #opened = Promise.withResolvers<void>();
  readonly #onText: (text: string) => void;
  bytesReceived = 0;
  framesReceived = 0;
  /** Why it ended, if it did. */
  ended: string | null = null;
  readonly #onMessage: OnMessage;

  private constructor(url: URL, onMessage: OnMessage, subprotocol: string | undefined, onText: (text: string) => void) {
    this.#onMessage = onMessage;
    this.#onText = onText;
    this.#reader = new FrameReader((opcode, payload) => this.#receive(opcode, payload));
    this.#tcp = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.#read(READ_BUFFER.subarray(0, length));
          return true;
        },
      },
    });
    this.#tcp.on("error", (error) => this.#end(error.message));
    this.#tcp.on("close", () => this.#end("closed"));
    this.#tcp.write(
      `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
        `${subprotocol === undefined ? "" : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`}\r\n`,
    );
  }

  /** @param onText is handed each text message: only who asks for a subprotocol may be sent any */
  static async open(
    url: string,
    onMessage: OnMessage,
    subprotocol?: string,
    onText: (text: string) => void = () => {},
  ): Promise<LoadSocket> {
    const socket = new LoadSocket(new URL(url), onMessage, subprotocol, onText);
    await socket.#opened.promise;
    return socket;
  }

  #read(chunk: Buffer): void {
    this.bytesReceived += chunk.length;
    if (this.#handshake === null) {
      this.#reader.push(chunk);
      return;
    }
    this.#handshake = Buffer.concat([this.#handshake, chunk]);
    const end = this.#handshake.indexOf(END_OF_HEADERS);
    if (end === -1) return;
    const status = this.#handshake.toString("latin1", 0, this.#handshake.indexOf("\r\n"));
    const rest = this.#handshake.subarray(end + END_OF_HEADERS.length);
    this.#handshake = null;
    if (!status.startsWith("HTTP/1.1 101")) this.#end(status);
    else this.#opened.resolve();
    if (rest.length > 0) this.#reader.push(rest);
  }

  #receive(opcode: number, payload: Buffer): void {
    switch (opcode) {
      case OPCODE.binary:
        this.framesReceived++;
        this.#onMessage(payload, this);
        return;
      case OPCODE.text:
        this.#onText(payload.toString());
        return;
      case OPCODE.ping:
        this.#tcp.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
        return;
      case OPCODE.close:
        this.#end(`close ${payload.length >= 2 ? payload.readUInt16BE(0) : ""} ${payload.toString("utf8", 2)}`);
        return;
    }
  }

  #end(why: string): void {
    this.ended ??= why;
    this.#opened.reject(new Error(why));
  }

  /** Sends frames that are encoded already, headers and all. */
  write(frames: Buffer): void {
    this.#tcp.write(frames);
  }

  /** Sends one message. */
  send(message: Uint8Array): void {
    this.#tcp.write(Buffer.concat([frameHeader(message.length, true), message]));
  }

  sendText(text: Uint8Array): void {
    const header = frameHeader(text.length, true);
    header[0] = 0x81;
    this.#tcp.write(Buffer.concat([header, text]));
  }

  /** Bytes that the kernel has not taken. */
  get waiting(): number {
    return this.#tcp.writableLength;
  }

  close(): void {
    this.#tcp.destroy();
  }
}
