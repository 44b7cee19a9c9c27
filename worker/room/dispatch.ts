import { RoomfulError } from "../../shared/errors.ts";
import { carriesEdits, decodeFrame, type Frame } from "../../shared/frames.ts";
import { type MessageToRoom, parseMessageToRoom } from "../../shared/messages-to-room.ts";
import type { Signaling } from "../calls/signaling.ts";
import { broadcastEvent } from "../events/broadcast-event.ts";
import type { Kind } from "../metering/budget.ts";
import type { Limiter } from "../metering/limiter.ts";
import {
  answerCost,
  eventCost,
  frameCost,
  messageCost,
  presenceCost,
  renewalCost,
  rowCost,
} from "../metering/prices.ts";
import type { Refusals } from "../metering/refusals.ts";
import { demandHeld, type Moderator } from "../people/moderation.ts";
import type { Presence } from "../people/presence.ts";
import { isPlainJson } from "../runtime/json.ts";
import { MessageRefusal, type RefusedMessage } from "../sessions/refusal.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Sync } from "../sync/sync.ts";
import type { Renewal } from "./renewal.ts";

interface DispatchOptions {
  readonly sessions: Sessions;
  readonly sync: Sync;
  readonly presence: Presence;
  readonly moderator: Moderator;
  readonly signaling: Signaling;
  readonly limiter: Limiter;
  readonly refusals: Refusals;
  readonly renewal: Renewal;
  readonly maxFrameBytes: number;
}

/** Takes what a client sends to where it belongs. Each kind is checked for its right before anything is done. */
export class Dispatch {
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** Takes a message. What is wrong with it is answered to its sender alone. */
  handle(session: Session, message: ArrayBuffer | string): void {
    if (session.isExpired) {
      session.end("session-expired");
      return;
    }
    try {
      this.#options.presence.proveAlive(session);
      this.#charge(session, message);
    } catch (caught) {
      this.#options.refusals.refuseMessage(session, caught);
    }
  }

  /**
   * Charges for a message, and takes it if its sender is still there then. Frames that carry edits are charged for with
   * their window, all at once.
   */
  #charge(session: Session, message: ArrayBuffer | string): void {
    const { limiter } = this.#options;
    if (typeof message === "string") {
      if (limiter.spend(session, "messages", messageCost(message.length))) this.#handleText(session, message);
      return;
    }
    const bytes = new Uint8Array(message);
    const kind = kindOf(bytes);
    const isPaid = kind === "edits" || limiter.spend(session, kind, frameCost(kind, bytes.length));
    if (isPaid) this.#handleBinary(session, bytes);
  }

  #handleText(session: Session, text: string): void {
    if (session.isStock) throw new RoomfulError("text-not-accepted");
    const message = parseMessageToRoom(text);
    about(message.type, () => this.#handleMessage(session, message, text.length));
  }

  #handleMessage(session: Session, message: MessageToRoom, characters: number): void {
    const { sessions, presence, moderator, signaling, limiter, renewal } = this.#options;
    switch (message.type) {
      case "ping":
        // Only a ping in other words than the one that the runtime answers gets here.
        session.tell({ type: "pong" });
        return;
      case "probed":
        session.acceptProbed(message.nonce);
        presence.catchUp(session);
        return;
      case "auth":
        if (!limiter.spend(session, "messages", renewalCost())) return;
        void renewal.renew(session, message.token);
        return;
      case "event": {
        session.demand("publish");
        if (!isPlainJson(message.data)) throw new RoomfulError("malformed-message", "event: data");
        const receivers = broadcastEvent(sessions, message.data, { from: session, to: message.to });
        limiter.spend(session, "messages", eventCost(characters, receivers));
        return;
      }
      case "moderate":
        session.demand("moderate");
        demandHeld(message.moderation, session.capabilities);
        if (!limiter.spend(session, "messages", rowCost(1))) return;
        moderator.moderate(message.moderation);
        return;
      case "settings":
        session.demand("moderate");
        if (!limiter.spend(session, "messages", rowCost(1))) return;
        moderator.change(message.settings);
        return;
      case "call-join":
      case "call-leave":
      case "media-state":
        // Everybody is told of it.
        if (!limiter.spend(session, "messages", eventCost(characters, sessions.size))) return;
        signaling.handle(session, message);
        return;
      case "offer":
      case "answer":
      case "ice-candidates":
      case "ice-servers":
        if (!limiter.spend(session, "messages", eventCost(characters, 1))) return;
        signaling.handle(session, message);
        return;
      default:
        message satisfies never;
    }
  }

  #handleBinary(session: Session, bytes: Uint8Array): void {
    const { sessions, sync, presence, limiter, maxFrameBytes } = this.#options;
    const sendPresence = () => limiter.spend(session, "presence", answerCost(presence.sendAll(session)));
    if (!session.state.wantsPresence && session.may("read")) {
      session.state.wantsPresence = true;
      session.markChanged();
      if (!sendPresence()) return;
    }
    let frame: Frame;
    try {
      if (bytes.length > maxFrameBytes) throw new RoomfulError("frame-too-large");
      frame = decodeFrame(bytes);
    } catch (caught) {
      if (!(caught instanceof RoomfulError && carriesEdits(bytes))) throw caught;
      sync.queueUnreadable(session, caught, bytes.length);
      return;
    }
    switch (frame.type) {
      case "sync-step-1":
        about(frame.type, () => sync.answerStep1(session, frame.stateVector));
        return;
      case "sync-step-2":
        session.acceptStep2();
        presence.catchUp(session);
        sync.queueUpdate(session, frame.update, true);
        return;
      case "update":
        sync.queueUpdate(session, frame.update, false);
        return;
      case "awareness": {
        const taken = presence.applyAwareness(session, frame.entries);
        limiter.spend(session, "presence", presenceCost(frame.entries.length, taken, sessions.size));
        return;
      }
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

/** Takes a message. @throws MessageRefusal that names the message's type */
function about(type: RefusedMessage, take: () => void): void {
  try {
    take();
  } catch (caught) {
    throw MessageRefusal.about(type, caught);
  }
}

const SYNC = 0;
const AWARENESS = 1;
const QUERY_AWARENESS = 3;
const STEP_1 = 0;

/** Picks the bucket from the first two bytes, so that malformed frames are charged too. */
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
