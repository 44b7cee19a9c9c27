/** Hands what the room sends about a document to the part of the provider that it concerns. */
import { decodeFrame } from "../../shared/frames.ts";
import type { Problem } from "../base/problem.ts";
import type { DocumentSync } from "../document/document-sync.ts";
import type { DocumentMessage } from "../room/document-link.ts";
import type { Presence } from "./presence.ts";

export interface DocumentParts {
  readonly sync: DocumentSync;
  readonly presence: Presence;
  readonly problem: (problem: Problem) => void;
}

/** @throws RoomfulError `malformed-frame` */
export function dispatchFrame(bytes: Uint8Array, { sync, presence, problem }: DocumentParts): void {
  const frame = decodeFrame(bytes);
  switch (frame.type) {
    case "sync-step-1":
    case "sync-step-2":
    case "update":
      sync.applyFrame(frame);
      return;
    case "awareness":
      presence.applyFromRoom(frame.entries);
      return;
    case "query-awareness":
      presence.answerRoom();
      return;
    case "auth":
      problem({ source: "room", code: "forbidden", message: frame.reason });
      return;
    default:
      frame satisfies never;
  }
}

export function dispatchMessage(message: DocumentMessage, { sync, presence }: DocumentParts): void {
  switch (message.type) {
    case "welcome":
      sync.setWelcome(message);
      presence.setLimit(message.limits.presenceBytes);
      presence.setRenewal(message.renewPresence);
      return;
    case "saved":
      sync.markSaved(message.frame);
      return;
    case "rejected":
      sync.markRejected(message.frame, message);
      return;
    case "error":
      if (message.code === "room-damaged" || message.code === "room-too-new") sync.markRoomReadOnly();
      else if (message.about === "sync-step-1") sync.markStep1Refused(message);
      return;
    case "presence-renewal":
      presence.setRenewal(message.active);
      return;
    case "grant":
      sync.setCapabilities(message.capabilities);
      return;
    default:
      message satisfies never;
  }
}
