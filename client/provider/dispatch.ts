import { decodeFrame } from "../../shared/frames.ts";
import type { Problem } from "../base/problem.ts";
import type { DocumentSync } from "../document/document-sync.ts";
import type { DocumentMessage } from "../room/document-link.ts";
import type { Presence } from "./presence.ts";

interface DispatchOptions {
  readonly sync: DocumentSync;
  readonly presence: Presence;
  readonly problem: (problem: Problem) => void;
}

/** Hands each frame and message of the room about a document to the part that it concerns. */
export class DocumentDispatch {
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** @throws RoomfulError `malformed-frame` */
  applyFrame(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    const { sync, presence, problem } = this.#options;
    switch (frame.type) {
      case "sync-step-1":
      case "sync-step-2":
      case "update":
        sync.receive(frame);
        return;
      case "awareness":
        presence.receive(frame.entries);
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

  applyMessage(message: DocumentMessage): void {
    const { sync, presence } = this.#options;
    switch (message.type) {
      case "welcome":
        sync.welcomed(message);
        presence.welcomed(message.limits.presenceBytes);
        presence.renew(message.renewPresence);
        return;
      case "saved":
        sync.saved(message.frame);
        return;
      case "rejected":
        sync.rejected(message.frame, message);
        return;
      case "error":
        if (message.code === "room-damaged" || message.code === "room-too-new") sync.roomIsReadOnly();
        return;
      case "presence-renewal":
        presence.renew(message.active);
        return;
      case "grant":
        sync.rightsChanged(message.capabilities);
        return;
      default:
        message satisfies never;
    }
  }
}
