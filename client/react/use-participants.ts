import { useCallback, useSyncExternalStore } from "react";
import type { Participant } from "../../shared/rooms.ts";
import type { RoomProvider } from "../provider/provider.ts";
import type { RoomConnection } from "../room/room-connection.ts";
import { connectionOf } from "./connection-of.ts";

const NOBODY: readonly Participant[] = [];

/** The participants that the room vouches for, this client included: it renders anew whenever they change. */
export function useParticipants(room: RoomConnection | RoomProvider | null): readonly Participant[] {
  const connection = connectionOf(room);
  const subscribe = useCallback(
    (changed: () => void) => {
      connection?.on("participants", changed);
      return () => connection?.off("participants", changed);
    },
    [connection],
  );
  return useSyncExternalStore(
    subscribe,
    () => connection?.participants ?? NOBODY,
    () => NOBODY,
  );
}
