import { ENTRY_BYTES } from "../../shared/frames.ts";
import { DELETION_RESERVE, PARTICIPANT_CHARACTERS, ROOM_PRESENCE_BYTES } from "../../shared/limits.ts";
import type { Settings } from "../settings/settings.ts";

type Bounds = Pick<Settings, "MAX_UNREAD_BYTES" | "MAX_DOCUMENT_BYTES" | "MAX_PARTICIPANTS">;

/** Bytes that a newcomer is sent at most before it can have proved to read: the document, presence and participants. */
export function newcomerBytes({ MAX_DOCUMENT_BYTES, MAX_PARTICIPANTS }: Bounds): number {
  const presence = ROOM_PRESENCE_BYTES + ENTRY_BYTES * MAX_PARTICIPANTS;
  return Math.ceil(DELETION_RESERVE * MAX_DOCUMENT_BYTES) + presence + PARTICIPANT_CHARACTERS * MAX_PARTICIPANTS;
}

/** Bytes that may be sent to a client that does not prove to have read them. The room's own greeting never breaks it. */
export function unreadBound(settings: Bounds): number {
  return Math.max(settings.MAX_UNREAD_BYTES, 2 * settings.MAX_DOCUMENT_BYTES, newcomerBytes(settings));
}
