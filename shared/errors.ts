import { CLOSE_REASON_BYTES } from "./limits.ts";

interface ErrorDefinition {
  /**
   * WebSocket close code. 4400 to 4499 are final: a stock `y-websocket` 3.x client stops. Everything else is retried.
   * @see https://github.com/yjs/y-websocket `shouldReconnect`
   */
  readonly close: number;
  /** HTTP status for the same refusal. */
  readonly http: number;
  /** What happened and what to do about it, for whoever reads a log or a console. */
  readonly text: string;
}

/** Everything that can be refused, in one place: a stable code, its close code, its HTTP status, its words. */
export const ERRORS = {
  "bad-room-name": {
    close: 4400,
    http: 400,
    text: "a room name is 1 to 200 bytes of UTF-8 without control characters, empty segments or bad escapes",
  },
  "malformed-frame": { close: 4400, http: 400, text: "the binary frame is not one whole y-protocols message" },
  "malformed-message": { close: 4400, http: 400, text: "the text message is not JSON of a known type" },
  "text-not-accepted": { close: 4400, http: 400, text: "text needs the subprotocol roomful.v1" },
  "unsupported-subprotocol": { close: 4400, http: 400, text: "offer the subprotocol roomful.v1, y-websocket or none" },
  unauthorized: { close: 4401, http: 401, text: "a token is needed; see docs/security.md for where it may ride" },
  "tokens-not-configured": {
    close: 4401,
    http: 401,
    text: "set TOKEN_SECRET, TOKEN_PUBLIC_KEY or TOKEN_JWKS_URL, or AUTH to open; until then nobody enters",
  },
  "token-invalid": { close: 4401, http: 401, text: "the token does not verify; get another one" },
  "token-expired": { close: 4401, http: 401, text: "the token expired; get a fresh one" },
  "token-not-yet-valid": { close: 4401, http: 401, text: "the token is not valid yet; check the clocks" },
  "room-not-allowed": { close: 4403, http: 403, text: "the token is for other rooms" },
  "origin-not-allowed": { close: 4403, http: 403, text: "no page of this origin may enter; see ALLOWED_ORIGINS" },
  forbidden: { close: 4403, http: 403, text: "this needs a right that the connection lacks" },
  kicked: { close: 4403, http: 403, text: "a moderator closed this connection" },
  banned: { close: 4403, http: 403, text: "a moderator shut this subject out of the room" },
  "not-found": { close: 4404, http: 404, text: "there is nothing at this path" },
  "unknown-peer": { close: 4404, http: 404, text: "nobody of that id is connected" },
  "missing-dependencies": {
    close: 4409,
    http: 409,
    text: "the update refers to content that the room lacks; send the whole state instead",
  },
  "not-in-call": { close: 4409, http: 409, text: "sender and addressee must be in the call" },
  "call-full": { close: 4409, http: 409, text: "the call is full" },
  "too-many-topics": { close: 4422, http: 422, text: "a signaling socket subscribes to a bounded number of topics" },
  "room-deleted": { close: 4410, http: 410, text: "the room and everything in it was deleted" },
  "frame-too-large": { close: 4413, http: 413, text: "the frame is above the room's frame limit" },
  "document-full": { close: 4413, http: 413, text: "the document is at its size limit; deletions are still taken" },
  "presence-too-large": { close: 4413, http: 413, text: "the presence state is above the room's presence limit" },
  "invalid-update": { close: 4422, http: 422, text: "the update is not a valid Yjs update" },
  "update-too-costly": {
    close: 4422,
    http: 422,
    text: "integrating the update takes more search steps than the room allows",
  },
  "invalid-presence": { close: 4422, http: 422, text: "a presence state is null or a JSON object of bounded depth" },
  "too-many-rules": {
    close: 4422,
    http: 422,
    text: "too many subjects have rules; take some back first",
  },
  "invalid-argument": { close: 4422, http: 422, text: "the argument has another shape than the method takes" },
  "room-locked": { close: 4423, http: 423, text: "a moderator locked the room: nobody new gets in" },
  "upgrade-required": { close: 4426, http: 426, text: "this path answers WebSocket upgrades only" },
  misconfigured: { close: 4500, http: 500, text: "a setting of this deployment is out of its range" },
  internal: { close: 4500, http: 500, text: "the room failed; try again" },
  "room-full": { close: 4503, http: 503, text: "the room is full; retry later" },
  "too-many-connections": {
    close: 4529,
    http: 429,
    text: "this subject has too many connections; close one, or retry later",
  },
  "rate-limited": { close: 4529, http: 429, text: "rate limit exceeded for this connection; retry later" },
  "slow-reader": { close: 4508, http: 408, text: "the client reads too slowly; connect again" },
  "session-expired": { close: 4501, http: 503, text: "the token expired; connect again with a fresh one" },
  "keys-unavailable": { close: 4503, http: 503, text: "the token keys could not be fetched; retry later" },
  "peer-reconnecting": {
    close: 4503,
    http: 503,
    text: "the peer is reconnecting; send again when it is back",
  },
  "turn-unavailable": { close: 4503, http: 503, text: "TURN credentials are unavailable; retry later" },
  "not-connected": { close: 4503, http: 503, text: "there is no connection to the room" },
  "storage-failed": { close: 4503, http: 503, text: "storage could not be read or written; retry later" },
  "room-damaged": {
    close: 4503,
    http: 503,
    text: "part of the stored document is damaged; the room is read-only until it is repaired",
  },
  "room-too-new": {
    close: 4503,
    http: 503,
    text: "a newer version of Roomful wrote this room; this one leaves it untouched",
  },
} as const satisfies Record<string, ErrorDefinition>;

/** A stable name of a refusal. Decisions read this, never a message. */
export type ErrorCode = keyof typeof ERRORS;

/** A refusal with a stable code. Its `message` starts with the code, which therefore survives an RPC boundary. */
export class RoomfulError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  /** @param detail what exactly was wrong, never content that a user wrote */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(describe(code, detail), options);
    this.name = "RoomfulError";
    this.code = code;
    this.detail = detail;
  }
}

/** `code: words (detail)`, the one form in which a refusal is written for people. */
export function describe(code: ErrorCode, detail?: string): string {
  return `${code}: ${ERRORS[code].text}${detail === undefined ? "" : ` (${detail})`}`;
}

/**
 * The code of a caught value, also of one that crossed an RPC boundary, where only the message is sure to survive.
 * @returns `undefined` for what is not one of ours
 */
export function errorCodeOf(caught: unknown): ErrorCode | undefined {
  if (!(caught instanceof Error)) return undefined;
  const code = /^(?:RoomfulError: )?([a-z-]+)(?::|$)/.exec(caught.message)?.[1] ?? "";
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
}

/**
 * The arguments of a WebSocket `close` for a refusal. The words are ASCII, so that bytes are characters.
 * @param detail in ASCII; left out when it does not fit
 */
export function closeArguments(code: ErrorCode, detail?: string): [code: number, reason: string] {
  const whole = describe(code, detail);
  const reason = whole.length <= CLOSE_REASON_BYTES ? whole : describe(code).slice(0, CLOSE_REASON_BYTES);
  return [ERRORS[code].close, reason];
}

/** Whether a close code ends a connection for good (4400 to 4499), as stock `y-websocket` 3.x clients understand it. */
export function isFinalClose(code: number): boolean {
  return code >= 4400 && code <= 4499;
}
