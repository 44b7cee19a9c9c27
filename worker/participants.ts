import { type EncodedMessage, encodeMessage } from "../shared/messages.ts";
import type { PeerId } from "../shared/rooms.ts";
import { type Clock, Pacer, systemClock } from "./pacer.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/**
 * Milliseconds in which comings and goings are gathered. Each costs a message to everybody: 500 people who come back
 * within a second would cause 125,000 one by one, and cause 5,000 or so gathered.
 */
const GATHER_MS = 100;

/** Tells the clients of `roomful.v1` who is connected. Keeps no timer but for an owed message, and loads no document. */
export class Participants {
  readonly #sessions: Sessions;
  readonly #announcements: Pacer;
  /** Those who were not yet told who is here. */
  readonly #newcomers = new Set<Session>();
  readonly #changed = new Set<Session>();
  readonly #left = new Set<PeerId>();

  constructor(sessions: Sessions, clock: Clock = systemClock) {
    this.#sessions = sessions;
    this.#announcements = new Pacer(GATHER_MS, () => this.#announce(), clock);
  }

  /** To be called when a session opened and was welcomed. */
  joined(session: Session): void {
    this.#newcomers.add(session);
    this.changed(session);
  }

  /** To be called when something changed of what others may know of a session. */
  changed(session: Session): void {
    this.#changed.add(session);
    this.#announcements.request();
  }

  /** To be called when a session closed and is no longer among the sessions. */
  left(session: Session): void {
    // Whoever came and went within one window was never announced.
    if (!this.#newcomers.delete(session)) this.#left.add(session.state.peer);
    this.#announcements.request();
  }

  #announce(): void {
    const changed = [...this.#sessions].filter((session) => this.#changed.has(session));
    const isNews = changed.length > 0 || this.#left.size > 0;
    const news = once(() => message(changed, this.#left));
    const everybody = once(() => message(this.#sessions, []));
    for (const session of this.#sessions) {
      if (session.isStock || !session.may("read")) continue;
      if (this.#newcomers.has(session)) session.tell(everybody());
      else if (isNews) session.tell(news());
    }
    this.#newcomers.clear();
    this.#changed.clear();
    this.#left.clear();
  }
}

function message(present: Iterable<Session>, left: Iterable<PeerId>): EncodedMessage {
  return encodeMessage({
    type: "participants",
    present: Array.from(present, (session) => session.participant()),
    left: [...left],
  });
}

/** Made when it is first needed, and then for everybody. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
