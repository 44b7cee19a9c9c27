import type { MessageFromRoom } from "../../shared/messages.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";

const NOBODY: readonly Participant[] = [];

/** Everybody connected, as the room tells it; nobody while there is no connection. */
export class Participants {
  #byPeer: ReadonlyMap<PeerId, Participant> = new Map();
  #all = NOBODY;
  readonly #changed: (all: readonly Participant[]) => void;

  constructor(changed: (all: readonly Participant[]) => void) {
    this.#changed = changed;
  }

  /** Sorted by the time they connected. The array stays the same object until something changes. */
  get all(): readonly Participant[] {
    return this.#all;
  }

  applyMessage({ present, left }: Extract<MessageFromRoom, { type: "participants" }>): void {
    const byPeer = new Map(this.#byPeer);
    for (const peer of left) byPeer.delete(peer);
    for (const participant of present) byPeer.set(participant.peer, participant);
    this.#set(byPeer);
  }

  clear(): void {
    if (this.#all.length > 0) this.#set(new Map());
  }

  #set(byPeer: ReadonlyMap<PeerId, Participant>): void {
    this.#byPeer = byPeer;
    this.#all = [...byPeer.values()].sort((one, two) => one.connectedAt - two.connectedAt);
    this.#changed(this.#all);
  }
}
