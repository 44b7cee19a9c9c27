import { RoomfulError } from "../../shared/errors.ts";
import { BEARER_PROTOCOL } from "../../shared/tokens.ts";
import { offersOf } from "./subprotocol.ts";

/**
 * The token that a request brings: as subprotocol `roomful.bearer.<token>`, as `Authorization: Bearer <token>` or as
 * `?token=<token>`.
 * @returns `null` when there is none
 * @throws RoomfulError `token-invalid` when there are different ones: which counts is not for the reader to guess
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
