import * as decoding from "lib0/decoding";
import { Awareness, applyAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";
import type { Doc } from "yjs";
import { type AwarenessEntry, encodeAwareness, encodeQueryAwareness } from "../shared/frames.ts";
import type { Clock } from "./clock.ts";

/** Milliseconds between two renewals when the room asks for them: y-protocols clients forget after 30 s. */
const RENEWAL_MS = 15_000;

/** Milliseconds between two looks at an `Awareness` that would forget others after 30 s. */
const KEEP_MS = 10_000;

/**
 * The `Awareness` of y-protocols without its clock: it neither renews the own state nor forgets others'. The room says
 * who left, and the provider forgets everybody when the socket is gone.
 */
export class RoomAwareness extends Awareness {
  constructor(doc: Doc) {
    super(doc);
    clearInterval(this._checkInterval);
  }
}

export interface PresenceOptions {
  readonly clock: Clock;
  /** The origin of changes that others made. */
  readonly origin: object;
  /** To the room, if there is a connection. */
  readonly send: (frame: Uint8Array<ArrayBuffer>) => void;
  /** To other tabs, if there is a channel. */
  readonly publish: (frame: Uint8Array<ArrayBuffer>) => void;
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
  /** Whom only other tabs told of, since there was no connection. */
  readonly #fromTabs = new Set<number>();
  #renewal: unknown;
  #keeper: unknown;

  constructor(awareness: Awareness, options: PresenceOptions) {
    this.#awareness = awareness;
    this.#options = options;
    awareness.on("update", this.#onUpdate);
  }

  opened(): void {
    this.#isOpen = true;
    // A tab may have gone without a word meanwhile. Those that are there answer.
    this.#forget([...this.#fromTabs]);
    if (this.#awareness.getLocalState() !== null) this.#announce();
    this.#keepOthers();
  }

  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#sent = null;
    this.renew(false);
    this.#options.clock.clearTimeout(this.#keeper);
    this.#forget([...this.#awareness.states.keys()]);
  }

  destroy(): void {
    this.#awareness.off("update", this.#onUpdate);
    this.closed();
  }

  /** Starts or stops to renew the own state, as the room asks. */
  renew(active: boolean): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#renewal);
    if (!active) return;
    this.#renewal = clock.setTimeout(() => {
      if (this.#awareness.getLocalState() !== null) {
        this.#raiseClock(this.#ownClock + 1);
        this.#send();
      }
      this.renew(true);
    }, RENEWAL_MS);
  }

  /** Takes entries that the room sent. */
  receive(entries: readonly AwarenessEntry[]): void {
    const own = entries.find(({ clientId }) => clientId === this.#awareness.clientID);
    if (own !== undefined) this.#receiveOwn(own);
    this.#applyOthers(entries);
  }

  /** Takes entries that another tab sent. */
  receiveFromTab(entries: readonly AwarenessEntry[]): void {
    if (!this.#isOpen) for (const { clientId } of entries) this.#fromTabs.add(clientId);
    this.#applyOthers(entries);
  }

  /** Answers the room, which wants to know whether this client is there. */
  answerRoom(): void {
    this.#send();
  }

  /** Tells other tabs who is here, and asks who is there. */
  askTabs(): void {
    this.answerTabs();
    this.#options.publish(encodeQueryAwareness());
  }

  /** Tells other tabs who is here. */
  answerTabs(): void {
    if (this.#awareness.getLocalState() === null) return;
    this.#raiseClock(1);
    this.#options.publish(encodeAwareness([this.#ownEntry()]));
  }

  /** Tells other tabs that nobody is here any more. */
  leaveTabs(): void {
    this.#options.publish(encodeAwareness([{ ...this.#ownEntry(), state: null }]));
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

  /** Others who use y-protocols take no first state with clock 0. */
  #announce(): void {
    this.#raiseClock(1);
    this.#send();
  }

  #send(): void {
    this.#sent = JSON.stringify(this.#awareness.getLocalState());
    this.#options.send(encodeAwareness([this.#ownEntry()]));
  }

  /** The room says that this client is gone, so that it announces itself with a clock that others do not know yet. */
  #receiveOwn({ clock, state }: AwarenessEntry): void {
    if (state !== null || this.#awareness.getLocalState() === null) return;
    this.#raiseClock(clock + 1);
    this.#send();
    this.#options.publish(encodeAwareness([this.#ownEntry()]));
  }

  #applyOthers(entries: readonly AwarenessEntry[]): void {
    const others = entries.filter(({ clientId }) => clientId !== this.#awareness.clientID);
    if (others.length === 0) return;
    const decoder = decoding.createDecoder(encodeAwareness(others));
    decoding.readVarUint(decoder);
    applyAwarenessUpdate(this.#awareness, decoding.readVarUint8Array(decoder), this.#options.origin);
  }

  /** Forgets their clocks too: what they announce next is news, whatever its clock. */
  #forget(clients: readonly number[]): void {
    const { meta, clientID } = this.#awareness;
    const others = clients.filter((client) => client !== clientID);
    removeAwarenessStates(this.#awareness, others, this.#options.origin);
    for (const client of others) meta.delete(client);
    this.#fromTabs.clear();
    this.#options.publish(encodeQueryAwareness());
  }

  /** An `Awareness` of the app has its own clock, and would forget those whom nobody renews. */
  #keepOthers(): void {
    const { meta, states, clientID } = this.#awareness;
    if (this.#awareness instanceof RoomAwareness || !this.#isOpen) return;
    for (const client of states.keys()) {
      const known = meta.get(client);
      if (client !== clientID && known !== undefined) meta.set(client, { ...known, lastUpdated: Date.now() });
    }
    this.#keeper = this.#options.clock.setTimeout(() => this.#keepOthers(), KEEP_MS);
  }

  readonly #onUpdate = ({ added, updated, removed }: Changes): void => {
    const { clientID } = this.#awareness;
    if (![...added, ...updated, ...removed].includes(clientID)) return;
    // An `Awareness` of the app renews its state every 15 s. The room asks when somebody needs that.
    const isNews = JSON.stringify(this.#awareness.getLocalState()) !== this.#sent;
    if (this.#isOpen && isNews) this.#send();
    if (isNews || !this.#isOpen) this.#options.publish(encodeAwareness([this.#ownEntry()]));
  };
}
