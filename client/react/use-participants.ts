import { useCallback, useSyncExternalStore } from "react";
import type { Participant } from "../../shared/rooms.ts";
import type { RoomProvider } from "../provider/provider.ts";

const NOBODY: readonly Participant[] = [];

/** Who is connected, this client included: `provider.participants`, and a new render whenever it changes. */
export function useParticipants(provider: RoomProvider | null): readonly Participant[] {
  const subscribe = useCallback(
    (changed: () => void) => {
      provider?.on("participants", changed);
      return () => provider?.off("participants", changed);
    },
    [provider],
  );
  return useSyncExternalStore(
    subscribe,
    () => provider?.participants ?? NOBODY,
    () => NOBODY,
  );
}
