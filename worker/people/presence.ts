import { RoomfulError } from "../../shared/errors.ts";
import { type AwarenessEntry, encodeAwareness, encodeQueryAwareness } from "../../shared/frames.ts";
import { CLOCK_BOUND, ROOM_PRESENCE_BYTES } from "../../shared/limits.ts";
import { encodeMessage } from "../../shared/messages.ts";
import type { PeerId } from "../../shared/rooms.ts";
import type { PresenceWork } from "../metering/prices.ts";
import type { Clock } from "../runtime/clock.ts";
import { decodeUtf8, isPlainJson } from "../runtime/json.ts";
import { Pacer } from "../runtime/pacer.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type AwarenessPart, awarenessParts } from "./awareness-frames.ts";

/** Milliseconds in which the holder of a client id must answer when another socket claims the id. */
export const CHALLENGE_MS = 3_000;

/**
 * Milliseconds for which renewals are gathered. A stock client sends on whatever it hears, so that in a room of N each frame is
 * answered by N messages. It renews after 15 s to 18 s and forgets others after 30 s: so much is left.
 */
export const RENEWALS_MS = 5_000;

/** Client ids whose leaving is remembered. Echoes follow within moments, so that few are enough. */
const REMEMBERED_LEAVERS = 1_000;

/** Told to a session whose state is not shown, once. It is no fault of its own, so that it does not count as one. */
const NOT_SHOWN = encodeMessage({
  type: "error",
  code: "presence-too-large",
  message: new RoomfulError("presence-too-large", "not shown: all of the room together").message,
});

interface Challenge {
  readonly timer: number;
  /** Everybody who claims the id, with the newest claim but for its state: a claim that is granted is announced again. */
  readonly claims: Map<Session, AwarenessEntry>;
}

interface Denial {
  /** The session that proved itself to hold the id. */
  readonly holder: Session;
  readonly entry: AwarenessEntry;
  readonly at: number;
}

interface PresenceOptions {
  readonly coalesceMs: number;
  /** Largest state, in bytes of JSON in UTF-8. */
  readonly maxBytes: number;
  /** Told when a session got a client id, or lost it. */
  readonly participants?: { markChanged(peer: PeerId): void };
  readonly clock: Clock;
}

/**
 * Presence: for each socket at most one Yjs client id with its clock and state. Keeps no timer but for an owed
 * broadcast and an open challenge, and never needs the document.
 */
export class Presence {
  readonly #sessions: Sessions;
  readonly #options: PresenceOptions;
  readonly #clock: Clock;
  readonly #broadcasts: Pacer;
  readonly #renewals: Pacer;
  /** Whether renewal was told to be needed; `null` before it was told. Several stock clients may leave in one turn. */
  #renewalTold: boolean | null = null;
  /** Sessions that were sent a null state for themselves: their next state is broadcast at once, even if unchanged. */
  readonly #announcing = new WeakSet<Session>();
  /** Null states that sessions were sent for themselves, since the object was started. */
  #nullStates = 0;
  readonly #holders = new Map<number, Session>();
  readonly #challenges = new Map<number, Challenge>();
  /** For a claimant: what became of its claim. */
  readonly #denials = new WeakMap<Session, Denial>();
  /** Client ids that lately left, with their last clock, oldest first. */
  readonly #leavers = new Map<number, number>();
  /** Client ids whose entry is to be sent; with the clock at which they left, when they did. */
  readonly #unsent = new Map<number, number | null>();
  /** Bytes of all states that are shown. */
  #bytes = 0;
  /** Sessions whose state is not shown, since all together were too large. */
  readonly #hidden = new Set<Session>();
  /** Client ids whose state is held back for a session that is behind. */
  readonly #owed = new WeakMap<Session, Set<number>>();

  constructor(sessions: Sessions, options: PresenceOptions) {
    this.#sessions = sessions;
    this.#options = options;
    this.#clock = options.clock;
    this.#broadcasts = new Pacer(options.coalesceMs, () => this.#broadcast(), this.#clock);
    this.#renewals = new Pacer(RENEWALS_MS, () => this.#broadcasts.runNow(), this.#clock);
    for (const session of sessions) {
      if (session.state.presence !== null) this.#holders.set(session.state.presence.clientId, session);
      this.#bytes += stateBytes(session);
    }
    // The former object may have held back anything for those that owe a proof.
    for (const session of sessions) if (session.owesProof) this.#owe(session, this.#holders.keys());
  }

  /** Whether somebody needs presence to be renewed: stock clients drop, after 30 s, what is not. */
  get needsRenewal(): boolean {
    return this.#sessions.stockCount > 0;
  }

