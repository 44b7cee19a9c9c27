import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTHeaderParameters,
  type RemoteJWKSet,
} from "jose";
import { RoomfulError } from "../../shared/errors.ts";

/** Milliseconds for which fetched keys are used: a withdrawn key may still be accepted for so long. */
const MAX_AGE_MS = 600_000;

/** Milliseconds after a fetch in which no unknown key causes another: anybody can invent key ids. */
const COOL_DOWN_MS = 30_000;

/** Milliseconds that a fetch may take. */
const TIMEOUT_MS = 5_000;

/** Milliseconds after a failed fetch in which no other is tried. */
const FAILURE_HOLD_MS = 5_000;

/**
 * The public keys of an identity provider, cached. A token whose key can't be fetched now is refused as
 * `keys-unavailable`, after which clients try again. A token is refused for good only when the set was fetched for it
 * and has no key that fits.
 */
export class KeySet {
  readonly #remote: RemoteJWKSet;
  readonly #now: () => number;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** When the running fetch started. A cancelled request never ends its fetch, so that the time bounds it. */
  #fetchingSince = Number.NEGATIVE_INFINITY;
  #fetched = 0;

  /** @param now milliseconds since 1970 */
  constructor(url: string, now: () => number) {
    this.#now = now;
    this.#remote = createRemoteJWKSet(new URL(url), {
      cacheMaxAge: MAX_AGE_MS,
      cooldownDuration: COOL_DOWN_MS,
      timeoutDuration: TIMEOUT_MS,
      [customFetch]: (href, options) => this.#fetch(href, options),
    });
  }

  /**
   * Finds the key that a token's header names.
   * @throws RoomfulError `keys-unavailable`
   * @throws errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys
   */
  async keyFor(header: JWTHeaderParameters): Promise<CryptoKey> {
    const { fresh } = this.#remote;
    const before = this.#fetched;
    try {
      return await this.#remote(header);
    } catch (caught) {
      if (caught instanceof errors.JWKSMultipleMatchingKeys) throw caught;
      if (caught instanceof errors.JWKSNoMatchingKey) {
        if (this.#fetched > before) throw caught;
        // The provider may have begun to use this key since the last fetch.
        throw new RoomfulError("keys-unavailable", "unknown key; the keys were fetched a moment ago");
      }
      if (caught instanceof RoomfulError) throw caught;
      this.#failedAt = this.#now();
      throw new RoomfulError("keys-unavailable", fresh ? "unknown key" : undefined, { cause: caught });
    }
  }

  async #fetch(href: string, options: RequestInit): Promise<Response> {
    const now = this.#now();
    if (now - this.#failedAt < FAILURE_HOLD_MS) throw new RoomfulError("keys-unavailable", "tried a moment ago");
    // One fetch at a time looks for new keys, while there are usable ones.
    if (this.#remote.fresh && now - this.#fetchingSince < TIMEOUT_MS) {
      throw new RoomfulError("keys-unavailable", "unknown key; the keys are being fetched");
    }
    this.#fetchingSince = now;
    try {
      const response = await fetch(href, options);
      if (response.ok) this.#fetched++;
      return response;
    } finally {
      this.#fetchingSince = Number.NEGATIVE_INFINITY;
    }
  }
}
