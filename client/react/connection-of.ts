import type { RoomProvider } from "../provider/provider.ts";
import type { RoomConnection } from "../room/room-connection.ts";

/** The connection of a provider, or the connection itself: hooks about the room alone take either. */
export function connectionOf(room: RoomConnection | RoomProvider | null): RoomConnection | null {
  return room !== null && "connection" in room ? room.connection : room;
}
