import { useCallback, useSyncExternalStore } from "react";
import type { Call } from "../call/call.ts";
import type { CallEvents, CallPeer, CallState, LocalMedia, Playback } from "../call/states.ts";

/** A call, as it is now. */
export interface CallHook {
  readonly state: CallState;
  readonly peers: readonly CallPeer[];
  /** `null` without a provider. */
  readonly local: LocalMedia | null;
  readonly playback: Playback;
  /** To join, leave, mute; `null` without a provider. */
  readonly call: Call | null;
}

const IDLE: CallState = { type: "idle" };
const NOBODY: readonly CallPeer[] = [];

/** The room's call, and a new render whenever something of it changes. @param provider anything that has a call */
export function useCall(provider: { readonly call: Call } | null): CallHook {
  const call = provider?.call ?? null;
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
