import type { Capability, Json, Participant, PeerId } from "../../shared/rooms.ts";
import type { Problem } from "../base/problem.ts";
import type { Ending } from "../connection/lifecycle.ts";

/** Events of a `RoomConnection`. */
export interface RoomConnectionEvents {
  status: (event: { readonly status: "connecting" | "connected" | "disconnected" }) => void;
  /** A socket is gone; `null` when this client closed it. */
  "connection-close": (event: CloseEvent | null) => void;
  "connection-error": (event: Event) => void;
  /** The room closed for good, for instance since it admits nobody without a token. `connect()` tries again. */
  closed: (ending: Ending) => void;
  /** The room assigned this connection its peer id and its rights. */
  welcome: (welcome: { readonly peer: PeerId; readonly capabilities: readonly Capability[] }) => void;
  /** The rights of this connection are known, or changed: by a fresh token, or by a moderator. */
  capabilities: (capabilities: readonly Capability[]) => void;
  /** Somebody published something: a participant, or a backend when `from` is absent. */
  event: (event: { readonly from?: PeerId; readonly data: Json }) => void;
  /** Somebody came, left or changed. The list is empty while there is no connection. */
  participants: (participants: readonly Participant[]) => void;
  problem: (problem: Problem) => void;
}
