import { Awareness, applyAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";
import type { Doc } from "yjs";
import { describe, type ErrorCode } from "../../shared/errors.ts";
import {
  type AwarenessEntry,
  encodeAwareness,
  encodeAwarenessUpdate,
  encodeQueryAwareness,
} from "../../shared/frames.ts";
import { type Clock, throwLater } from "../base/clock.ts";
import type { Problem } from "../base/problem.ts";

/** Milliseconds between two renewals when the room asks for them: y-protocols clients forget after 30 s. */
const RENEWAL_MS = 15_000;

/** Milliseconds after which a null state that is older than the own one is answered. */
const ANSWER_MS = 1_000;

/**
 * The `Awareness` of y-protocols without its clock: it neither renews the own state nor forgets others'. The room tells
 * when a client left, and the provider forgets everybody when the socket is gone.
 */
export class RoomAwareness extends Awareness {
  constructor(doc: Doc) {
    super(doc);
    stopClock(this);
  }
}

/** Stops the timer of y-protocols: run late, in a hidden tab or on a sleeping computer, it would forget all idle clients. */
function stopClock(awareness: Awareness): void {
  clearInterval(awareness._checkInterval);
}

export interface PresenceOptions {
  readonly clock: Clock;
  /** The origin of changes that others made. */
  readonly origin: object;
  /** To the room, if there is a connection. */
  readonly send: (frame: Uint8Array<ArrayBuffer>) => void;
  /** To other tabs, if there is a channel. */
  readonly publish: (frame: Uint8Array<ArrayBuffer>) => void;
  readonly problem: (problem: Problem) => void;
}

interface Changes {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

/** Carries an `Awareness` to the room and to other tabs, and theirs to it. Sends nothing unless something changed. */
export class Presence {
  readonly #awareness: Awareness;
  readonly #options: PresenceOptions;
  #isOpen = false;
  /** The own state as it was last sent on this socket. */
  #sent: string | null = null;
  /** Client ids known only from other tabs, from a time without a connection. */
  readonly #fromTabs = new Set<number>();
  /** The most bytes of a state that the room takes. */
  #limit = Number.POSITIVE_INFINITY;
  #renewal: unknown;
  #answer: unknown;

  constructor(awareness: Awareness, options: PresenceOptions) {
    this.#awareness = awareness;
    this.#options = options;
    stopClock(awareness);
    awareness.on("update", this.#onUpdate);
  }

  goOnline(): void {
    this.#isOpen = true;
    // A tab may have closed without a farewell meanwhile. The open ones answer the query.
    this.#forget([...this.#fromTabs]);
    if (this.#awareness.getLocalState() !== null) this.#announce();
  }

  goOffline(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#sent = null;
    this.setRenewal(false);
    this.#options.clock.clearTimeout(this.#answer);
    this.#answer = undefined;
    this.#forget([...this.#awareness.states.keys()]);
  }

  destroy(): void {
    this.#awareness.off("update", this.#onUpdate);
    this.goOffline();
  }

  /** @param limit the most bytes of a state that the room takes */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** Starts or stops to renew the own state, as the room asks. */
  setRenewal(active: boolean): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#renewal);
    if (!active) return;
    this.#renewal = clock.setTimeout(() => {
      if (this.#awareness.getLocalState() !== null) {
        this.#raiseClock(this.#ownClock + 1);
        this.#send();
      }
      this.setRenewal(true);
    }, RENEWAL_MS);
  }

  /** Takes entries that the room sent. */
  applyFromRoom(entries: readonly AwarenessEntry[]): void {
    const own = entries.find(({ clientId }) => clientId === this.#awareness.clientID);
    if (own !== undefined) this.#receiveOwn(own);
    this.#applyOthers(entries);
  }

  /** Takes entries that another tab sent. */
  applyFromTab(entries: readonly AwarenessEntry[]): void {
    if (!this.#isOpen) for (const { clientId } of entries) this.#fromTabs.add(clientId);
    this.#applyOthers(entries);
  }

  /** Answers the room's query whether this client is there. */
  answerRoom(): void {
    this.#send();
  }

  /** Tells other tabs the own state, and asks for theirs. */
  askTabs(): void {
    this.answerTabs();
    this.#options.publish(encodeQueryAwareness());
  }

  /** Tells other tabs the own state. */
  answerTabs(): void {
    if (this.#awareness.getLocalState() === null) return;
    this.#raiseClock(1);
    this.#options.publish(encodeAwareness([this.#ownEntry()]));
  }

  /** Tells other tabs that this client is gone. */
  leaveTabs(): void {
    this.#options.publish(encodeAwareness([{ ...this.#ownEntry(), state: null }]));
    // y-protocols ignores a state with the clock of the farewell, so a later return needs a higher one.
    this.#raiseClock(this.#ownClock + 1);
  }

  get #ownClock(): number {
    return this.#awareness.meta.get(this.#awareness.clientID)?.clock ?? 0;
  }

  #raiseClock(clock: number): void {
    const { meta, clientID } = this.#awareness;
    meta.set(clientID, { clock: Math.max(clock, this.#ownClock), lastUpdated: Date.now() });
  }

  #ownEntry(): AwarenessEntry {
    const state = this.#awareness.getLocalState();
    return {
      clientId: this.#awareness.clientID,
      clock: this.#ownClock,
      state: state === null ? null : new TextEncoder().encode(JSON.stringify(state)),
    };
  }

  /** Sends the first state. y-protocols clients ignore one with clock 0. */
  #announce(): void {
    this.#raiseClock(1);
    this.#send();
  }

  /** Sends the own state, unless the room would refuse it: the room closes for good after repeated refusals. */
  #send(): void {
    const json = JSON.stringify(this.#awareness.getLocalState());
    const isRepeated = json === this.#sent;
    this.#sent = json;
    const entry = this.#ownEntry();
    const code = this.#refusalOf(entry);
    if (code === null) this.#options.send(encodeAwareness([entry]));
    else if (!isRepeated) this.#options.problem({ source: "room", code, message: describe(code) });
  }

  #refusalOf({ state }: AwarenessEntry): ErrorCode | null {
    const local: unknown = this.#awareness.getLocalState();
    if (typeof local !== "object" || Array.isArray(local)) return "invalid-presence";
    return state !== null && state.length > this.#limit ? "presence-too-large" : null;
  }

  /** Answers the room's null state for this client with a clock that others do not know yet. */
  #receiveOwn({ clock, state }: AwarenessEntry): void {
    if (state !== null || this.#awareness.getLocalState() === null) return;
    if (clock < this.#ownClock) {
      // A newer state is on its way, or another socket uses the same id: two that answer at once would never end.
      this.#answer ??= this.#options.clock.setTimeout(() => {
        this.#answer = undefined;
        if (this.#awareness.getLocalState() !== null) this.#sendEverywhere();
      }, ANSWER_MS);
      return;
    }
    this.#raiseClock(clock + 1);
    this.#sendEverywhere();
  }

  #sendEverywhere(): void {
    this.#send();
    this.#options.publish(encodeAwareness([this.#ownEntry()]));
  }

  #applyOthers(entries: readonly AwarenessEntry[]): void {
    const others = entries.filter(({ clientId }) => clientId !== this.#awareness.clientID);
    if (others.length === 0) return;
    const update = encodeAwarenessUpdate(others);
    this.#change(() => applyAwarenessUpdate(this.#awareness, update, this.#options.origin));
  }

  /** Forgets the clocks too, so that any clock of their next state is news. */
  #forget(clients: readonly number[]): void {
    const { meta, clientID } = this.#awareness;
    const others = clients.filter((client) => client !== clientID);
    this.#change(() => removeAwarenessStates(this.#awareness, others, this.#options.origin));
    for (const client of others) meta.delete(client);
    this.#fromTabs.clear();
    this.#options.publish(encodeQueryAwareness());
  }

  /** Guards against handlers of the app that throw. */
  #change(change: () => void): void {
    try {
      change();
    } catch (thrown) {
      throwLater(this.#options.clock, thrown);
    }
  }

  readonly #onUpdate = ({ added, updated, removed }: Changes): void => {
    const { clientID } = this.#awareness;
    if (![...added, ...updated, ...removed].includes(clientID)) return;
    // An equal state is no news: the room queries when another client needs it.
    const isNews = JSON.stringify(this.#awareness.getLocalState()) !== this.#sent;
    if (this.#isOpen && isNews) this.#send();
    if (isNews || !this.#isOpen) this.#options.publish(encodeAwareness([this.#ownEntry()]));
  };
}
