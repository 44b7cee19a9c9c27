import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeFrame, encodeAwareness, encodeSyncStep1, type Frame } from "../../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { until } from "./until.ts";

/** A socket of either kind that keeps what it hears, and sends at once when it opens. */
export class MatrixClient {
  readonly frames: Frame[] = [];
  readonly messages: MessageFromRoom[] = [];
  /** How it was closed: code and coded reason. */
  closed: string | null = null;
  readonly #socket: WebSocket;
  readonly #opened: Promise<unknown>;

  /** @param token rides as a header, which leaves a stock client's subprotocols alone */
  constructor(url: string, { token, isStock }: { readonly token?: string; readonly isStock: boolean }) {
    this.#socket = new WebSocket(url, isStock ? [] : [ROOMFUL_PROTOCOL], {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    this.#opened = once(this.#socket, "open");
    this.#socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.frames.push(decodeFrame(new Uint8Array(data)));
      else this.messages.push(parseMessageFromRoom(data.toString()));
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", (code: number, reason: Buffer) => {
      this.closed = `${code} ${reason.toString().split(":")[0]}`;
    });
  }

  /** Sends as soon as the socket is open, whether it was admitted or not. */
  async sends(...data: readonly Sent[]): Promise<void> {
    await this.#opened;
    for (const one of data) this.#socket.send(one);
  }

  /** What it was told of a sync frame of its own. `saved` speaks of those up to its number that were not rejected. */
  fateOf(frame: number): string | undefined {
    for (const message of this.messages) {
      if (message.type === "rejected" && message.frame === frame) return `rejected ${message.code}`;
      if (message.type === "saved" && message.frame >= frame) return "saved";
    }
    return undefined;
  }

  /** Waits until the room has handled all that was sent. @returns what had arrived before, or how it was closed */
  async fence(answersBefore: number): Promise<Frame[] | string> {
    const answers = () => this.frames.flatMap((frame, index) => (frame.type === "sync-step-2" ? [index] : []));
    await until(() => answers().length > answersBefore || this.closed !== null, "the fence's answer");
    const end = answers()[answersBefore] ?? 0;
    // Who may write is asked before it is answered.
    const isAsked = this.frames[end - 1]?.type === "sync-step-1";
    return this.closed ?? this.frames.slice(0, isAsked ? end - 1 : end);
  }

  /** What it was told of somebody's presence last; `undefined` is nothing. */
  presenceOf(clientId: number): string | null | undefined {
    let state: string | null | undefined;
    for (const frame of this.frames) {
      if (frame.type !== "awareness") continue;
      for (const entry of frame.entries) {
        if (entry.clientId === clientId) state = entry.state && new TextDecoder().decode(entry.state);
      }
    }
    return state;
  }

  close(): void {
    this.#socket.terminate();
  }
}

export type Sent = Uint8Array | string;

export const STEP_1 = encodeSyncStep1(new Uint8Array([0]));

export function awarenessOf(clientId: number, clock: number, state: object): Uint8Array {
  return encodeAwareness([{ clientId, clock, state: new TextEncoder().encode(JSON.stringify(state)) }]);
}
