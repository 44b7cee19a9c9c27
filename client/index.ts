/**
 * The client library (`docs/client.md`), and the vocabulary of `roomful.v1` for authors of other clients: frames, messages,
 * close codes, room names. `docs/PROTOCOL.md` has the rules.
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
export type { CallRequest, MessageToRoom } from "../shared/messages-to-room.ts";
export type { Moderation, RoomSettings } from "../shared/moderation.ts";
export {
  type Capability,
  type Json,
  type Participant,
  type PeerId,
  parseRoomName,
  type RoomName,
} from "../shared/rooms.ts";
export type { Clock } from "./base/clock.ts";
export type { Problem } from "./base/problem.ts";
export { readableRoomName, unguessableRoomName } from "./base/room-names.ts";
export { subjectOf } from "./base/token-subject.ts";
export { Call } from "./call/call.ts";
export { CallLine, type CallMessage, type LineListener, type Refusal } from "./call/line.ts";
export type { CallOptions, JoinOptions } from "./call/options.ts";
export type { CallEvents, CallPeer, CallState, DeviceState, LocalMedia, Playback, Quality } from "./call/states.ts";
export type { Ending } from "./connection/lifecycle.ts";
export type { Rebuilt, Rejection, SavedState } from "./document/saved.ts";
export type { OfflineStore, OpenOfflineStore } from "./offline/offline-store.ts";
export { type OfflineStoreCheck, offlineStoreChecks } from "./offline/offline-store-checks.ts";
export type { RoomProviderOptions } from "./provider/options.ts";
export { RoomAwareness } from "./provider/presence.ts";
export { RoomProvider, type RoomProviderEvents } from "./provider/provider.ts";
export type { DocumentLink, DocumentMessage } from "./room/document-link.ts";
export type { RoomConnectionEvents } from "./room/events.ts";
export type { RoomConnectionOptions, TokenSource } from "./room/options.ts";
export { RoomConnection } from "./room/room-connection.ts";
