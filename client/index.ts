/**
 * The client library (`docs/client.md`), and the vocabulary of `roomful.v1` for who writes a client of their own: frames,
 * messages, close codes, room names. What the rules are is in `docs/PROTOCOL.md`.
 */
export { ERRORS, type ErrorCode, errorCodeOf, isFinalClose, RoomfulError } from "../shared/errors.ts";
export {
  type AwarenessEntry,
  decodeFrame,
  encodeAwareness,
  encodeQueryAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
} from "../shared/frames.ts";
export {
  type MessageFromRoom,
  type MessageToRoom,
  PING,
  parseMessageFromRoom,
  ROOMFUL_PROTOCOL,
  type WarningCode,
} from "../shared/messages.ts";
export type { Moderation, RoomSettings } from "../shared/moderation.ts";
export {
  type Capability,
  type Json,
  type Participant,
  type PeerId,
  parseRoomName,
  type RoomName,
} from "../shared/rooms.ts";
export type { Clock } from "./clock.ts";
export type { Ending } from "./connection.ts";
export type { Problem, RoomProviderEvents } from "./events.ts";
export type { OfflineStore, OpenOfflineStore } from "./offline-store.ts";
export { type OfflineStoreCheck, offlineStoreChecks } from "./offline-store-checks.ts";
export type { RoomProviderOptions, TokenSource } from "./options.ts";
export { RoomAwareness } from "./presence.ts";
export { RoomProvider } from "./provider.ts";
export { readableRoomName, unguessableRoomName } from "./room-names.ts";
export type { Rebuilt, Rejection, SavedState } from "./saved.ts";
