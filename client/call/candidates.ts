import type { ConnectionId, IceCandidate } from "../../shared/calls.ts";
import { CANDIDATES_PER_MESSAGE } from "../../shared/limits.ts";
import type { Clock } from "../base/clock.ts";

/** Milliseconds for which candidates are gathered into one message. */
const BATCH_MS = 50;

/** Candidates that may wait while the room is away. */
const WAITING = 256;

interface CandidateBatchOptions {
  readonly clock: Clock;
  /** Whether what is sent would arrive. */
  readonly canSend: () => boolean;
  readonly send: (connection: ConnectionId, candidates: readonly IceCandidate[]) => void;
}

/** Gathers the candidates of one connection into few messages, and keeps them while they can't be sent. */
export class CandidateBatch {
  readonly #connection: ConnectionId;
  readonly #options: CandidateBatchOptions;
  #waiting: IceCandidate[] = [];
  #timer: unknown = null;

  constructor(connection: ConnectionId, options: CandidateBatchOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  add({ candidate, sdpMid, sdpMLineIndex, usernameFragment }: RTCIceCandidate): void {
    if (this.#waiting.length < WAITING) {
      this.#waiting.push({ candidate, sdpMid, sdpMLineIndex, usernameFragment });
    }
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = null;
      this.flush();
    }, BATCH_MS);
  }

  flush(): void {
    if (this.#timer !== null) return;
    const { canSend, send } = this.#options;
    while (this.#waiting.length > 0 && canSend()) {
      send(this.#connection, this.#waiting.splice(0, CANDIDATES_PER_MESSAGE));
    }
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting = [];
  }
}
