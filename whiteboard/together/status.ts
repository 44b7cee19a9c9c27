import type { ErrorCode, SavedState } from "../../client/index.ts";
import { endingWords, type Words, waitWords } from "./refusal-words.ts";

/** Why nothing can be edited. */
export type ReadOnlyReason = "no-right" | "room-damaged" | "newer-board";

/** The light's state. `unsaved` counts changes that are not on the room's disk. */
export type Status =
  | { readonly type: "connecting" }
  | { readonly type: "saved" }
  | { readonly type: "saving" }
  /** The connection is gone since moments, and comes back as a rule. */
  | { readonly type: "reconnecting"; readonly unsaved: number }
  /** `isKept`: whether a reload keeps what is unsaved. */
  | { readonly type: "offline"; readonly unsaved: number; readonly isKept: boolean }
  | { readonly type: "read-only"; readonly reason: ReadOnlyReason }
  | { readonly type: "room-full" }
  /** The room lets this page in later, as it goes on trying. */
  | { readonly type: "turned-away"; readonly code: ErrorCode }
  | { readonly type: "ended"; readonly ending: Ending };

/** How the room closed for good. */
export interface Ending {
  /** `undefined` for one that this version does not know. */
  readonly code: ErrorCode | undefined;
  readonly reason: string;
}

/** Facts that are known of a room. */
export interface Facts {
  readonly saved: SavedState;
  readonly isConnected: boolean;
  /** Whether there ever was a connection. */
  readonly wasConnected: boolean;
  /** Whether the device believes that it has a network, and the connection is gone since moments only. */
  readonly isBrief: boolean;
  readonly isKept: boolean;
  readonly readOnly: ReadOnlyReason | null;
  /** The room refused an edit since it is full, and has saved nothing since. */
  readonly isFull: boolean;
  /** Why the room did not let this page in when it last tried. */
  readonly turnedAway: ErrorCode | null;
  readonly ending: Ending | null;
}

export function statusOf(facts: Facts): Status {
  const { saved, isConnected, ending, readOnly, isFull } = facts;
  if (ending !== null) return { type: "ended", ending };
  if (!isConnected) return statusApart(facts);
  if (readOnly !== null) return { type: "read-only", reason: readOnly };
  if (isFull) return { type: "room-full" };
  return saved.state === "saved" ? { type: "saved" } : { type: "saving" };
}

function statusApart({ saved: { unsaved }, isBrief, wasConnected, isKept, turnedAway }: Facts): Status {
  if (turnedAway !== null) return { type: "turned-away", code: turnedAway };
  if (!isBrief) return { type: "offline", unsaved, isKept };
  return wasConnected || unsaved > 0 ? { type: "reconnecting", unsaved } : { type: "connecting" };
}

/** In words, for the light and for a screen reader. */
export function statusText(status: Status): string {
  switch (status.type) {
    case "connecting":
      return "Connecting…";
    case "saved":
      return "Saved";
    case "saving":
      return "Saving…";
    case "reconnecting":
      return "Reconnecting…";
    case "offline":
      return status.unsaved === 0 ? "Offline" : `Offline: ${changes(status.unsaved)} ${kept(status.isKept)}`;
    case "read-only":
      return "Read-only";
    case "room-full":
      return "Room full";
    case "turned-away":
      return waitWords(status.code)?.title ?? "Waiting…";
    case "ended":
      return wordsOf(status.ending).title;
    default:
      return status satisfies never;
  }
}

/** The status in words, with the way out. */
export function statusHint(status: Status): string {
  switch (status.type) {
    case "connecting":
      return "Looking for the room. You can draw meanwhile.";
    case "saved":
      return "Everything you drew is on the room's disk.";
    case "saving":
      return "The room has not confirmed your latest changes yet.";
    case "reconnecting":
      return status.unsaved === 0
        ? "The connection was lost."
        : `The connection was lost. ${changes(status.unsaved)} will be sent.`;
    case "offline":
      return status.isKept
        ? "Go on drawing: your changes survive a reload, and are sent when the room can be reached."
        : "Your browser keeps nothing: leave this page open until the room can be reached.";
    case "read-only":
      return READ_ONLY_HINTS[status.reason];
    case "room-full":
      return "The document is at its size limit. Delete something, such as an image, to make room.";
    case "turned-away":
      return waitWords(status.code)?.hint ?? "The room lets you in later. It is tried again.";
    case "ended":
      return wordsOf(status.ending).hint;
    default:
      return status satisfies never;
  }
}

/** Whether connecting anew, by hand, makes sense. */
export function canRetry(status: Status): boolean {
  return status.type === "ended" && wordsOf(status.ending).canRetry;
}

function wordsOf({ code, reason }: Ending): Words {
  return endingWords(code, reason);
}

const READ_ONLY_HINTS: Readonly<Record<ReadOnlyReason, string>> = {
  "no-right": "You may look at this board, but not change it.",
  "room-damaged": "Part of the stored board can't be read. It can't be changed until it is repaired.",
  "newer-board": "A newer version of this page made the board. Reload to get it.",
};

function changes(count: number): string {
  return count === 1 ? "1 change" : `${count.toLocaleString("en")} changes`;
}

function kept(isKept: boolean): string {
  return isKept ? "kept on this device" : "only in this tab";
}
