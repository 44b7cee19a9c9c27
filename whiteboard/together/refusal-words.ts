/** Words for a room's refusals. */
import type { ErrorCode } from "../../client/index.ts";

export interface Words {
  /** Short, for the light. */
  readonly title: string;
  /** The refusal in words, with the way out. */
  readonly hint: string;
  /** Whether the same page, connecting anew, may get in. */
  readonly canRetry: boolean;
}

const ENDINGS: { readonly [Code in ErrorCode]?: Words } = {
  kicked: words(
    "Removed",
    "A moderator removed you from this board. If you were not asked to stay away, you may come back.",
  ),
  banned: words("Shut out", "A moderator shut you out of this board.", false),
  "room-locked": words(
    "Board locked",
    "A moderator locked this board, and nobody new gets in. Ask somebody on the board to unlock it.",
  ),
  // Not again: the copy in this page would bring back what somebody deleted.
  "room-deleted": words(
    "Board deleted",
    "This board was deleted for everybody. What you see is the copy on this page: export what you want to keep.",
    false,
  ),
  "token-expired": words(
    "Link expired",
    "The link that opened this board is no longer valid. Ask for a new one.",
    false,
  ),
  "token-not-yet-valid": words("Link not valid yet", "The link starts to work later, or this device’s clock is wrong."),
  "token-invalid": words("Link not valid", "The link does not open this board. Ask for a new one.", false),
  unauthorized: words("Link needed", "This board opens with a personal link only. Ask somebody for one.", false),
  "room-not-allowed": words(
    "Link for another board",
    "The link that you have opens other boards, not this one.",
    false,
  ),
  forbidden: words("Not allowed", "Your link does not let you look at this board.", false),
  "origin-not-allowed": words("Page not allowed", "This board may not be opened from this page’s address.", false),
  "tokens-not-configured": words(
    "Server not set up",
    "The server admits nobody until whoever runs it has set it up. Its log says what is missing.",
  ),
};

/** Why a room lets nobody in for a while. The page goes on trying. */
const WAITS: { readonly [Code in ErrorCode]?: Omit<Words, "canRetry"> } = {
  "rate-limited": {
    title: "Too much at once",
    hint: "More was sent than the room takes from one person. It goes on by itself in a moment, and nothing is lost.",
  },
  "room-full": {
    title: "Too many people",
    hint: "As many people are on this board as it takes. You get in as soon as somebody leaves.",
  },
  "too-many-connections": {
    title: "Open too often",
    hint: "You have this board open in too many windows. Close one of them.",
  },
  "keys-unavailable": {
    title: "Server busy",
    hint: "The server can’t check your link at this moment. It is tried again.",
  },
  "storage-failed": { title: "Server busy", hint: "The board can’t be read at this moment. It is tried again." },
};

/** The room closed for good. @param reason as its close frame says it, for what has no words here */
export function endingWords(code: ErrorCode | undefined, reason: string): Words {
  const known = code === undefined ? undefined : ENDINGS[code];
  return known ?? words("Closed by the room", reason === "" ? "The room closed this connection for good." : reason);
}

/** @returns `null` for what is no more than a lost connection */
export function waitWords(code: ErrorCode | undefined): Omit<Words, "canRetry"> | null {
  return (code === undefined ? undefined : WAITS[code]) ?? null;
}

/** Why a moderator's action was not carried out. */
const MODERATION: { readonly [Code in ErrorCode]?: string } = {
  forbidden: "You may not do that: the right to moderate, or a right that you wanted to give, is not yours.",
  "unknown-peer": "They have left already.",
  "too-many-rules":
    "Too many people are banned or have rights of their own in this room. Take some of that back first.",
  "invalid-argument": "The room did not understand that. A reload of this page may help.",
  "not-connected": "There is no connection to the room. Try again when it is back.",
};

/** @returns `null` for what is no answer to a moderator */
export function moderationWords(code: ErrorCode | undefined): string | null {
  return (code === undefined ? undefined : MODERATION[code]) ?? null;
}

function words(title: string, hint: string, canRetry = true): Words {
  return { title, hint, canRetry };
}
