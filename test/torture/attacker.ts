import { once } from "node:events";
import { WebSocket } from "ws";
import { ERRORS } from "../../shared/errors.ts";
import { encodeSyncStep1 } from "../../shared/frames.ts";
import { ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { until } from "../support/until.ts";
import { PATIENCE } from "./bystanders.ts";
import { demand } from "./violation.ts";

/** Stands for the platform's close of a socket whose message is above 32 MiB. */
export const PLATFORM_LIMIT = "platform-limit";

const PLATFORM_BYTES = 32 * 1024 * 1024;

/** One socket on which anything is sent. Keeps with which codes it was refused. */
export class Attacker {
  readonly #socket: WebSocket;
  readonly #isStock: boolean;
  /** Codes of refusals, in their order. */
  readonly refusals: string[] = [];
  readonly rejected: number[] = [];
  saved = 0;
  /** Step 1 frames that the room sent. */
  questions = 0;
  #answers = 0;
  #sentTooMuch = false;
  #closed: string | null = null;

  private constructor(socket: WebSocket, isStock: boolean) {
    this.#socket = socket;
    this.#isStock = isStock;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary) this.#hear(JSON.parse(data.toString()));
      else if (data[0] === 0 && data[1] === 1) this.#answers++;
      else if (data[0] === 0 && data[1] === 0) this.questions++;
    });
    socket.on("error", () => {});
    socket.on("close", (code: number, reason: Buffer) => {
      this.#closed = `${code} ${reason}`;
      // The platform's close frame is lost when the socket is reset while the client still sends.
      if (code === 1006 && this.#sentTooMuch) this.refusals.push(PLATFORM_LIMIT);
      if (code !== 1000 && code !== 1006) this.refusals.push(codeOfClose(code, reason.toString()));
    });
  }

  /** @param url of the room */
  static async connect(url: string, isStock: boolean): Promise<Attacker> {
    const socket = new WebSocket(url, isStock ? [] : [ROOMFUL_PROTOCOL], { maxPayload: 2 ** 28 });
    const attacker = new Attacker(socket, isStock);
    await once(socket, "open");
    return attacker;
  }

  get closed(): string | null {
    return this.#closed;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  get isStock(): boolean {
    return this.#isStock;
  }

  send(frame: Uint8Array | string): void {
    if (!this.isOpen) return;
    this.#sentTooMuch ||= frame.length > PLATFORM_BYTES;
    this.#socket.send(frame);
  }

  /** Waits until the room has handled all that was sent: the answer to step 1 holds everything before it. */
  async settle(stateVector: Uint8Array = new Uint8Array([0])): Promise<void> {
    const answers = this.#answers;
    this.send(encodeSyncStep1(stateVector));
    await until(() => this.#answers > answers || this.#closed !== null, "an answer to step 1", PATIENCE);
  }

  close(): void {
    this.#socket.terminate();
  }

  #hear(message: { type: string; code?: string; frame?: number }): void {
    if (message.type === "rejected" || message.type === "error") {
      demand(message.code !== undefined && Object.hasOwn(ERRORS, message.code), "a refusal has a known code");
      this.refusals.push(message.code);
    }
    if (message.type === "rejected") this.rejected.push(message.frame ?? 0);
    if (message.type === "saved") this.saved = message.frame ?? 0;
  }
}

function codeOfClose(closeCode: number, reason: string): string {
  if (closeCode === 1009) return PLATFORM_LIMIT;
  const [code = ""] = reason.split(":");
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS] : undefined;
  return known?.close === closeCode ? code : `uncoded ${closeCode} ${reason}`;
}
