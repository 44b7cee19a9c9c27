import { RpcTarget } from "cloudflare:workers";
import * as v from "valibot";
import { RoomfulError } from "../shared/errors.ts";
import {
  type Applied,
  CAPABILITIES,
  type Capability,
  type Grant,
  type Participant,
  type RoomMethods,
  type RoomStatistics,
  type Roots,
  type RootsAsJson,
} from "../shared/rooms.ts";

const GRANT = v.object({
  capabilities: v.array(v.picklist(CAPABILITIES)),
  subject: v.optional(v.string()),
  name: v.optional(v.string()),
  expiresAt: v.optional(v.number()),
});

/**
 * A room's methods within what a grant allows, as `Room.as` hands it out: the one place where calls are checked, by RPC
 * and by HTTP. The grant's end is looked at on every call, since a stub may be held for long.
 */
export class GrantedRoom extends RpcTarget implements RoomMethods {
  readonly #room: RoomMethods;
  readonly #grant: Grant;

  /** @throws RoomfulError `invalid-argument` */
  constructor(room: RoomMethods, grant: Grant) {
    super();
    if (!v.is(GRANT, grant)) throw new RoomfulError("invalid-argument", "a grant");
    this.#room = room;
    this.#grant = grant;
  }

  async getState(stateVector?: Uint8Array): Promise<Uint8Array> {
    return this.#with("read").getState(stateVector);
  }

  async getStateVector(): Promise<Uint8Array> {
    return this.#with("read").getStateVector();
  }

  async getJson<const Asked extends Roots>(roots: Asked): Promise<RootsAsJson<Asked>> {
    return this.#with("read").getJson(roots);
  }

  async applyUpdate(update: Uint8Array): Promise<Applied> {
    return this.#with("write").applyUpdate(update);
  }

  async participants(): Promise<Participant[]> {
    return this.#with("read").participants();
  }

  async statistics(): Promise<RoomStatistics> {
    return this.#with("moderate").statistics();
  }

  async flush(): Promise<void> {
    return this.#with("moderate").flush();
  }

  /** The room, for who has the capability at this moment. */
  #with(capability: Capability): RoomMethods {
    const { capabilities, expiresAt } = this.#grant;
    if (expiresAt !== undefined && Date.now() >= expiresAt) throw new RoomfulError("token-expired");
    if (!capabilities.includes(capability)) throw new RoomfulError("forbidden", capability);
    return this.#room;
  }
}
