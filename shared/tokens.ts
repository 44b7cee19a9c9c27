/**
 * What a token says, in one place for who makes it and who reads it. How it is signed is in `backend/token.ts`, how it is
 * verified in `worker/access/token-verifier.ts`.
 */
import * as v from "valibot";
import { RoomfulError } from "./errors.ts";
import { CLOCK_TOLERANCE_SECONDS, SUBJECT_CHARACTERS, TOKEN_SECRET_BYTES, TOKEN_SECRET_VARIETY } from "./limits.ts";
import {
  CAPABILITIES,
  capabilitySet,
  type Grant,
  JURISDICTIONS,
  LOCATION_HINTS,
  type Placement,
  parseRoomName,
  ROLES,
  type Role,
  type RoomName,
  utf8Length,
} from "./rooms.ts";

/** The start of the subprotocol by which a token rides. */
export const BEARER_PROTOCOL = "roomful.bearer.";

/** How a token may be signed. The one that a deployment expects is pinned: a token's own word for it decides nothing. */
export const TOKEN_ALGORITHMS = ["HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA"] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** The last second of the year 9999. */
const LATEST_SECONDS = 253_402_300_799;

const seconds = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(LATEST_SECONDS));
const words = v.pipe(v.string(), v.minLength(1), v.maxLength(SUBJECT_CHARACTERS));

const CLAIMS = v.object({
  /** Who it is: a stable id of an account. */
  sub: v.optional(words),
  /** What others may call them. */
  name: v.optional(words),
  /** A room's name, or the start of names and `*`. */
  room: v.string(),
  role: v.optional(v.picklist(Object.keys(ROLES) as Role[])),
  capabilities: v.optional(v.pipe(v.array(v.picklist(CAPABILITIES)), v.minLength(1))),
  /** Seconds since 1970, as in every token. */
  exp: seconds,
  nbf: v.optional(seconds),
  iat: v.optional(seconds),
  jurisdiction: v.optional(v.picklist(JURISDICTIONS)),
  locationHint: v.optional(v.picklist(LOCATION_HINTS)),
});

/** The claims of a token that this engine reads. */
export type TokenClaims = v.InferOutput<typeof CLAIMS>;

/** What a token admits to. */
export interface TokenGrant {
  readonly grant: Grant;
  readonly placement: Placement;
}

/**
 * Checks the claims that tokens of this engine have. Others are left alone.
 *
 * A token without `role` and `capabilities` is refused, and not taken for a viewer's: a token that somebody issued for
 * another purpose must not open a room. With both it is not clear which counts.
 * @throws RoomfulError `token-invalid`, naming the claim
 */
export function readClaims(payload: unknown): TokenClaims {
  const result = v.safeParse(CLAIMS, payload);
  if (!result.success) {
    throw new RoomfulError("token-invalid", `claim ${v.getDotPath(result.issues[0]) ?? "set"}`);
  }
  const claims = result.output;
  if ((claims.role === undefined) === (claims.capabilities === undefined)) {
    throw new RoomfulError("token-invalid", "either claim role or claim capabilities");
  }
  parseRoomPattern(claims.room);
  return claims;
}

/**
 * What verified claims admit to in one room.
 * @param room decoded, so that no encoding makes it another one
 * @throws RoomfulError `room-not-allowed`
 */
export function grantOf(claims: TokenClaims, room: RoomName): TokenGrant {
  if (!matchesRoom(claims.room, room)) throw new RoomfulError("room-not-allowed");
  const { role, capabilities, sub, name, exp, jurisdiction, locationHint } = claims;
  return {
    grant: {
      capabilities: capabilitySet(role === undefined ? (capabilities ?? []) : ROLES[role]),
      ...(sub !== undefined && { subject: sub }),
      ...(name !== undefined && { name }),
      // Whoever is admitted within the tolerance must not be past its end at once.
      expiresAt: Math.floor((exp + CLOCK_TOLERANCE_SECONDS) * 1000),
    },
    placement: { ...(jurisdiction && { jurisdiction }), ...(locationHint && { locationHint }) },
  };
}

/**
 * Checks the claim `room`: a room's name; the start of names and `*`; or `*` alone for all rooms. A `*` elsewhere is
 * refused, since somebody would take it for a wildcard.
 * @throws RoomfulError `token-invalid`
 */
export function parseRoomPattern(pattern: string): void {
  if (pattern === "*") return;
  const stem = pattern.endsWith("*") ? pattern.slice(0, -1) : pattern;
  if (stem.includes("*")) throw new RoomfulError("token-invalid", "claim room: * only at its end");
  try {
    // `a/` is no name, but `a/*` is the start of names.
    parseRoomName(stem === pattern ? stem : stem.replace(/\/$/, ""));
  } catch (cause) {
    throw new RoomfulError("token-invalid", "claim room", { cause });
  }
}

/**
 * Whether a room is one of those that a pattern names. Characters are compared as they are: no case is folded, nothing is
 * decoded or normalized. `a/*` is every room below `a/` and not `a`; `a*` is also `ab`.
 */
export function matchesRoom(pattern: string, room: RoomName): boolean {
  return pattern.endsWith("*") ? room.startsWith(pattern.slice(0, -1)) : room === pattern;
}

/** Why a secret is too weak to sign with, or `null`. */
export function weaknessOf(secret: string): string | null {
  if (utf8Length(secret) < TOKEN_SECRET_BYTES) return `shorter than ${TOKEN_SECRET_BYTES} bytes`;
  if (new Set(secret).size < TOKEN_SECRET_VARIETY) return `fewer than ${TOKEN_SECRET_VARIETY} different characters`;
  return null;
}
