import type { IceServers } from "../../shared/calls.ts";
import type { Clock } from "../base/clock.ts";

/** Milliseconds before the credentials end at which the client asks for others. */
const MARGIN_MS = 60_000;

/** Milliseconds after which the client asks again, if there was no answer. */
const RETRY_MS = 15_000;

/** The longest that a timer of JavaScript can wait. */
const LONGEST_MS = 2 ** 31 - 1;

interface RelayServersOptions {
  readonly clock: Clock;
  /** Asks the room for others. */
  readonly ask: () => void;
}

/** The ICE servers that the room named. The client asks for others before their credentials end. */
export class RelayServers {
  readonly #options: RelayServersOptions;
  #servers: RTCIceServer[] = [];
  #timer: unknown = null;

  constructor(options: RelayServersOptions) {
    this.#options = options;
  }

  get servers(): RTCIceServer[] {
    return this.#servers;
  }

  replace({ iceServers, iceExpiresIn }: IceServers): void {
    this.#servers = iceServers.map(({ urls, ...credentials }) => ({
      urls: typeof urls === "string" ? urls : [...urls],
      ...credentials,
    }));
    this.stop();
    if (iceExpiresIn !== undefined) this.#wait(Math.max(iceExpiresIn - MARGIN_MS, iceExpiresIn / 2));
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  #wait(milliseconds: number): void {
    const { clock, ask } = this.#options;
    if (milliseconds > LONGEST_MS) return;
    this.#timer = clock.setTimeout(() => {
      ask();
      this.#wait(RETRY_MS);
    }, milliseconds);
  }
}
