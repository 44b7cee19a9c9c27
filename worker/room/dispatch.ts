import { RoomfulError } from "../../shared/errors.ts";
import { carriesEdits, decodeFrame, type Frame } from "../../shared/frames.ts";
import { type MessageToRoom, parseMessageToRoom } from "../../shared/messages-to-room.ts";
import type { Signaling } from "../calls/signaling.ts";
import { publish } from "../events/broadcast-event.ts";
import type { Kind } from "../metering/budget.ts";
import type { Limiter } from "../metering/limiter.ts";
import * as price from "../metering/prices.ts";
import { demandHeld, type Moderator } from "../people/moderation.ts";
import type { Presence } from "../people/presence.ts";
import { isPlainJson } from "../runtime/json.ts";
import { MessageRefusal } from "../sessions/message-refusal.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { SlowReaders } from "../sessions/slow-readers.ts";
import type { Sync } from "../sync/sync.ts";

interface InboxOptions {
  readonly sessions: Sessions;
  readonly sync: Sync;
  readonly presence: Presence;
  readonly moderator: Moderator;
  readonly signaling: Signaling;
  readonly limiter: Limiter;
  readonly slowReaders: SlowReaders;
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

  /**
   * Charges for a message, and takes it if its sender is still there then. Frames that carry edits are charged for with
   * their window, all at once.
   * @throws RoomfulError when the message can't be used; it is the sender's alone to be told
   */
  receive(session: Session, message: ArrayBuffer | string): void {
    const { limiter } = this.#options;
    if (typeof message === "string") {
      if (limiter.spend(session, "messages", price.ofMessage(message.length))) this.#receiveText(session, message);
      return;
    }
    const bytes = new Uint8Array(message);
    const kind = kindOf(bytes);
    const isPaid = kind === "edits" || limiter.spend(session, kind, price.ofFrame(kind, bytes.length));
    if (isPaid) this.#receiveBinary(session, bytes);
  }

  #receiveText(session: Session, text: string): void {
    if (session.isStock) throw new RoomfulError("text-not-accepted");
    const message = parseMessageToRoom(text);
    try {
      this.#receiveMessage(session, message, text.length);
    } catch (caught) {
      throw caught instanceof RoomfulError ? new MessageRefusal(message.type, caught) : caught;
    }
  }

  #receiveMessage(session: Session, message: MessageToRoom, characters: number): void {
    const { sessions, moderator, signaling, limiter, slowReaders, renew } = this.#options;
    switch (message.type) {
      case "ping":
        // Only a ping in other words than the one that the runtime answers gets here.
        session.tell({ type: "pong" });
        return;
      case "probed":
        slowReaders.answered(session, message.nonce);
        return;
      case "auth":
        renew(session, message.token);
        return;
      case "event": {
        session.demand("publish");
        if (!isPlainJson(message.data)) throw new RoomfulError("malformed-message", "event: data");
        const receivers = publish(sessions, message.data, { from: session, to: message.to });
        limiter.spend(session, "messages", price.ofEvent(characters, receivers));
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
        // Everybody is told of it.
        if (!limiter.spend(session, "messages", price.ofEvent(characters, sessions.size))) return;
        signaling.receive(session, message);
        return;
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
    const { sessions, sync, presence, limiter, slowReaders, maxFrameBytes, counted } = this.#options;
    const sendPresence = () => limiter.spend(session, "presence", price.ofAnswer(presence.sendAll(session)));
    if (!session.state.wantsPresence && session.may("read")) {
      session.state.wantsPresence = true;
      sessions.changed(session);
      if (!sendPresence()) return;
    }
    let frame: Frame;
    try {
      if (bytes.length > maxFrameBytes) throw new RoomfulError("frame-too-large");
      frame = decodeFrame(bytes);
    } catch (caught) {
      if (!(caught instanceof RoomfulError && carriesEdits(bytes))) throw caught;
      sync.receiveUnusable(session, caught, bytes.length);
      return;
    }
    switch (frame.type) {
      case "sync-step-1":
        sync.answerStep1(session, frame.stateVector);
        return;
      case "sync-step-2":
      case "update":
        counted(frame.update.length);
        if (frame.type === "sync-step-2") slowReaders.answeredStep1(session);
        sync.receive(session, frame.update, frame.type === "sync-step-2");
        return;
      case "awareness":
        limiter.spend(session, "presence", price.ofPresence(presence.receive(session, frame.entries), sessions.size));
        return;
      case "query-awareness":
        session.demand("read");
        sendPresence();
        return;
      case "auth":
        throw new RoomfulError("malformed-frame", "the room is not the one to be told about rights");
      default:
        frame satisfies never;
    }
  }
}

const SYNC = 0;
const AWARENESS = 1;
const QUERY_AWARENESS = 3;
const STEP_1 = 0;

/** By its first bytes: what can't be read costs as well. */
function kindOf(bytes: Uint8Array): Kind {
  switch (bytes[0]) {
    case SYNC:
      return bytes[1] === STEP_1 ? "joins" : "edits";
    case AWARENESS:
    case QUERY_AWARENESS:
      return "presence";
    default:
      return "refusals";
  }
}
