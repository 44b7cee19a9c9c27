import { errors, importSPKI, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { RoomfulError } from "../../shared/errors.ts";
import { CLOCK_TOLERANCE_SECONDS, TOKEN_CHARACTERS } from "../../shared/limits.ts";
import type { RoomName } from "../../shared/rooms.ts";
import { grantOf, readClaims, type TokenGrant } from "../../shared/tokens.ts";
import { keyOf, type TokenKey, type TokenSettings } from "../settings/token-key.ts";
import { KeySet } from "./key-set.ts";

/** Verifies tokens with the deployment's key and reads their grants. One instance serves all requests, since it caches keys. */
export class TokenVerifier {
  readonly #key: TokenKey;
  readonly #settings: TokenSettings;
  readonly #options: JWTVerifyOptions;
  readonly #now: () => number;
  #verificationKey: JWTVerifyGetKey | undefined;

  /** @param now milliseconds since 1970 */
  constructor(settings: TokenSettings, now: () => number = Date.now) {
    const { TOKEN_ALGORITHM, TOKEN_ISSUER, TOKEN_AUDIENCE } = settings;
    this.#key = keyOf(settings);
    this.#settings = settings;
    this.#now = now;
    this.#options = {
      algorithms: [TOKEN_ALGORITHM],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      ...(TOKEN_ISSUER !== "" && { issuer: TOKEN_ISSUER }),
      ...(TOKEN_AUDIENCE !== "" && { audience: TOKEN_AUDIENCE }),
    };
  }

  /** Whether there is a key to check tokens with. */
  get isConfigured(): boolean {
    return this.#key.kind !== "none";
  }

  /**
   * Verifies a token and reads what it grants in one room.
   * @throws RoomfulError `tokens-not-configured`, `token-invalid`, `token-expired`, `token-not-yet-valid`,
   * `room-not-allowed`, `keys-unavailable`, `misconfigured`. No message repeats anything of the token.
   */
  async verify(token: string, room: RoomName): Promise<TokenGrant> {
    if (this.#key.kind === "none") throw new RoomfulError("tokens-not-configured");
    if (token.length > TOKEN_CHARACTERS) {
      throw new RoomfulError("token-invalid", `above ${TOKEN_CHARACTERS} characters`);
    }
    this.#verificationKey ??= await this.#importKey(this.#key);
    let payload: unknown;
    try {
      ({ payload } = await jwtVerify(token, this.#verificationKey, {
        ...this.#options,
        currentDate: new Date(this.#now()),
      }));
    } catch (caught) {
      throw refusalOf(caught);
    }
    return grantOf(readClaims(payload), room);
  }

  async #importKey(key: Exclude<TokenKey, { kind: "none" }>): Promise<JWTVerifyGetKey> {
    switch (key.kind) {
      case "secret": {
        const secret = new TextEncoder().encode(key.secret);
        return () => secret;
      }
      case "public-key": {
        const { TOKEN_ALGORITHM } = this.#settings;
        const publicKey = await importSPKI(key.pem, TOKEN_ALGORITHM).catch(() => {
          throw new RoomfulError("misconfigured", `TOKEN_PUBLIC_KEY is no key for ${TOKEN_ALGORITHM}`);
        });
        return () => publicKey;
      }
      case "key-set": {
        const keys = new KeySet(key.url, this.#now);
        return (header) => keys.keyFor(header);
      }
      default:
        return key satisfies never;
    }
  }
}

function refusalOf(caught: unknown): RoomfulError {
  if (caught instanceof RoomfulError) return caught;
  if (caught instanceof errors.JWTExpired) return new RoomfulError("token-expired");
  if (caught instanceof errors.JWTClaimValidationFailed) {
    return caught.claim === "nbf" && caught.reason === "check_failed"
      ? new RoomfulError("token-not-yet-valid")
      : new RoomfulError("token-invalid", `claim ${caught.claim}`);
  }
  if (caught instanceof errors.JOSEAlgNotAllowed) return new RoomfulError("token-invalid", "algorithm");
  if (caught instanceof errors.JWSSignatureVerificationFailed) return new RoomfulError("token-invalid", "signature");
  if (caught instanceof errors.JWKSNoMatchingKey) return new RoomfulError("token-invalid", "unknown key");
  if (caught instanceof errors.JWKSMultipleMatchingKeys) return new RoomfulError("token-invalid", "names no key");
  // The text is no JWT. The cause is left out: its message may quote the token.
  return new RoomfulError("token-invalid", "form");
}
