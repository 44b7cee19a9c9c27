import { RoomfulError } from "../../shared/errors.ts";
import { type Capability, type Grant, type Jurisdiction, type Placement, parseRoomName } from "../../shared/rooms.ts";
import type { RoomMethods } from "../../shared/rpc.ts";
import type { Room } from "./room.ts";

/** A room's methods within what a grant allows. Its holder disposes of it: the room stays awake until then. */
export type GrantedRoomStub = RoomMethods &
  Disposable & {
    /** Checks a right alone. @throws `token-expired`, `forbidden`, `rate-limited`, and what the room's own rules throw */
    demand(capability: Capability): Promise<void>;
  };

/**
 * A room as another Worker calls it. The namespace's own stub would lose the types of generic methods; this one keeps
 * them.
 */
export type RoomStub = RoomMethods &
  Pick<DurableObjectStub, "fetch" | "id"> & {
    /**
     * The same methods, each call checked against the grant and its end, and charged to its subject.
     * @param origin of the page that calls, if one does
     * @param network of the caller, in any form: calls of who has no subject are charged to it
     * @throws `invalid-argument` when `grant` is malformed
     */
    as(grant: Grant, origin?: string | null, network?: string | null): Promise<GrantedRoomStub>;
  };

/**
 * The room of a name.
 * @param placement names the jurisdiction that setting or token gives to clients: the same name in another jurisdiction
 * is another room
 * @throws RoomfulError `bad-room-name` for a name that no client could use; `misconfigured` for a jurisdiction that the
 * runtime does not know (the local runtime knows none): a room is never kept where it must not be
 */
export function getRoom(
  namespace: DurableObjectNamespace<Room>,
  name: string,
  { jurisdiction, locationHint }: Placement = {},
): RoomStub {
  const placed = jurisdiction === undefined ? namespace : inJurisdiction(namespace, jurisdiction);
  const stub = placed.getByName(parseRoomName(name), locationHint && { locationHint });
  return stub as unknown as RoomStub;
}

function inJurisdiction(
  namespace: DurableObjectNamespace<Room>,
  jurisdiction: Jurisdiction,
): DurableObjectNamespace<Room> {
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (cause) {
    throw new RoomfulError("misconfigured", `this runtime has no jurisdiction ${jurisdiction}`, { cause });
  }
}
