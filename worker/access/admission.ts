/** The hand-off of an upgrade from the Worker to the room: the request with its admission, and the room's answer. */
import { ERRORS, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import type { Grant } from "../../shared/rooms.ts";
import { SUBPROTOCOL_HEADER, type Subprotocol } from "./subprotocol.ts";

/** The Worker's decision about an upgrade. */
export interface Admission {
  readonly grant: Grant;
  readonly subprotocol: Subprotocol;
  /** The page's origin; `null` when no page sent the request. */
  readonly origin: string | null;
  /** The secret of a former socket, with which its peer comes back. */
  readonly resume?: string;
  /** Whether the socket is for the signaling of `y-webrtc`, and not for the room. */
  readonly isSignaling?: boolean;
  /** The client's network, see {@link networkOf}. */
  readonly network: string | null;
}

/** Key for the debts of rate limits: the token's subject, else the client's network; `null` when neither is known. */
export function accountOf({ grant, network }: Pick<Admission, "grant" | "network">): string | null {
  if (grant.subject !== undefined) return `subject ${grant.subject}`;
  return network === null ? null : `network ${network}`;
}

const ADMISSION_HEADER = "x-roomful-admission";
const REFUSAL_HEADER = "x-roomful-refusal";

/**
 * Sent by the Worker to the room for an admitted upgrade. Nothing of the client's request is passed on, or a client
 * could send an admission of its own.
 */
export function upgradeRequest(admission: Admission): Request {
  return new Request("https://room/", {
    headers: { upgrade: "websocket", [ADMISSION_HEADER]: encodeURIComponent(JSON.stringify(admission)) },
  });
}

/**
 * Reads what {@link upgradeRequest} carries. It is trusted: only Workers with a binding to the room can send it.
 * @throws RoomfulError `upgrade-required`
 */
export function readAdmission(request: Request): Admission {
  const header = request.headers.get(ADMISSION_HEADER);
  if (header === null || request.headers.get("upgrade") !== "websocket") throw new RoomfulError("upgrade-required");
  return JSON.parse(decodeURIComponent(header)) as Admission;
}

/** Sent by the room to the Worker when the room's own rules refuse an upgrade. */
export function refusalResponse(code: ErrorCode): Response {
  return new Response(null, { status: ERRORS[code].http, headers: { [REFUSAL_HEADER]: code } });
}

/** Checks the room's answer to an upgrade. @throws RoomfulError the code of a {@link refusalResponse} */
export function demandAdmitted(response: Response): void {
  const code = response.headers.get(REFUSAL_HEADER);
  if (code !== null) throw new RoomfulError(code as ErrorCode);
}

/** The response that hands the client's end of a socket over. */
export function upgradeResponse(webSocket: WebSocket, subprotocol: Subprotocol): Response {
  const headers = subprotocol === null ? undefined : { [SUBPROTOCOL_HEADER]: subprotocol };
  return new Response(null, { status: 101, webSocket, ...(headers && { headers }) });
}
