import { importPKCS8, SignJWT } from "jose";
import { RoomfulError } from "../shared/errors.ts";
import type { Capability, Placement, Role } from "../shared/rooms.ts";
import { readClaims, type TokenAlgorithm, weaknessOf } from "../shared/tokens.ts";

/** Seconds for which a token is valid unless its maker says otherwise. */
const DEFAULT_SECONDS = 3_600;

/** What to sign with: the deployment's `TOKEN_SECRET`, or the private key that belongs to what it checks tokens with. */
export type SigningKey =
  | { readonly secret: string }
  | {
      /** PKCS #8 in PEM: it begins with `BEGIN PRIVATE KEY`. */
      readonly privateKey: string;
      /** The deployment's `TOKEN_ALGORITHM`. */
      readonly algorithm: Exclude<TokenAlgorithm, "HS256">;
      /** The `kid` by which a key set names the key. */
      readonly keyId?: string;
    };

/** Whom a token admits, where, and to what. */
export type TokenContents = {
  /** A room's name, or the start of names and `*`: `notes/*` is every room below `notes/`. */
  readonly room: string;
  /** Who it is: a stable id. Two connections of one subject are one person. */
  readonly subject?: string;
  /** What others may call them. */
  readonly name?: string;
  /** Seconds from now, above 0. Default: an hour. */
  readonly expiresIn?: number;
  /** The deployment's `TOKEN_ISSUER`. */
  readonly issuer?: string;
  /** The deployment's `TOKEN_AUDIENCE`. */
  readonly audience?: string;
} & Placement &
  (
    | { readonly role: Role; readonly capabilities?: never }
    | { readonly capabilities: readonly Capability[]; readonly role?: never }
  );

/**
 * Makes a token that admits to rooms. For backends: whoever has the key can enter every room.
 *
 * ```ts
 * const token = await mintToken({ secret: env.TOKEN_SECRET }, { room: "notes/today", role: "editor", subject: user.id });
 * ```
 * @throws RoomfulError `invalid-argument`, naming what is wrong and repeating no key
 */
export async function mintToken(key: SigningKey, contents: TokenContents): Promise<string> {
  const { subject, name, room, role, capabilities, expiresIn = DEFAULT_SECONDS, issuer, audience } = contents;
  const { jurisdiction, locationHint } = contents;
  if (!(Number.isFinite(expiresIn) && expiresIn > 0)) throw refused("expiresIn is a number of seconds above 0");
  const now = Math.floor(Date.now() / 1000);
  const claims = definedOf({
    sub: subject,
    name,
    room,
    role,
    capabilities,
    iat: now,
    exp: now + Math.ceil(expiresIn),
    iss: issuer,
    aud: audience,
    jurisdiction,
    locationHint,
  });
  try {
    readClaims(claims);
  } catch (caught) {
    throw refused(caught instanceof RoomfulError ? (caught.detail ?? "claims") : "claims");
  }
  const { algorithm, signWith, keyId } = await prepare(key);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(keyId && { kid: keyId }) })
    .sign(signWith);
}

async function prepare(key: SigningKey) {
  if ("secret" in key) {
    const weakness = weaknessOf(key.secret);
    if (weakness !== null) throw refused(`the secret is ${weakness}`);
    return { algorithm: "HS256", signWith: new TextEncoder().encode(key.secret), keyId: undefined };
  }
  const { privateKey, algorithm, keyId } = key;
  const signWith = await importPKCS8(privateKey.trim(), algorithm).catch(() => {
    throw refused(`the private key is none for ${algorithm} in PEM of PKCS #8`);
  });
  return { algorithm, signWith, keyId };
}

function definedOf(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

function refused(detail: string): RoomfulError {
  return new RoomfulError("invalid-argument", detail);
}
