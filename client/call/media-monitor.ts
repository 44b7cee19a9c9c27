import type { PeerId } from "../../shared/rooms.ts";
import type { Clock } from "../base/clock.ts";
import type { LocalInputs } from "./local-inputs.ts";
import type { Peer } from "./peer.ts";

/** Milliseconds between two measurements of loudness. */
const LISTEN_MS = 100;

/** Measurements of loudness between two of the connections' quality. */
const LISTENS_PER_QUALITY = 20;

interface MediaMonitorOptions {
  readonly clock: Clock;
  readonly inputs: Pick<LocalInputs, "listen">;
  readonly peers: ReadonlyMap<PeerId, Pick<Peer, "listen" | "measure">>;
  /** Loudness was measured. */
  readonly measured: () => void;
  readonly problem: (peer: PeerId, cause: unknown) => void;
}

/** Measures how loud this client and its peers are, and how well media arrives, while this client is in the call. */
export class MediaMonitor {
  readonly #options: MediaMonitorOptions;
  #timer: unknown = null;
  #listens = 0;

  constructor(options: MediaMonitorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#timer === null) this.#measureLater();
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #measureLater(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      // Before the app hears of it: a handler that leaves the call stops this timer.
      this.#measureLater();
      this.#measure();
    }, LISTEN_MS);
  }

  #measure(): void {
    const { clock, inputs, peers, measured, problem } = this.#options;
    const now = clock.now();
    inputs.listen(now);
    const withQuality = ++this.#listens % LISTENS_PER_QUALITY === 0;
    for (const [id, peer] of peers) {
      peer.listen(now);
      if (withQuality) peer.measure().catch((cause: unknown) => problem(id, cause));
    }
    measured();
  }
}
