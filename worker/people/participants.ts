import { PARTICIPANTS_PER_MESSAGE } from "../../shared/limits.ts";
import { type EncodedMessage, encodeMessage } from "../../shared/messages.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import type { Clock } from "../runtime/clock.ts";
import { Pacer } from "../runtime/pacer.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";

/**
 * Milliseconds in which comings and goings are gathered. Each costs a message to everybody: 500 people who come back
 * within a second would cause 125,000 one by one, and cause 5,000 or so gathered.
 */
const GATHER_MS = 100;

/** Keeps places in the call. */
interface AbsentPeers {
  /** Everybody whose place is kept while they have no session. Never throws. */
  readonly absentOrNone: readonly Participant[];
}

/**
 * Tells the clients of `roomful.v1` who is connected, and whose place in the call is kept meanwhile. Keeps no timer
 * but for an owed message, and loads no document.
 */
export class Participants {
  readonly #sessions: Sessions;
  readonly #places: AbsentPeers;
  readonly #announcements: Pacer;
  /** Sessions that were not yet told who is here. */
  readonly #newcomers = new Set<Session>();
  readonly #changed = new Set<PeerId>();
  readonly #left = new Set<PeerId>();

  constructor(sessions: Sessions, places: AbsentPeers, clock: Clock) {
    this.#sessions = sessions;
    this.#places = places;
    this.#announcements = new Pacer(GATHER_MS, () => this.#announce(), clock);
  }

  /** Everybody whom others may know. */
  get all(): Participant[] {
    return [...Array.from(this.#sessions, (session) => session.participant()), ...this.#places.absentOrNone];
  }

  /** Announces a session that was welcomed, and tells it who is here. */
  add(session: Session): void {
    this.#newcomers.add(session);
    this.markChanged(session.state.peer);
  }

  /** Announces again what others may know of a peer. */
  markChanged(peer: PeerId): void {
    this.#changed.add(peer);
    this.#announcements.request();
  }

  /** Announces the leaving of a peer that has no session any more, and no place that is kept. */
  remove(peer: PeerId): void {
    // A peer that was never announced too: others may know it from the call.
    this.#left.add(peer);
    this.#announcements.request();
  }

  #announce(): void {
    const all = this.all;
    const changed = all.filter(({ peer }) => this.#changed.has(peer));
    const isNews = changed.length > 0 || this.#left.size > 0;
    const news = once(() => messagesOf(changed, this.#left));
    // The leavers too: a newcomer may know them from the call.
    const everybody = once(() => messagesOf(all, this.#left));
    for (const session of this.#sessions) {
      if (session.isStock || !session.may("read")) continue;
      const messages = this.#newcomers.has(session) ? everybody() : isNews ? news() : [];
      for (const message of messages) session.tell(message);
    }
    this.#newcomers.clear();
    this.#changed.clear();
    this.#left.clear();
  }
}

/** One message, as a rule. */
function messagesOf(present: readonly Participant[], left: Iterable<PeerId>): EncodedMessage[] {
  const messages = [
    encodeMessage({ type: "participants", present: present.slice(0, PARTICIPANTS_PER_MESSAGE), left: [...left] }),
  ];
  for (let start = PARTICIPANTS_PER_MESSAGE; start < present.length; start += PARTICIPANTS_PER_MESSAGE) {
    const part = present.slice(start, start + PARTICIPANTS_PER_MESSAGE);
    messages.push(encodeMessage({ type: "participants", present: part, left: [] }));
  }
  return messages;
}

/** Made when it is first needed, and then for everybody. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
