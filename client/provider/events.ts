import type { Ending } from "../connection/lifecycle.ts";
import type { Rejection, SavedState } from "../document/saved.ts";
import type { RoomConnectionEvents } from "../room/events.ts";

/**
 * Events of a provider. `status`, `sync`, `synced` and those with a second argument are y-websocket's; the remaining events
 * of the room are those of `provider.connection`.
 */
export interface ProviderEvents<Provider> extends Pick<RoomConnectionEvents, "status" | "problem"> {
  "connection-close": (event: CloseEvent | null, provider: Provider) => void;
  "connection-error": (event: Event, provider: Provider) => void;
  /** The room closed for good. `connect()` tries again. */
  closed: (ending: Ending, provider: Provider) => void;
  /** Whether the room's document is in this one. The same as `synced`. */
  sync: (isSynced: boolean) => void;
  synced: (isSynced: boolean) => void;
  /** `provider.saved` changed. */
  "saved-state": (saved: SavedState) => void;
  /** The room refused an edit. No further one is sent: see `RoomProvider.rebuilt`. */
  rejected: (rejection: Rejection) => void;
}
