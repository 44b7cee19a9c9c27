import type { ErrorCode } from "../../shared/errors.ts";
import type { WarningCode } from "../../shared/messages.ts";
import type { Capability, Json, Participant, PeerId } from "../../shared/rooms.ts";
import type { Ending } from "../connection/lifecycle.ts";
import type { Rejection, SavedState } from "../document/saved.ts";
import type { RoomProvider } from "./provider.ts";

/** Something that does not end the connection, and that its app may want to show or to log. */
export type Problem =
  /** The room could not use a message other than an edit, or would not, or sent what can't be read. */
  | { readonly source: "room"; readonly code: ErrorCode; readonly message: string }
  /** Nothing was refused yet, but a bound of the room is near: of what may be asked, or of the document's size. */
  | { readonly source: "warning"; readonly code: WarningCode; readonly message: string }
  /** There was no token, or no socket could be made. It is tried again. */
  | { readonly source: "connection"; readonly cause: unknown }
  /** The document can't be kept in the browser: what is unsaved does not survive a reload. */
  | { readonly source: "storage"; readonly cause: unknown };

/** Events of a `RoomConnection`. */
export interface RoomConnectionEvents {
  status: (event: { readonly status: "connecting" | "connected" | "disconnected" }) => void;
  /** A socket is gone; `null` when it was closed from here. */
  "connection-close": (event: CloseEvent | null) => void;
  "connection-error": (event: Event) => void;
  /** The room closed for good, for instance since it admits nobody without a token. `connect()` tries again. */
  closed: (ending: Ending) => void;
  /** The room said who this connection is and what it may do. */
  welcome: (welcome: { readonly peer: PeerId; readonly capabilities: readonly Capability[] }) => void;
  /** What this connection may do is known, or changed: by a fresh token, or by a moderator. */
  capabilities: (capabilities: readonly Capability[]) => void;
  /** Somebody published something: a participant, or a backend when `from` is absent. */
  event: (event: { readonly from?: PeerId; readonly data: Json }) => void;
  /** Somebody came, left or changed; nobody is known while there is no connection. */
  participants: (participants: readonly Participant[]) => void;
  problem: (problem: Problem) => void;
}

/** Events that y-websocket gives its provider as a second argument. */
type WithProvider = "connection-close" | "connection-error" | "closed";

/** Events of a `RoomProvider`. `status`, `sync`, `synced` and those with a second argument are y-websocket's. */
export interface RoomProviderEvents extends Omit<RoomConnectionEvents, WithProvider> {
  "connection-close": (event: CloseEvent | null, provider: RoomProvider) => void;
  "connection-error": (event: Event, provider: RoomProvider) => void;
  closed: (ending: Ending, provider: RoomProvider) => void;
  /** Whether the room's document is in this one. The same as `synced`. */
  sync: (isSynced: boolean) => void;
  synced: (isSynced: boolean) => void;
  /** `provider.saved` changed. */
  "saved-state": (saved: SavedState) => void;
  /** The room refused an edit. No further one is sent: see `RoomProvider.rebuilt`. */
  rejected: (rejection: Rejection) => void;
}
