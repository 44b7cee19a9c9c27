import { equalityDeep } from "lib0/function";
import type { RoomProvider } from "../../client/index.ts";
import { type PersonState, parsePresence, type User } from "./presence.ts";

type Awareness = RoomProvider["awareness"];

export interface Person extends PersonState {
  readonly clientId: number;
}

/** A person's name and colour, which change seldom. */
export type Named = User & { readonly clientId: number };

/** People that are shown. A hostile client could claim to be thousands. */
const PEOPLE = 200;

/** Everybody else on the board. Each state is read once, when it arrives. */
export class People {
  readonly #awareness: Awareness;
  readonly #people = new Map<number, Person>();
  readonly #listeners = new Set<(changed: readonly number[]) => void>();
  #named: readonly Named[] = [];

  constructor(awareness: Awareness) {
    this.#awareness = awareness;
    this.#read([...awareness.getStates().keys()]);
    awareness.on("change", this.#onChange);
  }

  get all(): Iterable<Person> {
    return this.#people.values();
  }

  /** The same array as long as nobody came, left or changed their name. */
  get named(): readonly Named[] {
    return this.#named;
  }

  get(clientId: number): Person | undefined {
    return this.#people.get(clientId);
  }

  /** @returns how to stop */
  readonly subscribe = (listener: (changed: readonly number[]) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  destroy(): void {
    this.#awareness.off("change", this.#onChange);
    this.#listeners.clear();
  }

  readonly #onChange = ({ added, updated, removed }: Record<"added" | "updated" | "removed", number[]>): void => {
    const changed = [...added, ...updated, ...removed];
    this.#read(changed);
    for (const listener of this.#listeners) listener(changed);
  };

  #read(clients: readonly number[]): void {
    for (const clientId of clients) {
      if (clientId === this.#awareness.clientID) continue;
      const state = parsePresence(this.#awareness.getStates().get(clientId));
      if (state === null || (this.#people.size >= PEOPLE && !this.#people.has(clientId))) this.#people.delete(clientId);
      else this.#people.set(clientId, { ...state, clientId });
    }
    const named = [...this.#people.values()]
      .map(({ clientId, user }) => ({ ...user, clientId }))
      .sort((one, other) => one.clientId - other.clientId);
    if (!equalityDeep(named, this.#named)) this.#named = named;
  }
}
