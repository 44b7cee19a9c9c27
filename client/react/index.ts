/** Hooks for React 18 and newer. Thin: all that they do is by the public parts of `RoomProvider`. */
export { type CallHook, useCall } from "./use-call.ts";
export { useParticipants } from "./use-participants.ts";
export { type OtherPresence, type PresenceHook, usePresence } from "./use-presence.ts";
export { type OpenRoom, useRoom } from "./use-room.ts";
export { useSaved } from "./use-saved.ts";