  /** Tells the others, when a first stock client opened a session, that presence has to be renewed. */
  add(session: Session): void {
    if (session.isStock && this.#sessions.stockCount === 1 && this.#renewalTold !== true) this.#tellRenewal(true);
  }

  /** Lets the presence of a session go that is no longer among the sessions. */
  remove(session: Session): void {
    for (const [clientId, { claims }] of this.#challenges) {
      if (claims.delete(session) && claims.size === 0) this.#endChallenge(clientId);
    }
    const { presence } = session.state;
    // A session that was restored only to be closed was never made its id's holder.
    const holder = presence === null ? undefined : (this.#holders.get(presence.clientId) ?? session);
    if (presence !== null && holder === session) {
      if (!this.#holders.has(presence.clientId)) this.#bytes += stateBytes(session);
      this.#releaseToClaimants(session, presence.clientId);
      // A claimant in earnest comes again with the next clock.
      for (const claimant of this.#sessions) {
        const denial = this.#denials.get(claimant);
        if (denial?.holder === session) this.#tellGone(claimant, denial.entry);
      }
      this.#broadcasts.runNow();
    }
    if (session.isStock && this.#sessions.stockCount === 0 && this.#renewalTold !== false) this.#tellRenewal(false);
  }

  /** Ends the challenge to a session, of which something arrived: it proved that it is alive. */
  proveAlive(session: Session): void {
    if (this.#challenges.size === 0) return;
    const clientId = session.state.presence?.clientId;
    const challenge = clientId === undefined ? undefined : this.#challenges.get(clientId);
    if (clientId === undefined || challenge === undefined) return;
    const at = this.#clock.now();
    for (const [claimant, entry] of challenge.claims) this.#denials.set(claimant, { holder: session, entry, at });
    this.#endChallenge(clientId);
  }

  /**
   * Takes an awareness frame. Only a socket's own entry counts; stock clients echo everybody's.
   * @throws RoomfulError `invalid-presence`, `presence-too-large`
   */
  applyAwareness(session: Session, entries: readonly AwarenessEntry[]): PresenceWork {
    const nullStatesBefore = this.#nullStates;
    const own = session.state.presence?.clientId;
    const [first] = entries;
    // The first single entry that is not null claims its id. (A client whose own state is null echoes others'.)
    const entry =
      own !== undefined ? entries.find(({ clientId }) => clientId === own) : entries.length === 1 ? first : undefined;
    if (entry === undefined || (own === undefined && entry.state === null)) return { bytes: 0, nullStates: 0 };
    this.#check(entry);
    if (own === undefined) this.#claim(session, entry);
    else this.#update(session, entry);
    return { bytes: entry.state?.length ?? 0, nullStates: this.#nullStates - nullStatesBefore };
  }

  /** Sends a session everybody's state, in parts. @returns bytes that it was sent */
  sendAll(session: Session): number {
    const entries = [...this.#holders.values()].flatMap((holder) => {
      const { presence } = holder.state;
      return presence !== null && presence.state !== null && holder !== session ? [presence] : [];
    });
    let bytes = 0;
    for (const part of awarenessParts(entries)) bytes += this.#send(session, part);
    return bytes;
  }

  /**
   * Sends entries to a session. One that is behind is sent at once who is gone, and the rest, as it is by then, when it proved to
   * have read: states are replaced by newer ones, so that they need not wait in memory.
   * @returns bytes that it was sent
   */
  #send(session: Session, { entries, frame }: AwarenessPart): number {
    if (!session.isBehind) {
      session.send(frame);
      return frame.length;
    }
    const gone = entries.filter(({ state }) => state === null);
    if (gone.length > 0) session.send(encodeAwareness(gone));
    this.#owe(
      session,
      entries.flatMap(({ clientId, state }) => (state === null ? [] : [clientId])),
    );
    return 0;
  }

  #owe(session: Session, clientIds: Iterable<number>): void {
    const owed = this.#owed.get(session) ?? new Set();
    for (const clientId of clientIds) owed.add(clientId);
    this.#owed.set(session, owed);
  }

  /** Sends a session that proved to have read what was held back for it. */
  catchUp(session: Session): void {
    const owed = this.#owed.get(session);
    if (owed === undefined) return;
    if (session.isBehind) {
      session.demandProof();
      return;
    }
    this.#owed.delete(session);
    const entries = [...owed].flatMap((clientId) => {
      const presence = this.#holders.get(clientId)?.state.presence;
      return presence !== null && presence !== undefined && presence.state !== null ? [presence] : [];
    });
    for (const part of awarenessParts(entries)) this.#send(session, part);
  }

  /** @throws RoomfulError when the entry can't be taken */
  #check({ clock, state }: AwarenessEntry): void {
    if (clock >= CLOCK_BOUND) throw new RoomfulError("invalid-presence", "a clock out of bounds");
    if (state === null) return;
    if (state.length > this.#options.maxBytes) throw new RoomfulError("presence-too-large");
    if (!isState(state)) throw new RoomfulError("invalid-presence");
  }

  #claim(session: Session, entry: AwarenessEntry): void {
    const holder = this.#holders.get(entry.clientId);
    if (holder === undefined) {
      const lastClock = this.#leavers.get(entry.clientId);
      // An echo of who has just left looks like its return. Told that the id is gone, an echo forgets it, and who
      // really returned claims it with the next clock.
      if (lastClock !== undefined && entry.clock <= lastClock) this.#tellGone(session, entry);
      else this.#grant(session, entry);
      return;
    }
    const subject = session.state.grant.subject;
    if (subject !== undefined && subject === holder.state.grant.subject) {
      this.#grant(session, entry);
      return;
    }
    if (this.#isDenied(session, entry, holder)) return;
    const open = this.#challenges.get(entry.clientId);
    if (open !== undefined) {
      open.claims.set(session, withoutState(entry));
      return;
    }
    const timer = this.#clock.setTimeout(() => this.#releaseToClaimants(holder, entry.clientId), CHALLENGE_MS);
    this.#challenges.set(entry.clientId, { timer, claims: new Map([[session, withoutState(entry)]]) });
    holder.send(encodeQueryAwareness());
  }

  /**
   * Whether the holder need not prove itself again. What came may have been under way when its socket died; and nobody echoes
   * a clock that the room has not sent.
   */
  #isDenied(claimant: Session, { clock }: AwarenessEntry, holder: Session): boolean {
    const denial = this.#denials.get(claimant);
    if (denial?.holder !== holder) return false;
    return clock <= (holder.state.presence?.clock ?? 0) || this.#clock.now() - denial.at < CHALLENGE_MS;
  }

  #grant(session: Session, entry: AwarenessEntry): void {
    const former = this.#holders.get(entry.clientId);
    if (former !== undefined) {
      this.#endChallenge(entry.clientId);
      this.#put(former, null);
      this.#options.participants?.markChanged(former.state.peer);
    }
    // Others may know this id by a later clock, from before a reconnect, and would ignore it until that clock is
    // reached. Told that it is gone, a client announces itself at once with the next clock.
    this.#tellGone(session, entry);
    if (this.#leavers.delete(entry.clientId) || former !== undefined) this.#askToAnnounceAgain(session);
    this.#holders.set(entry.clientId, session);
    this.#set(session, entry, this.#broadcasts);
    this.#options.participants?.markChanged(session.state.peer);
  }

  /**
   * A y-protocols client forgets everybody's state when its socket closes, but not their clocks, and ignores what it is
   * sent with a clock that it knows. Everybody who stayed therefore has to announce itself with the next one.
   */
  #askToAnnounceAgain(returned: Session): void {
    for (const holder of this.#holders.values()) {
      const { presence } = holder.state;
      if (holder !== returned && presence !== null && presence.state !== null) {
        this.#tellGone(holder, presence);
      }
    }
  }

