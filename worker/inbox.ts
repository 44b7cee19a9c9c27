import { RoomfulError } from "../shared/errors.ts";
import { carriesEdits, decodeFrame, type Frame } from "../shared/frames.ts";
import { type MessageToRoom, parseMessageToRoom } from "../shared/messages.ts";
import { isPlainJson } from "./json.ts";
import { MessageRefusal } from "./message-refusal.ts";
import { demandHeld, type Moderator } from "./moderation.ts";
import type { Presence } from "./presence.ts";
import { publish } from "./publish.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Signaling } from "./signaling.ts";
import type { Sync } from "./sync.ts";

interface InboxOptions {
  readonly sessions: Sessions;
  readonly sync: Sync;
  readonly presence: Presence;
  readonly moderator: Moderator;
  readonly signaling: Signaling;
  readonly maxFrameBytes: number;
  /** Takes a fresh token. What comes of it is told later. */
  readonly renew: (session: Session, token: string) => void;
  /** Told of the bytes of each update. */
  readonly counted: (updateBytes: number) => void;
}

/** Takes what a client sends to where it belongs. Each kind is checked for its right before anything is done. */
export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** @throws RoomfulError when the message can't be used; it is the sender's alone to be told */
  receive(session: Session, message: ArrayBuffer | string): void {
    if (typeof message === "string") this.#receiveText(session, message);
    else this.#receiveBinary(session, new Uint8Array(message));
  }

  #receiveText(session: Session, text: string): void {
    if (session.isStock) throw new RoomfulError("text-not-accepted");
    const message = parseMessageToRoom(text);
    try {
      this.#receiveMessage(session, message);
    } catch (caught) {
      throw caught instanceof RoomfulError ? new MessageRefusal(message.type, caught) : caught;
    }
  }

  #receiveMessage(session: Session, message: MessageToRoom): void {
    const { sessions, moderator, signaling, renew } = this.#options;
    switch (message.type) {
      case "ping":
        // Only a ping in other words than the one that the runtime answers gets here.
        session.tell({ type: "pong" });
        return;
      case "auth":
        renew(session, message.token);
        return;
      case "event": {
        session.demand("publish");
        if (!isPlainJson(message.data)) throw new RoomfulError("malformed-message", "event: data");
        publish(sessions, message.data, { from: session, to: message.to });
        return;
      }
      case "moderate":
        session.demand("moderate");
        demandHeld(message.moderation, session.capabilities);
        moderator.moderate(message.moderation);
        return;
      case "settings":
        session.demand("moderate");
        moderator.change(message.settings);
        return;
      case "call-join":
      case "call-leave":
      case "media-state":
      case "offer":
      case "answer":
      case "ice-candidates":
      case "ice-servers":
        signaling.receive(session, message);
        return;
      default:
        message satisfies never;
    }
  }

  #receiveBinary(session: Session, bytes: Uint8Array): void {
    const { sessions, sync, presence, maxFrameBytes, counted } = this.#options;
    if (!session.state.wantsPresence && session.may("read")) {
      session.state.wantsPresence = true;
      sessions.changed(session);
      sync.requestSave();
      presence.sendAll(session);
    }
    let frame: Frame;
    try {
      if (bytes.length > maxFrameBytes) throw new RoomfulError("frame-too-large");
      frame = decodeFrame(bytes);
    } catch (caught) {
      if (!(caught instanceof RoomfulError && carriesEdits(bytes))) throw caught;
      sync.receiveUnusable(session, caught);
      return;
    }
    switch (frame.type) {
      case "sync-step-1":
        sync.answerStep1(session, frame.stateVector);
        return;
      case "sync-step-2":
      case "update":
        counted(frame.update.length);
        sync.receive(session, frame.update, frame.type === "sync-step-2");
        return;
      case "awareness":
        presence.receive(session, frame.entries);
        return;
      case "query-awareness":
        session.demand("read");
        presence.sendAll(session);
        return;
      case "auth":
        throw new RoomfulError("malformed-frame", "the room is not the one to be told about rights");
      default:
        frame satisfies never;
    }
  }
}
