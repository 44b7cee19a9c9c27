import { RoomfulError } from "../shared/errors.ts";
import { decodeFrame, type Frame } from "../shared/frames.ts";
import { type MessageFromRoom, parseMessageFromRoom } from "../shared/messages.ts";
import type { DocumentSync } from "./document-sync.ts";
import type { Problem } from "./events.ts";
import type { Participants } from "./participants.ts";
import type { Presence } from "./presence.ts";

interface InboxOptions {
  readonly sync: DocumentSync;
  readonly presence: Presence;
  readonly participants: Participants;
  readonly granted: (grant: Extract<MessageFromRoom, { type: "grant" }>) => void;
  readonly event: (event: Extract<MessageFromRoom, { type: "event" }>) => void;
  /** Answers a probe of the room, which thereby knows that everything before it was read. */
  readonly probed: (nonce: number) => void;
  readonly welcomed: (welcome: Extract<MessageFromRoom, { type: "welcome" }>) => void;
  readonly problem: (problem: Problem) => void;
}

/** Takes what the room sends to where it belongs. */
export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** @param data of a WebSocket message */
  receive(data: unknown): void {
    try {
      if (typeof data === "string") this.#receiveMessage(parseMessageFromRoom(data));
      // Not asked for its class: the buffer may be of another realm, as in jsdom.
      else this.#receiveFrame(decodeFrame(new Uint8Array(data as ArrayBuffer)));
    } catch (caught) {
      // A newer room may say what this client does not know. Nothing else depends on it.
      if (!(caught instanceof RoomfulError)) throw caught;
      this.#options.problem({ source: "room", code: caught.code, message: caught.message });
    }
  }

  #receiveFrame(frame: Frame): void {
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

  #receiveMessage(message: MessageFromRoom): void {
    const { sync, presence, participants, probed, welcomed, granted, event, problem } = this.#options;
    switch (message.type) {
      case "welcome":
        sync.welcomed(message);
        presence.welcomed(message.limits.presenceBytes);
        presence.renew(message.renewPresence);
        welcomed(message);
        return;
      case "saved":
        sync.saved(message.frame);
        return;
      case "rejected":
        sync.rejected(message.frame, message);
        return;
      case "error":
        if (message.code === "room-damaged" || message.code === "room-too-new") sync.roomIsReadOnly();
        problem({ source: "room", code: message.code, message: message.message });
        return;
      case "presence-renewal":
        presence.renew(message.active);
        return;
      case "grant":
        sync.rightsChanged(message.capabilities);
        granted(message);
        return;
      case "event":
        event(message);
        return;
      case "participants":
        participants.receive(message);
        return;
      case "call-joined":
      case "offer":
      case "answer":
      case "ice-candidates":
      case "ice-servers":
        // Nobody asked for them: this client joins no calls yet.
        return;
      case "warning":
        problem({ source: "warning", code: message.code, message: message.message });
        return;
      case "probe":
        probed(message.nonce);
        return;
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }
}
