import { PING } from "../../shared/messages.ts";
import type { Clock } from "../base/clock.ts";
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  type ConnectionTiming,
  type Ending,
  IDLE,
  step,
  type Upload,
} from "./lifecycle.ts";

/** The part of a WebSocket that the client uses. */
export type RoomSocket = Pick<
  WebSocket,
  "binaryType" | "onopen" | "onmessage" | "onerror" | "onclose" | "send" | "close"
> & {
  readonly readyState: number;
  /** Bytes that wait to be sent. Some environments lack it. */
  readonly bufferedAmount?: number;
};

const OPEN = 1;

/** Hears of the connection, in this order. */
export interface ConnectionListener {
  connecting(): void;
  socketOpened(): void;
  message(data: unknown): void;
  failed(event: Event): void;
  /** A socket is gone, opened or not; `null` when this client closed it. */
  socketClosed(event: CloseEvent | null, wasOpen: boolean): void;
  /** The room closed for good: the connector makes no further attempt. */
  connectionEnded(ending: Ending): void;
  /** The token source failed, or no socket could be made of URL and protocols. The connector tries again. */
  couldNotStart(cause: unknown): void;
}

export interface ConnectorOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: ConnectionTiming;
  /** Called for each attempt. */
  readonly fetchToken: () => string | undefined | Promise<string | undefined>;
  /** @throws when the URL or a protocol is invalid */
  readonly openSocket: (token: string | undefined) => RoomSocket;
  readonly listener: ConnectionListener;
  /** Calls back when it is worth to try at once. @returns a function that stops it */
  readonly onWake: (wake: () => void) => () => void;
}

/** An event for the state machine, with details for the listener alone. */
type Occurrence = {
  readonly event: ConnectionEvent;
  readonly close?: CloseEvent;
  /** The error of the token source or of the WebSocket constructor. */
  readonly thrown?: unknown;
};

/** Runs the state machine of `lifecycle.ts` on a real clock and real sockets. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #stopWaking: () => void;
  readonly #queue: Occurrence[] = [];
  #isRunning = false;
  #state: ConnectionState = IDLE;
  #socket: RoomSocket | null = null;
  /** Bytes that the present socket was given to send. */
  #given = 0;
  #timer: unknown;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#stopWaking = options.onWake(() => this.#dispatch({ type: "wake" }));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The present socket, connecting or open. */
  get socket(): RoomSocket | null {
    return this.#socket;
  }

  connect(): void {
    this.#dispatch({ type: "connect" });
  }

  disconnect(): void {
    this.#dispatch({ type: "disconnect" });
  }

  destroy(): void {
    this.#stopWaking();
    this.#dispatch({ type: "destroy" });
  }

  /** Resets the backoff: the connection did what it is for, so the next failure counts as the first. */
  wasUseful(): void {
    if (this.#state.type === "open" && this.#state.failures > 0) {
      this.#dispatch({ type: "useful", attempt: this.#state.attempt });
    }
  }

  /** Sends if the socket is open, and drops the data otherwise: the next connection compares documents anew. */
  send(data: Uint8Array<ArrayBuffer> | string): void {
    if (this.#state.type !== "open" || this.#socket?.readyState !== OPEN) return;
    this.#socket.send(data);
    this.#given += typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
  }

  get #upload(): Upload {
    const waiting = this.#socket?.bufferedAmount;
    return waiting === undefined ? { waiting: 0, taken: 0 } : { waiting, taken: this.#given - waiting };
  }

  /**
   * Handles one event after the other: an event that arises meanwhile waits for its turn. The first error of a listener is
   * thrown again at the end.
   */
  #dispatch(event: ConnectionEvent, told: Omit<Occurrence, "event"> = {}): void {
    this.#queue.push({ event, ...told });
    if (this.#isRunning) return;
    this.#isRunning = true;
    const thrown: unknown[] = [];
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const before = this.#state;
      const { clock, random, timing } = this.#options;
      const { state, effects } = step(before, next.event, {
        now: clock.now(),
        random: random(),
        timing,
        upload: this.#upload,
      });
      this.#state = state;
      try {
        for (const effect of effects) this.#perform(effect);
        this.#tell(before, state, next);
      } catch (caught) {
        thrown.push(caught);
      }
    }
    this.#isRunning = false;
    if (thrown.length > 0) throw thrown[0];
  }

  #tell(before: ConnectionState, after: ConnectionState, { close, thrown }: Occurrence): void {
    const { listener } = this.#options;
    const isSame = after.type === before.type && after.attempt === before.attempt;
    if (isSame) return;
    const hadSocket = before.type === "connecting" || before.type === "open";
    const continues = before.type === "connecting" && after.type === "open";
    if (hadSocket && !continues) listener.socketClosed(close ?? null, before.type === "open");
    if (thrown !== undefined) listener.couldNotStart(thrown);
    if (after.type === "fetching-token") listener.connecting();
    if (after.type === "open") listener.socketOpened();
    if (after.type === "ended") listener.connectionEnded(after.ending);
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case "fetch-token":
        this.#fetchToken(effect.attempt);
        return;
      case "open-socket":
        this.#open(effect.attempt, effect.token);
        return;
      case "close-socket":
        this.#abandon(effect.code);
        return;
      case "ping":
        this.send(PING);
        return;
      case "set-timer": {
        const { attempt, milliseconds } = effect;
        this.#options.clock.clearTimeout(this.#timer);
        this.#timer = this.#options.clock.setTimeout(() => this.#dispatch({ type: "timer", attempt }), milliseconds);
        return;
      }
      case "clear-timer":
        this.#options.clock.clearTimeout(this.#timer);
        this.#timer = undefined;
        return;
      default:
        effect satisfies never;
    }
  }

  #fetchToken(attempt: number): void {
    const failed = (thrown: unknown) => this.#dispatch({ type: "token-failed", attempt }, { thrown });
    try {
      const token = this.#options.fetchToken();
      // A token at hand is used in the same turn, as y-websocket connects.
      if (typeof token !== "object") this.#dispatch({ type: "token", attempt, token });
      else Promise.resolve(token).then((fetched) => this.#dispatch({ type: "token", attempt, token: fetched }), failed);
    } catch (caught) {
      failed(caught);
    }
  }

  #open(attempt: number, token: string | undefined): void {
    let socket: RoomSocket;
    try {
      socket = this.#options.openSocket(token);
    } catch (thrown) {
      this.#dispatch({ type: "closed", attempt, code: 1006, reason: "no socket could be made" }, { thrown });
      return;
    }
    this.#socket = socket;
    this.#given = 0;
    socket.binaryType = "arraybuffer";
    const { listener } = this.#options;
    const isCurrent = () => this.#socket === socket;
    socket.onopen = () => this.#dispatch({ type: "opened", attempt });
    socket.onmessage = ({ data }) => {
      this.#dispatch({ type: "heard", attempt });
      if (isCurrent() && this.#state.type === "open") listener.message(data);
    };
    socket.onerror = (event) => {
      if (isCurrent()) listener.failed(event);
    };
    socket.onclose = (event) => {
      if (isCurrent())
        this.#dispatch({ type: "closed", attempt, code: event.code, reason: event.reason }, { close: event });
    };
  }

  #abandon(code: number): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    // Closing a socket that still connects emits an error event, which Node's `ws` throws without a listener.
    socket.onerror = () => {};
    socket.close(code);
  }
}
