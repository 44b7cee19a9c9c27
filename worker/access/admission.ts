import { ERRORS, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import { type Grant, type Placement, ROLES, type RoomName } from "../../shared/rooms.ts";
import type { TokenGrant } from "../../shared/tokens.ts";
import type { Settings } from "../settings/settings.ts";
import { checkOrigin } from "./origin.ts";
import { SUBPROTOCOL_HEADER, type Subprotocol } from "./subprotocol.ts";
import { tokenOf } from "./token-transport.ts";
import { TokenVerifier } from "./token-verifier.ts";

/** What the Worker decided about an upgrade, handed to the room with it. */
export interface Admission {
  readonly grant: Grant;
  readonly subprotocol: Subprotocol;
  /** Of the page that asks, when a browser does. */
  readonly origin: string | null;
  /** The secret of a former socket, with which its peer comes back. */
  readonly resume?: string;
  /** Whether it asks for the signaling of `y-webrtc`, and not for the room. */
  readonly isSignaling?: boolean;
  /** Where the request came from, see {@link networkOf}. */
  readonly network: string | null;
}

/** Under what is remembered who asked for too much: a subject, or else a network. */
export function accountOf({ grant, network }: Pick<Admission, "grant" | "network">): string | null {
  if (grant.subject !== undefined) return `subject ${grant.subject}`;
  return network === null ? null : `network ${network}`;
}

const ADMISSION_HEADER = "x-roomful-admission";
const REFUSAL_HEADER = "x-roomful-refusal";

/** Decides what requests may do, by the deployment's rules alone: origin and token. No object is touched. */
export class Doorkeeper {
  readonly #settings: Settings;
  readonly #verifier: TokenVerifier;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#verifier = new TokenVerifier(settings);
  }

  /**
   * What a request may do in a room, and where the room is.
   * @throws RoomfulError `origin-not-allowed`, `unauthorized`, and what {@link TokenVerifier.verify} throws
   */
  async admit(request: Request, room: RoomName): Promise<TokenGrant> {
    const { AUTH, OPEN_ROLE, JURISDICTION, LOCATION_HINT } = this.#settings;
    checkOrigin(request, this.#settings);
    const { grant, placement } =
      AUTH === "open"
        ? { grant: { capabilities: ROLES[OPEN_ROLE] }, placement: {} }
        : await this.#admitByToken(request, room);
    const deployed: Placement = {
      ...(JURISDICTION !== "none" && { jurisdiction: JURISDICTION }),
      ...(LOCATION_HINT !== "none" && { locationHint: LOCATION_HINT }),
    };
    return { grant, placement: { ...deployed, ...placement } };
  }

  async #admitByToken(request: Request, room: RoomName): Promise<TokenGrant> {
    if (!this.#verifier.isConfigured) throw new RoomfulError("tokens-not-configured");
    const token = tokenOf(request);
    if (token === null) throw new RoomfulError("unauthorized");
    return this.#verifier.verify(token, room);
  }
}

/** The request that carries an admitted upgrade to the room. Nothing of the client's request is passed on. */
export function upgradeRequest(admission: Admission): Request {
  return new Request("https://room/", {
    headers: { upgrade: "websocket", [ADMISSION_HEADER]: encodeURIComponent(JSON.stringify(admission)) },
  });
}

/** What {@link upgradeRequest} carried. Only Workers with a binding to the room can send it. */
export function readAdmission(request: Request): Admission {
  const header = request.headers.get(ADMISSION_HEADER);
  if (header === null || request.headers.get("upgrade") !== "websocket") throw new RoomfulError("upgrade-required");
  return JSON.parse(decodeURIComponent(header)) as Admission;
}

/** The room's answer to an upgrade that its own rules refuse. The Worker makes of it what a browser can read. */
export function refusalResponse(code: ErrorCode): Response {
  return new Response(null, { status: ERRORS[code].http, headers: { [REFUSAL_HEADER]: code } });
}

/** @throws RoomfulError when a room's answer is a {@link refusalResponse} */
export function demandAdmitted(response: Response): void {
  const code = response.headers.get(REFUSAL_HEADER);
  if (code !== null) throw new RoomfulError(code as ErrorCode);
}

/** The response that hands the client's end of a socket over. */
export function upgradeResponse(webSocket: WebSocket, subprotocol: Subprotocol): Response {
  const headers = subprotocol === null ? undefined : { [SUBPROTOCOL_HEADER]: subprotocol };
  return new Response(null, { status: 101, webSocket, ...(headers && { headers }) });
}

/** Whether a request asks for a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}
