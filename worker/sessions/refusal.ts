import { ERRORS, type ErrorCode, isFinalClose, RoomfulError } from "../../shared/errors.ts";
import type { MessageToRoom } from "../../shared/messages-to-room.ts";

/** The message that a refusal is about: a text message, or the binary frame that a client can't do without an answer to. */
export type RefusedMessage = MessageToRoom["type"] | "sync-step-1";

/** Why a message could not be used, with its type, so that its sender knows which one it was. */
export class MessageRefusal extends RoomfulError {
  readonly about: RefusedMessage;

  constructor(about: RefusedMessage, { code, detail, cause }: RoomfulError) {
    super(code, detail, { cause });
    this.about = about;
  }

  /** Names the message in a refusal of it; a caught value that is no refusal stays what it is. */
  static about(type: RefusedMessage, caught: unknown): unknown {
    return caught instanceof RoomfulError ? new MessageRefusal(type, caught) : caught;
  }
}

/** The consequence of a refusal for the connection that caused it. */
export type Consequence =
  /** It is told, and stays. */
  | "tell"
  /** It is told, and closed when it goes on. */
  | "strike"
  /** It is told in the words of y-protocols, and stays. */
  | "deny"
  /** It is closed. */
  | "close";

/** Rejections that are the frame's own fault: no honest client repeats them. */
const UNUSABLE: ReadonlySet<ErrorCode> = new Set([
  "malformed-frame",
  "invalid-update",
  "update-too-costly",
  "frame-too-large",
]);

/** Rejections of edits that an honest stock client goes on sending: it knows nothing of rights. */
const DENIABLE: ReadonlySet<ErrorCode> = new Set(["forbidden", "room-damaged"]);

/** A stock client understands no text: a close code is all that it can be told, but for what y-protocols has words for. */
export function consequenceOf(
  code: ErrorCode,
  { isStock, isSync }: { readonly isStock: boolean; readonly isSync: boolean },
): Consequence {
  if (isSync) {
    if (isStock) return DENIABLE.has(code) ? "deny" : "close";
    return UNUSABLE.has(code) ? "strike" : "tell";
  }
  // A code that says "try again later" closes either.
  return isStock || !isFinalClose(ERRORS[code].close) ? "close" : "strike";
}
