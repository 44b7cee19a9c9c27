import type { IceServers, Media } from "../../shared/calls.ts";
import { describe, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import type { CallRequest } from "../../shared/messages-to-room.ts";
import type { PeerId } from "../../shared/rooms.ts";
import type { Refusals } from "../metering/refusals.ts";
import type { Turns } from "../runtime/turns.ts";
import { MessageRefusal } from "../sessions/refusal.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Call } from "./call.ts";
import type { IceServerSource } from "./ice-servers.ts";

/** Messages from one peer in the call to one other. */
type AddressedMessage = Extract<CallRequest, { to: PeerId }>;

interface SignalingOptions {
  readonly sessions: Sessions;
  readonly call: Call;
  readonly iceServers: IceServerSource;
  readonly refusals: Refusals;
  readonly turns: Turns;
}

/**
 * Introduces peers of the call to each other. What goes between two of them is passed on to one addressee, with the
 * sender's true name; nothing of it is kept, logged or looked into, and no document is loaded for it.
 */
export class Signaling {
  readonly #options: SignalingOptions;
  /** Sessions that wait for ICE servers before they are in, with the newest that they said of their media. */
  readonly #joining = new Map<Session, Media>();

  constructor(options: SignalingOptions) {
    this.#options = options;
  }

  /** @throws RoomfulError `forbidden`, `room-too-new`, `storage-failed` */
  handle(session: Session, message: CallRequest): void {
    if (message.type !== "call-leave") session.demand("call");
    switch (message.type) {
      case "call-join":
        this.#attempt(session, message.type, () => this.#join(session, message.media));
        return;
      case "call-leave":
        this.leave(session);
        return;
      case "media-state":
        if (this.#joining.has(session)) this.#joining.set(session, message.media);
        else this.#attempt(session, message.type, () => this.#options.call.setMedia(session, message.media));
        return;
      case "offer":
      case "answer":
      case "ice-candidates":
        this.#relay(session, message);
        return;
      case "ice-servers":
        void this.#tellIceServers(session);
        return;
      default:
        message satisfies never;
    }
  }

  /** Takes a session out of the call, if it is in it or about to be. @throws RoomfulError `storage-failed` */
  leave(session: Session): void {
    this.#joining.delete(session);
    this.#options.call.leave(session);
  }

  #join(session: Session, media: Media): void {
    const { call } = this.#options;
    if (this.#joining.has(session)) return;
    if (session.state.media === null) call.demandPlace();
    this.#joining.set(session, media);
    void this.#enter(session);
  }

  /** A member has been answered: so nobody makes it an offer before it has its ICE servers. */
  async #enter(session: Session): Promise<void> {
    const { iceServers, turns } = this.#options;
    const servers = await iceServers.servers(session.state.grant.subject);
    turns.run(() => this.#enterWith(session, servers));
  }

  #enterWith(session: Session, servers: IceServers): void {
    const { call, refusals } = this.#options;
    const media = this.#joining.get(session);
    // It may have left meanwhile, or lost the right.
    if (media === undefined || !this.#joining.delete(session) || !session.isOpen || !session.may("call")) return;
    try {
      this.#attempt(session, "call-join", () => {
        call.join(session, media);
        const members = call.members.filter((peer) => peer !== session.state.peer);
        session.tell({ type: "call-joined", members, maxMembers: call.maxMembers, ...servers });
      });
    } catch (caught) {
      refusals.refuseMessage(session, MessageRefusal.about("call-join", caught));
    }
  }

  async #tellIceServers(session: Session): Promise<void> {
    const { iceServers, turns } = this.#options;
    const servers = await iceServers.servers(session.state.grant.subject);
    turns.run(() => session.tell({ type: "ice-servers", ...servers }));
  }

  #relay(session: Session, message: AddressedMessage): void {
    const { type, to } = message;
    const addressee = this.#addressee(session, to);
    if (typeof addressee === "string") this.#answer(session, addressee, type, to);
    else {
      const { to: _, ...content } = message;
      addressee.tell({ ...content, from: session.state.peer });
    }
  }

  /** The session that a message is for, or why it can't be delivered. */
  #addressee(sender: Session, to: PeerId): Session | ErrorCode {
    if (sender.state.media === null) return "not-in-call";
    for (const session of this.#options.sessions) {
      if (session.state.peer === to) return session.state.media === null ? "not-in-call" : session;
    }
    return this.#options.call.isReconnecting(to) ? "peer-reconnecting" : "unknown-peer";
  }

  /** Answers what an honest client may meet: it counts for nothing against the sender. @throws RoomfulError all else */
  #attempt(session: Session, about: CallRequest["type"], work: () => void): void {
    try {
      work();
    } catch (caught) {
      const code = caught instanceof RoomfulError ? caught.code : null;
      if (code !== "call-full" && code !== "not-in-call") throw caught;
      this.#answer(session, code, about);
    }
  }

  #answer(session: Session, code: ErrorCode, about: CallRequest["type"], peer?: PeerId): void {
    this.#options.refusals.count(code);
    session.tell({ type: "error", code, message: describe(code), about, ...(peer !== undefined && { peer }) });
  }
}
