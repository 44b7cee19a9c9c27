import * as v from "valibot";
import { RoomfulError } from "../../shared/errors.ts";
import { LARGEST_FRAME_BYTES } from "../../shared/limits.ts";
import { JURISDICTIONS, LOCATION_HINTS, ROLES, type Role } from "../../shared/rooms.ts";
import { TOKEN_ALGORITHMS, weaknessOf } from "../../shared/tokens.ts";
import { LOG_LEVELS } from "../runtime/logging.ts";
import { iceFaults, isIceServerList, isTurnUrlList } from "./ice-settings.ts";
import { jsonList, key, oneOf, rate, type Setting, text, wholeNumber, yesOrNo } from "./kinds.ts";
import { isKeySetUrl, keyFaults } from "./token-key.ts";

/** Whether a text is `auto`, `*`, or origins as browsers write them, between commas. */
function isOriginList(value: string): boolean {
  if (value === "auto" || value === "*") return true;
  return value.split(",").every((part) => {
    const origin = part.trim();
    if (!/^[a-z][a-z\d+.-]*:\/\/[^\s/*?#]+$/.test(origin) || !URL.canParse(origin)) return false;
    // A URL parser gives an app's own scheme the origin "null": only those of http and https can be compared.
    return !/^https?:/.test(origin) || new URL(origin).origin === origin;
  });
}

/** Every setting of a deployment. `docs/settings.md` is written from this table. */
export const SETTINGS = {
  AUTH: oneOf(
    ["token", "open"],
    "token",
    "Who is admitted. `token`: holders of a token; nobody while no key is set, which is the safe state of a deployment that nobody configured. `open`: everybody, as `npm start` sets it.",
  ),
  OPEN_ROLE: oneOf(
    Object.keys(ROLES) as Role[],
    "editor",
    "Rights of everybody when AUTH is `open`. `viewer` makes a public, read-only deployment.",
  ),
  ALLOWED_ORIGINS: {
    default: "auto",
    unit: "origins",
    range: "auto, *, or origins such as https://app.example.com, between commas",
    why: "Origins whose pages may connect and call. A request without an origin comes from no page and is not checked. `auto`: every origin when AUTH is `token`, since no browser sends a token by itself; the same host when AUTH is `open`, or both on this machine.",
    schema: v.pipe(v.string(), v.check(isOriginList)),
  },
  TOKEN_ALGORITHM: oneOf(
    TOKEN_ALGORITHMS,
    "HS256",
    "The algorithm that signs tokens. A token of another one is refused. HS256 goes with TOKEN_SECRET, the others with TOKEN_PUBLIC_KEY or TOKEN_JWKS_URL.",
  ),
  TOKEN_SECRET: key(
    "32 bytes or more, 8 different characters or more",
    (secret) => weaknessOf(secret) === null,
    "The key that signs tokens, used as it is written. A secret: `npx wrangler secret put TOKEN_SECRET`. Exactly one of the three keys is set.",
  ),
  TOKEN_PUBLIC_KEY: key(
    "PEM that begins with BEGIN PUBLIC KEY",
    (pem) => /^-----BEGIN PUBLIC KEY-----\n[\w+/=\s]+\n-----END PUBLIC KEY-----$/.test(pem),
    "The key that verifies tokens, when an app signs them with its private key.",
  ),
  TOKEN_JWKS_URL: text(
    "URL",
    "https, or http on this machine",
    isKeySetUrl,
    "URL of an identity provider's keys, fetched when first needed, every 10 minutes, and once per 30 s for an unknown key. Needs TOKEN_ISSUER and TOKEN_AUDIENCE, since a provider signs for other apps too.",
  ),
  TOKEN_ISSUER: text("text", "any", () => true, "The claim `iss` that a token must have. Empty: any."),
  TOKEN_AUDIENCE: text("text", "any", () => true, "The claim `aud` that a token must have or hold. Empty: any."),
  JURISDICTION: oneOf(
    ["none", ...JURISDICTIONS],
    "none",
    "Where rooms are kept and run, unless a token says otherwise. The same name in another jurisdiction is another room: a change moves nothing.",
  ),
  LOCATION_HINT: oneOf(
    ["none", ...LOCATION_HINTS],
    "none",
    "Region in which a room is created, unless a token says otherwise; none: near its first client. Acts on new rooms only.",
  ),
  STRICT: yesOrNo(
    false,
    "Whether an edit is committed before it is broadcast, so that nothing anybody saw is ever lost. Costs a commit per window instead of one per COMMIT_MS.",
  ),
  COALESCE_MS: wholeNumber(
    "milliseconds",
    0,
    1_000,
    16,
    "The longest that updates are gathered into one frame, besides the time that sending takes; few updates for few people are gathered for less. The first update in a quiet room is never held. The default is one display frame: nobody sees more than one state in it.",
  ),
  PRESENCE_COALESCE_MS: wholeNumber(
    "milliseconds",
    0,
    1_000,
    33,
    "How long cursors and other presence are gathered into one frame. Pointers are shown 30 times a second; a frame less is one less for everybody in the room.",
  ),
  COMMIT_MS: wholeNumber(
    "milliseconds",
    0,
    10_000,
    250,
    "How long edits are gathered under load into one row. An edit that is not committed is not acknowledged, and its author sends it again after a crash.",
  ),
  SNAPSHOT_QUIET_MS: wholeNumber(
    "milliseconds",
    0,
    9_000,
    2_000,
    "How long a room is quiet before the log is folded into a snapshot. Below the 10 s after which an idle object hibernates.",
  ),
  MAX_FRAME_BYTES: wholeNumber(
    "bytes",
    1_024,
    LARGEST_FRAME_BYTES,
    8 * 1024 * 1024,
    "Largest binary frame. A first sync may carry a whole document.",
  ),
  MAX_DOCUMENT_BYTES: wholeNumber(
    "bytes",
    1_024,
    LARGEST_FRAME_BYTES,
    6 * 1024 * 1024,
    "Largest encoded document. In memory it takes 11 to 12 times as much of an isolate's 128 MB; sending and saving take more. A full document still takes deletions.",
  ),
  MAX_PRESENCE_BYTES: wholeNumber(
    "bytes",
    64,
    1024 * 1024,
    65_536,
    "Largest presence state of one client, as JSON in UTF-8. Each is sent to everybody on each change.",
  ),
  DELETE_EMPTY_AFTER: wholeNumber(
    "seconds",
    0,
    315_360_000,
    0,
    "How long after the last client left a room is deleted with its contents; 0: never. A room's own settings can say otherwise.",
  ),
  MAX_CALL_MEMBERS: wholeNumber(
    "members",
    2,
    50,
    8,
    "Most members of a room's call. In a mesh each sends to every other: with 8, each uploads seven times.",
  ),
  ICE_SERVERS: jsonList(
    'a list such as [{"urls":"stun:stun.example.com:3478"}], of stun and stuns URLs, without credentials',
    isIceServerList,
    "STUN servers tell peers their public addresses. None unless set: a server's operator learns the address of everybody who calls. Relays need credentials, which are never fixed: see TURN_URLS and TURN_KEY_ID.",
  ),
  TURN_URLS: text(
    "URLs",
    "turn and turns URLs between commas, such as turn:turn.example.com:3478?transport=udp",
    isTurnUrlList,
    "Your own relays. They take time-limited credentials made with TURN_SECRET, as coturn does with `use-auth-secret`.",
  ),
  TURN_SECRET: key(
    "16 to 256 characters",
    (secret) => secret.length >= 16 && secret.length <= 256,
    "The key with which the relays of TURN_URLS verify credentials (coturn: `static-auth-secret`). A secret; browsers get credentials made with it.",
  ),
  TURN_TTL: wholeNumber(
    "seconds",
    60,
    172_800,
    14_400,
    "Lifetime of credentials for relays. Longer than most calls; clients in longer ones ask again. Cloudflare allows 48 hours.",
  ),
  TURN_KEY_ID: text(
    "text",
    "letters and digits, 16 to 64",
    (id) => /^[a-z\d]{16,64}$/i.test(id),
    "The id of a key of Cloudflare's TURN service, which mints credentials.",
  ),
  TURN_KEY_TOKEN: key(
    "16 to 256 characters without spaces",
    (token) => /^[\x21-\x7e]{16,256}$/.test(token),
    "The API token of TURN_KEY_ID. A secret; browsers get credentials minted with it.",
  ),
  MAX_PARTICIPANTS: wholeNumber(
    "connections",
    1,
    10_000,
    1_000,
    "Connections of one room. A broadcast frame costs about 12 microseconds for each: with 1,000 it takes 12 ms on a quick machine, and twenty frames a second are a quarter of the room's time.",
  ),
  MAX_PARTICIPANTS_PER_SUBJECT: wholeNumber(
    "connections",
    1,
    10_000,
    20,
    "Connections of one room whose tokens name the same subject: the tabs and devices of one person. Raise it if many people share a subject. Connections without a subject are not counted.",
  ),
  MAX_UNREAD_BYTES: wholeNumber(
    "bytes",
    1024 * 1024,
    256 * 1024 * 1024,
    16 * 1024 * 1024,
    "Bytes sent to a client that it has not proved to have read. Above them the client is closed with `slow-reader`, since they wait in memory. Never below twice MAX_DOCUMENT_BYTES, nor below all that a newcomer is sent: the document, presence, participants.",
  ),
  EDIT_RATE: rate(
    150,
    "For edits: items, deletions, searches for their places, bytes and their broadcast. Each rate allows a burst of 25 seconds: here 270,000 keystrokes, or a step 2 of 8 MB.",
  ),
  JOIN_RATE: rate(
    100,
    "For answers to step 1, by the document's size: ten first syncs of 5 MB at once, then one in two seconds. An honest client needs one per connection.",
  ),
  PRESENCE_RATE: rate(
    60,
    "For awareness frames and queries, by bytes and number of receivers. A cursor at 30 Hz among 100 people takes 5; a stock client that echoes 500 of them takes 25.",
  ),
  MESSAGE_RATE: rate(
    50,
    "For text messages, by number of receivers: 35 a second to 100 people, 450 that go to nobody else, and 25 times as many at once.",
  ),
  REFUSAL_RATE: rate(
    20,
    "For refusals, with the reloads of the document that they caused: a refused update can cost the room far more than an accepted one.",
  ),
  LOG_LEVEL: oneOf(
    LOG_LEVELS,
    "info",
    "Lowest level that is logged. `info`: connections and snapshots; `warn`: refusals; `error`: failures.",
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type Settings = {
  readonly [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name] extends Setting<infer Value> ? Value : never;
};

/**
 * Reads the settings from a Worker's bindings. Bindings that are no settings are ignored.
 * @throws RoomfulError `misconfigured`, naming every setting that is out of its range
 */
export function readSettings(env: object): Settings {
  const given = env as Readonly<Record<string, unknown>>;
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const value = given[name];
    if (value === undefined) {
      values[name] = setting.default;
      continue;
    }
    const result = v.safeParse(setting.schema, value);
    if (result.success) values[name] = result.output;
    else {
      const given = setting.isSecret ? name : `${name} = ${JSON.stringify(value)}`;
      faults.push(`${given} must be ${setting.range} (${setting.unit})`);
    }
  }
  if (faults.length === 0) faults.push(...keyFaults(values as Settings), ...iceFaults(values as Settings));
  if (faults.length > 0) throw new RoomfulError("misconfigured", faults.join("; "));
  return values as Settings;
}
