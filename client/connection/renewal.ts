import type { Clock } from "../base/clock.ts";

/** Milliseconds before the end at which the client fetches a fresh token, or half of the remaining time if that is less. */
const MARGIN_MS = 60_000;

/** Milliseconds until the client asks a failed token source again. */
const RETRY_MS = 5_000;

/** The longest delay of a JavaScript timer, in milliseconds. Longer ones fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

interface RenewalOptions {
  readonly clock: Clock;
  /** `undefined` when there is no source of further tokens. */
  readonly fetchToken: (() => Promise<string>) | undefined;
  readonly send: (token: string) => void;
  /** The token source failed. The client asks again, as long as the connection lasts. */
  readonly failed: (cause: unknown) => void;
}

/** Fetches a fresh token before the grant ends, so that a connection goes on without a gap. */
export class Renewal {
  readonly #options: RenewalOptions;
  #timer: unknown;
  /** Tells the fetches of an earlier grant, or connection, from those of the present one. */
  #grant = 0;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** @param expiresIn milliseconds until the grant ends; `undefined` when it does not end */
  renewBefore(expiresIn: number | undefined): void {
    this.stop();
    if (expiresIn !== undefined) this.#wait(Math.max(expiresIn - MARGIN_MS, expiresIn / 2));
  }

  stop(): void {
    this.#grant++;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #wait(milliseconds: number): void {
    const { clock, fetchToken } = this.#options;
    if (fetchToken === undefined || milliseconds > LONGEST_MS) return;
    this.#timer = clock.setTimeout(() => void this.#renew(fetchToken), milliseconds);
  }

  async #renew(fetchToken: () => Promise<string>): Promise<void> {
    const grant = this.#grant;
    try {
      const token = await fetchToken();
      if (grant === this.#grant) this.#options.send(token);
    } catch (cause) {
      if (grant !== this.#grant) return;
      this.#options.failed(cause);
      this.#wait(RETRY_MS);
    }
  }
}
