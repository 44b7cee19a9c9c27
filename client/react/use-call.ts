import { useCallback, useSyncExternalStore } from "react";
import type { Call } from "../call/call.ts";
import type { CallEvents, CallPeer, CallState, LocalMedia, Playback } from "../call/states.ts";
import type { RoomProvider } from "../provider/provider.ts";
import type { RoomConnection } from "../room/room-connection.ts";
import { connectionOf } from "./connection-of.ts";

/** The present state of a call. */
export interface CallHook {
  readonly state: CallState;
  readonly peers: readonly CallPeer[];
  /** `null` without a room. */
  readonly local: LocalMedia | null;
  readonly playback: Playback;
  /** To join, leave, mute; `null` without a room. */
  readonly call: Call | null;
}

const IDLE: CallState = { type: "idle" };
const NOBODY: readonly CallPeer[] = [];

/** The room's call: it renders anew whenever something of the call changes. */
export function useCall(room: RoomConnection | RoomProvider | null): CallHook {
  const call = connectionOf(room)?.call ?? null;
  return {
    state: useCallValue(call, "state", () => call?.state ?? IDLE, IDLE),
    peers: useCallValue(call, "peers", () => call?.peers ?? NOBODY, NOBODY),
    local: useCallValue(call, "local", () => call?.local ?? null, null),
    playback: useCallValue<Playback>(call, "playback", () => call?.playback ?? "playing", "playing"),
    call,
  };
}

function useCallValue<Value>(call: Call | null, event: keyof CallEvents, read: () => Value, onServer: Value): Value {
  const subscribe = useCallback(
    (changed: () => void) => {
      call?.on(event, changed);
      return () => call?.off(event, changed);
    },
    [call, event],
  );
  return useSyncExternalStore(subscribe, read, () => onServer);
}
