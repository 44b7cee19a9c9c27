import { parseRoomName, type RoomMethods } from "../shared/rooms.ts";
import type { Room } from "./room.ts";

/**
 * A room as another Worker calls it. Where the namespace's own stub would lose the types of generic methods, this has
 * them whole.
 */
export type RoomStub = RoomMethods & Pick<DurableObjectStub, "fetch" | "id">;

/**
 * The room of a name.
 * @throws RoomfulError `bad-room-name` for a name under which no client could reach it
 */
export function getRoom(namespace: DurableObjectNamespace<Room>, name: string): RoomStub {
  return namespace.getByName(parseRoomName(name)) as unknown as RoomStub;
}
