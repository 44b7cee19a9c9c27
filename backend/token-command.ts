import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { RoomfulError } from "../shared/errors.ts";
import { CAPABILITIES, JURISDICTIONS, LOCATION_HINTS, ROLES, type Role } from "../shared/rooms.ts";
import { TOKEN_ALGORITHMS } from "../shared/tokens.ts";
import { mintToken, type SigningKey, type TokenContents } from "./token.ts";

export const TOKEN_HELP = `roomful token: makes a token that admits to rooms, and prints it

  --room NAME          a room, or the start of names and *, such as 'notes/*'
  --role ROLE          ${Object.keys(ROLES).join(", ")}
  --capability NAME    instead of a role, once for each: ${CAPABILITIES.join(", ")}
  --subject ID         who it is
  --name NAME          what others may call them
  --expires TIME       how long it is valid: 90s, 15m, 1h (the default), 30d
  --issuer TEXT        the deployment's TOKEN_ISSUER
  --audience TEXT      the deployment's TOKEN_AUDIENCE
  --jurisdiction NAME  ${JURISDICTIONS.join(", ")}
  --location-hint NAME ${LOCATION_HINTS.join(", ")}
  --key-file FILE      a private key in PEM of PKCS #8; without it, the variable TOKEN_SECRET is what signs
  --algorithm NAME     with --key-file: ${TOKEN_ALGORITHMS.filter((name) => name !== "HS256").join(", ")}
  --key-id ID          with --key-file: the kid by which a key set names the key
`;

const text = { type: "string" } as const;
const OPTIONS = {
  room: text,
  role: text,
  capability: { type: "string", multiple: true },
  subject: text,
  name: text,
  expires: text,
  issuer: text,
  audience: text,
  jurisdiction: text,
  "location-hint": text,
  "key-file": text,
  algorithm: text,
  "key-id": text,
} as const;

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/**
 * Makes the token that the arguments of `roomful token` describe.
 * @param env the process's variables
 * @throws RoomfulError `invalid-argument` in words for who wrote the arguments; no key is repeated
 */
export function makeToken(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const values = parse(args);
  if (values.room === undefined) throw wrong("--room is missing");
  if ((values.role === undefined) === (values.capability === undefined)) {
    throw wrong("either --role or --capability is needed");
  }
  const rights =
    values.role === undefined
      ? { capabilities: (values.capability ?? []).map((name) => oneOf("--capability", name, CAPABILITIES)) }
      : { role: oneOf("--role", values.role, Object.keys(ROLES) as Role[]) };
  const { subject, name, issuer, audience, jurisdiction, "location-hint": hint } = values;
  const contents: TokenContents = {
    ...rights,
    room: values.room,
    expiresIn: secondsOf(values.expires ?? "1h"),
    ...(subject !== undefined && { subject }),
    ...(name !== undefined && { name }),
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(jurisdiction !== undefined && { jurisdiction: oneOf("--jurisdiction", jurisdiction, JURISDICTIONS) }),
    ...(hint !== undefined && { locationHint: oneOf("--location-hint", hint, LOCATION_HINTS) }),
  };
  return mintToken(keyOf(values, env.TOKEN_SECRET), contents);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (caught) {
    throw wrong(caught instanceof Error ? (caught.message.split(". ")[0] ?? "") : "arguments");
  }
}

function keyOf(values: ReturnType<typeof parse>, secret: string | undefined): SigningKey {
  const { "key-file": file, algorithm, "key-id": keyId } = values;
  if (file === undefined) {
    if (algorithm !== undefined || keyId !== undefined) throw wrong("--algorithm and --key-id need --key-file");
    if (secret === undefined || secret === "") throw wrong("set the variable TOKEN_SECRET, or name a --key-file");
    return { secret };
  }
  if (algorithm === undefined) throw wrong("--key-file needs --algorithm");
  const known = oneOf("--algorithm", algorithm, TOKEN_ALGORITHMS);
  if (known === "HS256") throw wrong("HS256 signs with TOKEN_SECRET, not with a --key-file");
  return { privateKey: read(file), algorithm: known, ...(keyId !== undefined && { keyId }) };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw wrong(`--key-file ${file} can't be read`);
  }
}

function oneOf<Value extends string>(option: string, given: string, known: readonly Value[]): Value {
  const value = known.find((one) => one === given);
  if (value === undefined) throw wrong(`${option} is one of ${known.join(", ")}`);
  return value;
}

function secondsOf(time: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(time) ?? [];
  if (count === undefined || unit === undefined) throw wrong("--expires is a number and s, m, h or d, such as 15m");
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

function wrong(detail: string): RoomfulError {
  return new RoomfulError("invalid-argument", detail);
}
