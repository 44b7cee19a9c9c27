import { RoomfulError } from "../../shared/errors.ts";
import { ROOMFUL_PROTOCOL, STOCK_PROTOCOL } from "../../shared/messages.ts";

/** The subprotocols that the room speaks; `null` is a stock client that offered none. */
export type Subprotocol = typeof ROOMFUL_PROTOCOL | typeof STOCK_PROTOCOL | null;

export const SUBPROTOCOL_HEADER = "sec-websocket-protocol";

/** The subprotocols that an upgrade offers, tokens among them. */
export function offersOf(request: Request): string[] {
  const header = request.headers.get(SUBPROTOCOL_HEADER);
  return header === null ? [] : header.split(",").map((offer) => offer.trim());
}

/**
 * Selects the subprotocol of the answer: an offered one that the room speaks. A browser drops a connection whose offers
 * were all ignored, and an offer that carries a secret must not be repeated.
 * @throws RoomfulError `unsupported-subprotocol` when offers were made and none can be selected
 */
export function selectSubprotocol(request: Request): Subprotocol {
  const offers = offersOf(request);
  if (offers.length === 0) return null;
  for (const known of [ROOMFUL_PROTOCOL, STOCK_PROTOCOL] as const) {
    if (offers.includes(known)) return known;
  }
  throw new RoomfulError("unsupported-subprotocol");
}
