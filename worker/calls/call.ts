import type { Media } from "../../shared/calls.ts";
import { RoomfulError } from "../../shared/errors.ts";
import { RESUME_MS } from "../../shared/limits.ts";
import { FOUND_DEAD_CLOSE } from "../../shared/messages.ts";
import type { Capability, Grant, Participant, PeerId } from "../../shared/rooms.ts";
import { hashOfSecret } from "../access/resume-secret.ts";
import type { Identity, Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Deadlines } from "../storage/deadlines.ts";
import type { DeadlineRow } from "../storage/rows.ts";

/** What the row of a member holds, in JSON. Written when it joins, so that its place also outlives a crash. */
interface Place {
  readonly secretHash: string;
  /** As it was when the row was written. */
  readonly participant: Participant;
}

/** What somebody who comes back was. */
export interface FormerPeer {
  readonly identity: Pick<Identity, "peer" | "connectedAt" | "media">;
  /** Its socket, which nobody knew to be dead. */
  readonly session: Session | null;
}

interface CallOptions {
  readonly maxMembers: number;
  /** Told when something changed of what others may know of a peer, which has a session or not. */
  readonly changed: (peer: PeerId) => void;
}

/**
 * Who is in the room's call. A member is a session with media, or a place that is kept for somebody whose socket was
 * lost: the row of each member is a deadline that starts to run then.
 */
export class Call {
  readonly #sessions: Sessions;
  readonly #deadlines: Deadlines;
  readonly #options: CallOptions;

  constructor(sessions: Sessions, deadlines: Deadlines, options: CallOptions) {
    this.#sessions = sessions;
    this.#deadlines = deadlines;
    this.#options = options;
  }

  get maxMembers(): number {
    return this.#options.maxMembers;
  }

  /** Everybody in the call, those who are reconnecting included. @throws RoomfulError `storage-failed` */
  get members(): PeerId[] {
    const connected = [...this.#sessions].filter(({ state }) => state.media !== null).map(({ state }) => state.peer);
    return [...connected, ...this.absent.map(({ peer }) => peer)];
  }

  /** Those in the call who are reconnecting, as others may know them. @throws RoomfulError `storage-failed` */
  get absent(): Participant[] {
    return this.#places.filter(({ row }) => row.at !== null).map(({ place }) => place.participant);
  }

  /** @throws RoomfulError `call-full`, `room-too-new`, `storage-failed` */
  join(session: Session, media: Media): void {
    if (session.state.media !== null) return;
    this.demandRoom();
    this.#deadlines.change({ set: [rowOfSession(session, media, null)] });
    session.state.media = media;
    this.#changed(session);
  }

  /** @throws RoomfulError `call-full`, `storage-failed` */
  demandRoom(): void {
    if (this.members.length >= this.#options.maxMembers) throw new RoomfulError("call-full");
  }

  /** @throws RoomfulError `not-in-call` */
  setMedia(session: Session, media: Media): void {
    if (session.state.media === null) throw new RoomfulError("not-in-call");
    session.state.media = media;
    this.#changed(session);
  }

  leave(session: Session): void {
    if (session.state.media === null) return;
    session.state.media = null;
    this.#deadlines.change({ remove: [session.state.rowId] });
    this.#changed(session);
  }

  /**
   * To be called when a session closed and is no longer among the sessions.
   * @returns whether it is still there for the others, since its place in the call is kept
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  closed(session: Session, closeCode: number): boolean {
    const { media, rowId } = session.state;
    if (media === null) return false;
    if (!comesBack(closeCode) || !session.may("call")) {
      this.#deadlines.change({ remove: [rowId] });
      return false;
    }
    this.#deadlines.change({ set: [rowOfSession(session, media, this.#deadlines.now() + RESUME_MS)] });
    this.#options.changed(session.state.peer);
    return true;
  }

  /**
   * Who somebody was who comes with a secret, if it was in the call and of the same subject. The place in the call and
   * its row go over to the heir, and the secret is void.
   * @param capabilities what the heir may do here
   * @param heir who it is otherwise
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  resume(secret: string, grant: Grant, capabilities: readonly Capability[], heir: Identity): FormerPeer | null {
    const secretHash = hashOfSecret(secret);
    const found = this.#places.find(({ place }) => place.secretHash === secretHash);
    if (found === undefined || found.place.participant.subject !== grant.subject) return null;
    if (!capabilities.includes("call")) return null;
    const session = this.#sessionOf(found.row.id);
    const participant = session?.participant() ?? found.place.participant;
    const { call } = participant;
    if (call === undefined) return null;
    this.#deadlines.change({
      remove: [found.row.id],
      set: [rowOf(heir, participant, call.media, null)],
    });
    const { peer, connectedAt } = participant;
    return { identity: { peer, connectedAt, media: call.media }, session };
  }

  /**
   * Takes their places from those who do not come back in time, or not at all.
   * @param which beside those whose time is over
   * @returns who it was
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  release(which: (participant: Participant) => boolean = () => false): PeerId[] {
    const gone = this.#rows.filter(
      ({ row, place }) => row.at !== null && (this.#deadlines.isDue(row) || which(place.participant)),
    );
    this.#deadlines.change({ remove: gone.map(({ row }) => row.id) });
    return gone.map(({ place }) => place.participant.peer);
  }

  #changed(session: Session): void {
    this.#sessions.changed(session);
    this.#options.changed(session.state.peer);
  }

  /** Of all whose time is not over. */
  get #places(): { row: DeadlineRow; place: Place }[] {
    return this.#rows.filter(({ row }) => !this.#deadlines.isDue(row));
  }

  get #rows(): { row: DeadlineRow; place: Place }[] {
    this.#startOrphans();
    return this.#deadlines.of("call").map((row) => ({ row, place: JSON.parse(row.json) as Place }));
  }

  /** Starts the time of those whose socket went with a former object, which could not tell. */
  #startOrphans(): void {
    const orphans = this.#deadlines.of("call").filter(({ id, at }) => at === null && this.#sessionOf(id) === null);
    if (orphans.length === 0) return;
    const at = this.#deadlines.now() + RESUME_MS;
    this.#deadlines.change({ set: orphans.map((row) => ({ ...row, at })) });
  }

  #sessionOf(rowId: number): Session | null {
    for (const session of this.#sessions) if (session.state.rowId === rowId) return session;
    return null;
  }
}

/**
 * Whether a close says that the socket was lost, or that the client is to come again: no close frame came (1006), the
 * client found the socket dead, or the room sent it away for a while.
 */
function comesBack(closeCode: number): boolean {
  return [1006, 1011, 1012, FOUND_DEAD_CLOSE].includes(closeCode) || (closeCode >= 4500 && closeCode <= 4599);
}

function rowOfSession(session: Session, media: Media, at: number | null): DeadlineRow {
  return rowOf(session.state, session.participant(), media, at);
}

function rowOf(
  { rowId, secretHash }: Pick<Identity, "rowId" | "secretHash">,
  participant: Participant,
  media: Media,
  at: number | null,
): DeadlineRow {
  // Its presence goes with its socket.
  const { clientId: _, ...known } = participant;
  const place: Place = { secretHash, participant: { ...known, call: { media, state: "reconnecting" } } };
  return { id: rowId, at, kind: "call", json: JSON.stringify(place) };
}
