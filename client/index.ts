/**
 * The client library (`docs/client.md`), and the vocabulary of `roomful.v1` for who writes a client of their own: frames,
 * messages, close codes, room names. What the rules are is in `docs/PROTOCOL.md`.
 */

export type { CallMember, IceCandidate, IceServer, IceServers, Media } from "../shared/calls.ts";
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
  PING,
  parseMessageFromRoom,
  ROOMFUL_PROTOCOL,
  type WarningCode,
} from "../shared/messages.ts";
export type { MessageToRoom } from "../shared/messages-to-room.ts";
export type { Moderation, RoomSettings } from "../shared/moderation.ts";
export {
  type Capability,
  type Json,
  type Participant,
  type PeerId,
  parseRoomName,
  type RoomName,
} from "../shared/rooms.ts";
export { Call, type JoinOptions } from "./call/call.ts";
export { CallLine, type CallMessage, type CallRequest, type LineListener, type Refusal } from "./call/line.ts";
export type { CallOptions } from "./call/options.ts";
export type { CallEvents, CallPeer, CallState, DeviceState, LocalMedia, Playback, Quality } from "./call/states.ts";
export type { Clock } from "./clock.ts";
export type { Ending } from "./connection.ts";
export type { Problem, RoomConnectionEvents, RoomProviderEvents } from "./events.ts";
export type { OfflineStore, OpenOfflineStore } from "./offline-store.ts";
export { type OfflineStoreCheck, offlineStoreChecks } from "./offline-store-checks.ts";
export type { RoomConnectionOptions, RoomProviderOptions, TokenSource } from "./options.ts";
export { RoomAwareness } from "./presence.ts";
export { RoomProvider } from "./provider.ts";
export { type DocumentLink, type DocumentMessage, RoomConnection } from "./room-connection.ts";
export { readableRoomName, unguessableRoomName } from "./room-names.ts";
export type { Rebuilt, Rejection, SavedState } from "./saved.ts";
export { subjectOf } from "./tabs.ts";
