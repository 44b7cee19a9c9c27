import { useCallback, useSyncExternalStore } from "react";
import type { SavedState } from "../document/saved.ts";
import type { RoomProvider } from "../provider/provider.ts";

const NO_ROOM: SavedState = { state: "offline", unsaved: 0 };

/** The state of the "Saved" light, `provider.saved`: it renders anew whenever that changes. `offline` without a provider. */
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
