import type { Media } from "../../shared/calls.ts";
import { RESUME_MS } from "../../shared/limits.ts";
import type { Capability, Grant, Participant, PeerId } from "../../shared/rooms.ts";
import { hashOfSecret } from "../access/resume-secret.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Log, logFailure } from "../runtime/logging.ts";
import type { Identity } from "../sessions/attachment.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { DeadlineChanges, Deadlines } from "../storage/deadlines.ts";
import type { DeadlineRow } from "../storage/rows.ts";

/**
 * Milliseconds for which the row of a member who left is kept. One who joins again meanwhile keeps it: whoever joins and leaves
 * over and over costs few rows. A crash in that time shows the member as reconnecting until its place is released.
 */
const LEAVING_MS = 1_000;

/** Content of the row of a place, in JSON. */
interface Place {
  readonly secretHash: string;
  /** As it was when the row was written. */
  readonly participant: Participant;
}

interface KeptPlace {
  readonly row: DeadlineRow;
  readonly place: Place;
}

/** The peer that somebody was who comes back. */
export interface FormerPeer {
  readonly identity: Pick<Identity, "peer" | "connectedAt" | "media">;
  /** Its session, when nobody knew its socket to be dead. */
  readonly session: Session | null;
}

/**
 * The places in the room's call. Each is a row, written when its holder joins, so that it also outlives a crash: a deadline
 * that starts to run when the holder's socket is lost, and until which it may come back.
 */
export class Places {
  readonly #sessions: Sessions;
  readonly #deadlines: Deadlines;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Ids of rows whose members left, to be deleted soon. */
  readonly #leaving = new Set<number>();
  #timer: number | undefined;

  constructor(sessions: Sessions, deadlines: Deadlines, log: Log, clock: Clock) {
    this.#sessions = sessions;
    this.#deadlines = deadlines;
    this.#log = log;
    this.#clock = clock;
  }

  /** Everybody whose place is kept while they have no session. @throws RoomfulError `storage-failed` */
  get absent(): Participant[] {
    return this.#running.filter(({ row }) => row.at !== null).map(({ place }) => place.participant);
  }

  /** The same, but nobody while it can't be read, which is logged. */
  get absentOrNone(): Participant[] {
    try {
      return this.absent;
    } catch (cause) {
      logFailure(this.#log, cause);
      return [];
    }
  }

  /** Gives a session a place. @throws RoomfulError `room-too-new`, `storage-failed` */
  take(session: Session, media: Media): void {
    if (!this.#leaving.delete(session.state.rowId)) this.#change({ set: [rowOfSession(session, media, null)] });
  }

  /** Takes the place from a session. */
  giveUp({ state }: Session): void {
    this.#leaving.add(state.rowId);
    this.#timer ??= this.#clock.setTimeout(() => this.#deleteLeft(), LEAVING_MS);
  }

  /** Keeps the place of a session that closed, for so long. @throws RoomfulError `room-too-new`, `storage-failed` */
  keep(session: Session, media: Media): void {
    this.#change({ set: [rowOfSession(session, media, this.#deadlines.now() + RESUME_MS)] });
  }

  /**
   * Finds out who it was that comes with a secret, if it has a place and is of the same subject. The place goes over to the heir,
   * and the secret is void.
   * @param capabilities what the heir may do here
   * @param heir who it is otherwise
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  resume(secret: string, grant: Grant, capabilities: readonly Capability[], heir: Identity): FormerPeer | null {
    const secretHash = hashOfSecret(secret);
    const found = this.#running.find(({ place }) => place.secretHash === secretHash);
    if (found === undefined || found.place.participant.subject !== grant.subject) return null;
    if (!capabilities.includes("call")) return null;
    const session = this.#sessionOf(found.row.id);
    const participant = session?.participant() ?? found.place.participant;
    const { call } = participant;
    if (call === undefined) return null;
    this.#change({
      remove: [found.row.id],
      set: [rowOf(heir, participant, call.media, null)],
    });
    const { peer, connectedAt } = participant;
    return { identity: { peer, connectedAt, media: call.media }, session };
  }

  /**
   * Takes the places from those who do not come back in time, or not at all.
   * @param which beside those whose time is over
   * @returns who it was
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  release(which: (participant: Participant) => boolean): PeerId[] {
    const gone = this.#all.filter(
      ({ row, place }) => row.at !== null && (this.#deadlines.isDue(row) || which(place.participant)),
    );
    this.#change({ remove: gone.map(({ row }) => row.id) });
    return gone.map(({ place }) => place.participant.peer);
  }

  /** Those whose time is not over. */
  get #running(): KeptPlace[] {
    return this.#all.filter(({ row }) => !this.#deadlines.isDue(row));
  }

  get #all(): KeptPlace[] {
    this.#startOrphans();
    return this.#rows.map((row) => ({ row, place: JSON.parse(row.json) as Place }));
  }

  get #rows(): DeadlineRow[] {
    return this.#deadlines.of("call").filter(({ id }) => !this.#leaving.has(id));
  }

  /** Writes at once, which must outlive whatever comes next. */
  #change({ set = [], remove = [] }: DeadlineChanges): void {
    this.#deadlines.change({ set, remove });
    for (const id of [...set.map((row) => row.id), ...remove]) this.#leaving.delete(id);
  }

  #deleteLeft(): void {
    this.#timer = undefined;
    try {
      this.#change({ remove: [...this.#leaving] });
    } catch (cause) {
      // The places are given up all the same; their rows go with the next.
      logFailure(this.#log, cause);
    }
  }

  /** Starts the time of those whose socket went with a former object, which could not do it. */
  #startOrphans(): void {
    const orphans = this.#rows.filter(({ id, at }) => at === null && this.#sessionOf(id) === null);
    if (orphans.length === 0) return;
    const at = this.#deadlines.now() + RESUME_MS;
    this.#change({ set: orphans.map((row) => ({ ...row, at })) });
  }

  #sessionOf(rowId: number): Session | null {
    const { ended } = this.#sessions;
    // The place of a session that ended is acted on when the room lets go of it.
    for (const session of [...this.#sessions, ...ended]) if (session.state.rowId === rowId) return session;
    return null;
  }
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
