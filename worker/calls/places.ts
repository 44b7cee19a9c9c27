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
 * Milliseconds in which rows of members who come and go are gathered, after one that was written at once: whoever joins and
 * leaves over and over costs few rows. A crash in that time lets a newcomer come back as somebody new.
 */
const GATHER_MS = 1_000;

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
  /** Rows to be written, by their ids; `null` for one to be deleted. */
  readonly #unwritten = new Map<number, DeadlineRow | null>();
  #isGathering = false;

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
    this.#gather(session.state.rowId, rowOfSession(session, media, null));
  }

  /** Takes the place from a session. @throws RoomfulError `room-too-new`, `storage-failed` */
  giveUp({ state }: Session): void {
    this.#gather(state.rowId, null);
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

  /** The rows as they will be written. */
  get #rows(): DeadlineRow[] {
    const rows = new Map(this.#deadlines.of("call").map((row) => [row.id, row]));
    for (const [id, row] of this.#unwritten) {
      if (row === null) rows.delete(id);
      else rows.set(id, row);
    }
    return [...rows.values()];
  }

  /** Writes rows that must outlive whatever comes next. */
  #change({ set = [], remove = [] }: DeadlineChanges): void {
    for (const id of [...set.map((row) => row.id), ...remove]) this.#unwritten.delete(id);
    this.#deadlines.change({ set, remove });
  }

  /** Writes a row at once when none was written lately, else with others. @throws RoomfulError when it can't be written at once */
  #gather(id: number, row: DeadlineRow | null): void {
    this.#unwritten.set(id, row);
    if (this.#isGathering) return;
    try {
      this.#writeGathered();
    } catch (cause) {
      this.#unwritten.delete(id);
      throw cause;
    }
    this.#startGathering();
  }

  #startGathering(): void {
    this.#isGathering = true;
    this.#clock.setTimeout(() => this.#endGathering(), GATHER_MS);
  }

  #endGathering(): void {
    this.#isGathering = false;
    if (this.#unwritten.size === 0) return;
    this.#startGathering();
    try {
      this.#writeGathered();
    } catch (cause) {
      logFailure(this.#log, cause);
    }
  }

  #writeGathered(): void {
    const written = new Map(this.#deadlines.of("call").map((row) => [row.id, row.json]));
    const gathered = [...this.#unwritten];
    this.#deadlines.change({
      // A member who left and joined again has its row still.
      set: gathered.flatMap(([id, row]) => (row === null || written.get(id) === row.json ? [] : [row])),
      remove: gathered.flatMap(([id, row]) => (row === null ? [id] : [])),
    });
    this.#unwritten.clear();
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
