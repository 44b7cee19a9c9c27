import { RoomfulError } from "../../shared/errors.ts";
import { BEARER_PROTOCOL } from "../../shared/tokens.ts";
import { offersOf } from "./subprotocol.ts";

/**
 * Reads a request's token: from the subprotocol `roomful.bearer.<token>`, from `Authorization: Bearer <token>` or
 * from `?token=<token>`.
 * @returns `null` when there is none
 * @throws RoomfulError `token-invalid` when the request brings different tokens: which one counts would be a guess
 */
export function tokenOf(request: Request): string | null {
  const tokens = new Set<string>();
  for (const offer of offersOf(request)) {
    if (offer.startsWith(BEARER_PROTOCOL)) tokens.add(offer.slice(BEARER_PROTOCOL.length));
  }
  const authorization = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "");
  if (authorization?.[1] !== undefined) tokens.add(authorization[1]);
  for (const token of new URL(request.url).searchParams.getAll("token")) tokens.add(token);
  if (tokens.size > 1) throw new RoomfulError("token-invalid", "different tokens in one request");
  const [token] = tokens;
  return token ?? null;
}
