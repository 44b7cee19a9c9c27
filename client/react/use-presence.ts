import { equalityDeep } from "lib0/function";
import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Awareness } from "y-protocols/awareness";
import type { RoomProvider } from "../provider/provider.ts";

/** Somebody else in the room. The same object as long as nothing of it changed. */
export interface OtherPresence<State extends object> {
  readonly clientId: number;
  /** As the other client sent it, unchecked: that it is a `State` is what the app expects, not what is known. */
  readonly state: Partial<State>;
}

export interface PresenceHook<State extends object> {
  /** Everybody else, by ascending client id. The same array as long as nothing in it changed. */
  readonly others: readonly OtherPresence<State>[];
  /** Changes some fields of the own state. Does nothing without a provider. The same function as long as the provider is. */
  readonly setPresence: (fields: Partial<State>) => void;
}

const NOBODY: readonly never[] = [];

/** The presence of everybody else in the room, and a setter for the own. */
export function usePresence<State extends object = Record<string, unknown>>(
  provider: RoomProvider | null,
): PresenceHook<State> {
  const awareness = provider?.awareness ?? null;
  const subscribe = useCallback(
    (changed: () => void) => {
      awareness?.on("change", changed);
      return () => awareness?.off("change", changed);
    },
    [awareness],
  );
  const others = useMemo(() => othersOf<State>(awareness), [awareness]);
  const setPresence = useCallback(
    (fields: Partial<State>) => awareness?.setLocalState({ ...awareness.getLocalState(), ...fields }),
    [awareness],
  );
  return { others: useSyncExternalStore(subscribe, others, () => NOBODY), setPresence };
}

/** @returns a reader of the others' presence; unchanged parts stay the same objects from call to call */
function othersOf<State extends object>(awareness: Awareness | null): () => readonly OtherPresence<State>[] {
  let last: readonly OtherPresence<State>[] = NOBODY;
  return () => {
    if (awareness === null) return NOBODY;
    const known = new Map(last.map((other) => [other.clientId, other]));
    const others: OtherPresence<State>[] = [];
    for (const [clientId, state] of awareness.getStates()) {
      if (clientId === awareness.clientID) continue;
      const before = known.get(clientId);
      // A client that renews its state sends an equal one.
      const isKnown = before !== undefined && (before.state === state || equalityDeep(before.state, state));
      others.push(isKnown ? before : { clientId, state: state as Partial<State> });
    }
    others.sort((one, two) => one.clientId - two.clientId);
    if (others.length !== last.length || others.some((other, index) => other !== last[index])) last = others;
    return last;
  };
}
