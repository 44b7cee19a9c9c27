import { useCallback, useSyncExternalStore } from "react";
import type { SavedState } from "../document/saved.ts";
import type { RoomProvider } from "../provider/provider.ts";

const NO_ROOM: SavedState = { state: "offline", unsaved: 0 };

/** What the "Saved" light shows: `provider.saved`, and a new render whenever it changes. Without a provider, `offline`. */
export function useSaved(provider: RoomProvider | null): SavedState {
  const subscribe = useCallback(
    (changed: () => void) => {
      provider?.on("saved-state", changed);
      return () => provider?.off("saved-state", changed);
    },
    [provider],
  );
  return useSyncExternalStore(
    subscribe,
    () => provider?.saved ?? NO_ROOM,
    () => NO_ROOM,
  );
}
