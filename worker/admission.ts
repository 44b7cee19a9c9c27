import { RoomfulError } from "../shared/errors.ts";
import { ROOMFUL_PROTOCOL, STOCK_PROTOCOL } from "../shared/messages.ts";
import { type Grant, ROLES } from "../shared/rooms.ts";
import type { Settings } from "./settings.ts";

/** The subprotocols that the room speaks; `null` is a stock client that offered none. */
export type Subprotocol = typeof ROOMFUL_PROTOCOL | typeof STOCK_PROTOCOL | null;

/** What the Worker decided about an upgrade, handed to the room with it. */
export interface Admission {
  readonly grant: Grant;
  readonly subprotocol: Subprotocol;
}

const ADMISSION_HEADER = "x-roomful-admission";
const SUBPROTOCOL_HEADER = "sec-websocket-protocol";

/**
 * Chooses the subprotocol to answer with: one that was offered and is no secret, since a browser drops a connection
 * whose offers were all ignored.
 * @throws RoomfulError `unsupported-subprotocol` when offers were made and none can be selected
 */
export function selectSubprotocol(request: Request): Subprotocol {
  const header = request.headers.get(SUBPROTOCOL_HEADER);
  if (header === null) return null;
  const offers = header.split(",").map((offer) => offer.trim());
  for (const known of [ROOMFUL_PROTOCOL, STOCK_PROTOCOL] as const) {
    if (offers.includes(known)) return known;
  }
  throw new RoomfulError("unsupported-subprotocol");
}

/**
 * Decides what a request may do, by the deployment's rules alone: no object is touched.
 * @throws RoomfulError `unauthorized`
 */
export function admit(settings: Settings): Grant {
  if (settings.AUTH === "token")
    throw new RoomfulError("unauthorized", 'AUTH is "token"; set AUTH = "open" to admit everybody');
  return { capabilities: ROLES[settings.OPEN_ROLE] };
}

/** The request that carries an admitted upgrade to the room. Nothing else of the client's request is passed on. */
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

/** The response that hands the client's end of a socket over. */
export function upgradeResponse(webSocket: WebSocket, subprotocol: Subprotocol): Response {
  const headers = subprotocol === null ? undefined : { [SUBPROTOCOL_HEADER]: subprotocol };
  return new Response(null, { status: 101, webSocket, ...(headers && { headers }) });
}

/** Whether a request asks for a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}