  /** Tells a session that an entry is gone: who owns it announces itself with the next clock, an echo forgets it. */
  #tellGone(session: Session, { clientId, clock }: AwarenessEntry): void {
    this.#announcing.add(session);
    this.#nullStates++;
    session.send(encodeAwareness([{ clientId, clock, state: null }]));
  }

  #update(session: Session, entry: AwarenessEntry): void {
    const { presence } = session.state;
    if (presence === null) return;
    const leaves = entry.clock === presence.clock && entry.state === null && presence.state !== null;
    if (entry.clock <= presence.clock && !leaves) return;
    const isRenewal = !this.#announcing.delete(session) && areEqual(entry.state, presence.state);
    this.#set(session, entry, isRenewal ? this.#renewals : this.#broadcasts);
  }

  #set(session: Session, entry: AwarenessEntry, pacer: Pacer): void {
    const wasShown = stateBytes(session) > 0;
    this.#put(session, toKeep(entry));
    if (this.#bytes > ROOM_PRESENCE_BYTES) this.#hideLargest(session);
    const isHidden = entry.state !== null && session.state.presence?.state === null;
    if (!isHidden) this.#hidden.delete(session);
    // Nobody saw it. A null state for it would have its client announce itself again, without end.
    if (isHidden && !wasShown) return;
    this.#unsent.set(entry.clientId, null);
    pacer.request();
  }

  /** Puts an entry in the place of the one that a session had. */
  #put(session: Session, presence: AwarenessEntry | null): void {
    this.#bytes -= stateBytes(session);
    session.state.presence = presence;
    this.#bytes += stateBytes(session);
    if (presence === null) this.#hidden.delete(session);
    session.markChanged();
  }

  /**
   * Hides the largest states until all together are small enough. A state is safe that is no larger than everybody's equal share,
   * so that whoever shows much hurts nobody who shows little.
   * @param newest is hidden before others of its size, or two would hide each other in turn
   */
  #hideLargest(newest: Session): void {
    while (this.#bytes > ROOM_PRESENCE_BYTES) {
      let largest = newest;
      for (const holder of this.#holders.values()) if (stateBytes(holder) > stateBytes(largest)) largest = holder;
      const { presence } = largest.state;
      if (presence === null || presence.state === null) return;
      this.#put(largest, withoutState(presence));
      if (!this.#hidden.has(largest)) largest.tell(NOT_SHOWN);
      this.#hidden.add(largest);
      if (largest === newest) continue;
      this.#unsent.set(presence.clientId, null);
      this.#broadcasts.request();
    }
  }

  /** Asks those who are hidden to announce themselves again, once there is much room. */
  #askHiddenToAnnounce(): void {
    if (this.#hidden.size === 0 || this.#bytes > ROOM_PRESENCE_BYTES / 2) return;
    const hidden = [...this.#hidden];
    this.#hidden.clear();
    for (const session of hidden) if (session.state.presence !== null) this.#tellGone(session, session.state.presence);
  }

  /** Takes the id from its holder; open claims to it are then made once more. */
  #releaseToClaimants(holder: Session, clientId: number): void {
    const challenge = this.#challenges.get(clientId);
    this.#endChallenge(clientId);
    this.#release(holder);
    for (const [claimant, entry] of challenge?.claims ?? []) this.#claim(claimant, entry);
  }

  #release(session: Session): void {
    const { presence } = session.state;
    if (presence === null) return;
    this.#holders.delete(presence.clientId);
    this.#leavers.set(presence.clientId, presence.clock);
    const [oldest] = this.#leavers.size > REMEMBERED_LEAVERS ? this.#leavers.keys() : [];
    if (oldest !== undefined) this.#leavers.delete(oldest);
    // The same clock, so that the next one is accepted when the client comes back with it.
    this.#unsent.set(presence.clientId, presence.clock);
    this.#put(session, null);
    this.#options.participants?.markChanged(session.state.peer);
    this.#broadcasts.request();
    this.#askHiddenToAnnounce();
  }

  #endChallenge(clientId: number): void {
    const challenge = this.#challenges.get(clientId);
    if (challenge === undefined) return;
    this.#clock.clearTimeout(challenge.timer);
    this.#challenges.delete(clientId);
  }

  /** As few frames as there can be with every entry that changed, to all: its author too, since a stock client must hear something. */
  #broadcast(): void {
    if (this.#unsent.size === 0) return;
    const entries = [...this.#unsent].map(([clientId, clockAtLeaving]): AwarenessEntry => {
      const presence = this.#holders.get(clientId)?.state.presence;
      return presence ?? { clientId, clock: clockAtLeaving ?? 0, state: null };
    });
    const [only] = entries.length === 1 ? entries : [];
    const soleAuthor = only === undefined ? undefined : this.#holders.get(only.clientId);
    this.#unsent.clear();
    this.#broadcasts.delayNextRun(this.#sessions.broadcastMs);
    const parts = awarenessParts(entries);
    for (const session of this.#sessions) {
      if (!session.state.wantsPresence || (session === soleAuthor && !session.isStock)) continue;
      for (const part of parts) this.#send(session, part);
    }
  }

  #tellRenewal(active: boolean): void {
    this.#renewalTold = active;
    const message = encodeMessage({ type: "presence-renewal", active });
    for (const session of this.#sessions) session.tell(message);
  }
}

/**
 * An entry to be kept, without the frame of which the one that was read is a view: an attachment is a structured clone, which
 * takes the whole buffer of a view.
 */
function toKeep(entry: AwarenessEntry): AwarenessEntry {
  return entry.state === null ? entry : { ...entry, state: entry.state.slice() };
}

function withoutState(entry: AwarenessEntry): AwarenessEntry {
  return { ...entry, state: null };
}

/** Bytes of the state that a session shows. */
function stateBytes({ state: { presence } }: Session): number {
  return presence?.state?.length ?? 0;
}

function areEqual(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one !== null && other !== null && one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function isState(state: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(decodeUtf8(state));
    return typeof value === "object" && value !== null && !Array.isArray(value) && isPlainJson(value);
  } catch {
    return false;
  }
}
