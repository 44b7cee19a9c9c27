import { RoomfulError } from "../../shared/errors.ts";
import { type Grant, type Jurisdiction, type Placement, parseRoomName } from "../../shared/rooms.ts";
import type { RoomMethods } from "../../shared/rpc.ts";
import type { Room } from "./room.ts";

/** A room's methods within what a grant allows. To be disposed of: the room stays awake for as long as somebody holds it. */
export type GrantedRoomStub = RoomMethods & Disposable;

/**
 * A room as another Worker calls it. Where the namespace's own stub would lose the types of generic methods, this has
 * them whole.
 */
export type RoomStub = RoomMethods &
  Pick<DurableObjectStub, "fetch" | "id"> & {
    /**
     * The same methods for somebody who may not do everything: each call is checked against the grant, and its end.
     * @param origin of the page that calls, if one does
     * @throws `invalid-argument` when it is no grant
     */
    as(grant: Grant, origin?: string | null): Promise<GrantedRoomStub>;
  };

/**
 * The room of a name.
 * @param placement has to name the jurisdiction that clients are led to, by setting or by token: in another one it is
 * another room
 * @throws RoomfulError `bad-room-name` for a name under which no client could reach it; `misconfigured` for a jurisdiction
 * that the runtime does not know, as the local one knows none: a room is never kept where it must not be
 */
export function getRoom(
  namespace: DurableObjectNamespace<Room>,
  name: string,
  { jurisdiction, locationHint }: Placement = {},
): RoomStub {
  const placed = jurisdiction === undefined ? namespace : within(namespace, jurisdiction);
  const stub = placed.getByName(parseRoomName(name), locationHint && { locationHint });
  return stub as unknown as RoomStub;
}

function within(namespace: DurableObjectNamespace<Room>, jurisdiction: Jurisdiction): DurableObjectNamespace<Room> {
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (cause) {
    throw new RoomfulError("misconfigured", `this runtime has no jurisdiction ${jurisdiction}`, { cause });
  }
}
