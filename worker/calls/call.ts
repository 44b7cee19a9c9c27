import type { Media } from "../../shared/calls.ts";
import { RoomfulError } from "../../shared/errors.ts";
import { FOUND_DEAD_CLOSE } from "../../shared/messages.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Places } from "./places.ts";

/** Announces what others may know of a peer. */
interface Announcer {
  markChanged(peer: PeerId): void;
  remove(peer: PeerId): void;
}

interface CallOptions {
  readonly sessions: Sessions;
  readonly places: Places;
  readonly participants: Announcer;
  readonly maxMembers: number;
}

/** The room's call. A member is a session with media, or a place that is kept for somebody whose socket was lost. */
export class Call {
  readonly maxMembers: number;
  readonly #sessions: Sessions;
  readonly #places: Places;
  readonly #participants: Announcer;

  constructor({ sessions, places, participants, maxMembers }: CallOptions) {
    this.maxMembers = maxMembers;
    this.#sessions = sessions;
    this.#places = places;
    this.#participants = participants;
  }

  /** Everybody in the call, those who are reconnecting included. @throws RoomfulError `storage-failed` */
  get members(): PeerId[] {
    const connected = [...this.#sessions].filter(({ state }) => state.media !== null).map(({ state }) => state.peer);
    return [...connected, ...this.#places.absent.map(({ peer }) => peer)];
  }

  /** Whether a peer's socket is lost and its place is kept. @throws RoomfulError `storage-failed` */
  isReconnecting(peer: PeerId): boolean {
    return this.#places.absent.some((absent) => absent.peer === peer);
  }

  /** @throws RoomfulError `call-full`, `storage-failed` */
  demandPlace(): void {
    if (this.members.length >= this.maxMembers) throw new RoomfulError("call-full");
  }

  /** @throws RoomfulError `call-full`, `room-too-new`, `storage-failed` */
  join(session: Session, media: Media): void {
    if (session.state.media !== null) return;
    this.demandPlace();
    this.#places.take(session, media);
    session.state.media = media;
    this.#announce(session);
  }

  /** @throws RoomfulError `not-in-call` */
  setMedia(session: Session, media: Media): void {
    if (session.state.media === null) throw new RoomfulError("not-in-call");
    session.state.media = media;
    this.#announce(session);
  }

  /** @throws RoomfulError `room-too-new`, `storage-failed` */
  leave(session: Session): void {
    if (session.state.media === null) return;
    session.state.media = null;
    this.#places.giveUp(session);
    this.#announce(session);
  }

  /**
   * Keeps the place of a session that closed and is no longer among the sessions, if it was in the call and may come back.
   * @returns whether it is still there for the others
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  keepPlace(session: Session, closeCode: number): boolean {
    const { media, peer } = session.state;
    if (media === null) return false;
    if (!comesBack(closeCode) || !session.may("call")) {
      this.#places.giveUp(session);
      return false;
    }
    this.#places.keep(session, media);
    this.#participants.markChanged(peer);
    return true;
  }

  /**
   * Takes the places from those who do not come back in time, or not at all, and tells the others.
   * @param which beside those whose time is over
   * @returns how many
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  releasePlaces(which: (participant: Participant) => boolean = () => false): number {
    const gone = this.#places.release(which);
    for (const peer of gone) this.#participants.remove(peer);
    return gone.length;
  }

  #announce(session: Session): void {
    session.markChanged();
    this.#participants.markChanged(session.state.peer);
  }
}

/**
 * Whether a close says that the socket was lost, or that the client is to come again: no close frame came (1006), the
 * client found the socket dead, or the room sent it away for a while.
 */
function comesBack(closeCode: number): boolean {
  return [1006, 1011, 1012, FOUND_DEAD_CLOSE].includes(closeCode) || (closeCode >= 4500 && closeCode <= 4599);
}
