import { RoomfulError } from "../../shared/errors.ts";
import { type Placement, ROLES, type RoomName } from "../../shared/rooms.ts";
import type { TokenGrant } from "../../shared/tokens.ts";
import type { Settings } from "../settings/settings.ts";
import { checkOrigin } from "./origin.ts";
import { tokenOf } from "./token-transport.ts";
import { TokenVerifier } from "./token-verifier.ts";

/** Decides what requests may do by the deployment's rules alone: origin and token. No Durable Object is touched. */
export class Authenticator {
  readonly #settings: Settings;
  readonly #verifier: TokenVerifier;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#verifier = new TokenVerifier(settings);
  }

  /**
   * Reads from a request what it may do in a room, and where the room is.
   * @throws RoomfulError `origin-not-allowed`, `unauthorized`, and what {@link TokenVerifier.verify} throws
   */
  async authenticate(request: Request, room: RoomName): Promise<TokenGrant> {
    const { AUTH, OPEN_ROLE, JURISDICTION, LOCATION_HINT } = this.#settings;
    checkOrigin(request, this.#settings);
    const { grant, placement } =
      AUTH === "open"
        ? { grant: { capabilities: ROLES[OPEN_ROLE] }, placement: {} }
        : await this.#verifyToken(request, room);
    const deployed: Placement = {
      ...(JURISDICTION !== "none" && { jurisdiction: JURISDICTION }),
      ...(LOCATION_HINT !== "none" && { locationHint: LOCATION_HINT }),
    };
    return { grant, placement: { ...deployed, ...placement } };
  }

  async #verifyToken(request: Request, room: RoomName): Promise<TokenGrant> {
    if (!this.#verifier.isConfigured) throw new RoomfulError("tokens-not-configured");
    const token = tokenOf(request);
    if (token === null) throw new RoomfulError("unauthorized");
    return this.#verifier.verify(token, room);
  }
}
