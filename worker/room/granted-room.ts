import { RpcTarget } from "cloudflare:workers";
import * as v from "valibot";
import type { IceServers } from "../../shared/calls.ts";
import { RoomfulError } from "../../shared/errors.ts";
import { type Moderation, parseModeration, type RoomSettings } from "../../shared/moderation.ts";
import { CAPABILITIES, type Capability, type Grant, type Json, type Participant } from "../../shared/rooms.ts";
import type { Applied, RoomMethods, RoomStatistics, Roots, RootsAsJson } from "../../shared/rpc.ts";
import { demandHeld } from "../people/moderation.ts";

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
  readonly #admit: () => readonly Capability[];

  /**
   * @param admit what the grant allows by the room's own rules
   * @throws RoomfulError `invalid-argument`
   */
  constructor(room: RoomMethods, grant: Grant, admit: () => readonly Capability[]) {
    super();
    if (!v.is(GRANT, grant)) throw new RoomfulError("invalid-argument", "a grant");
    this.#room = room;
    this.#grant = grant;
    this.#admit = admit;
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

  /** Always those for who asks: nobody gets credentials in the name of others. */
  async iceServers(): Promise<IceServers> {
    return this.#with("call").iceServers(this.#grant.subject);
  }

  async publish(data: Json): Promise<void> {
    return this.#with("publish").publish(data);
  }

  async moderate(action: Moderation): Promise<void> {
    const room = this.#with("moderate");
    demandHeld(parseModeration(action), this.#admit());
    return room.moderate(action);
  }

  async getSettings(): Promise<RoomSettings> {
    return this.#with("moderate").getSettings();
  }

  async changeSettings(settings: Partial<RoomSettings>): Promise<RoomSettings> {
    return this.#with("moderate").changeSettings(settings);
  }

  async delete(): Promise<void> {
    return this.#with("moderate").delete();
  }

  /** The room, for who has the capability at this moment. */
  #with(capability: Capability): RoomMethods {
    const { expiresAt } = this.#grant;
    if (expiresAt !== undefined && Date.now() >= expiresAt) throw new RoomfulError("token-expired");
    if (!this.#admit().includes(capability)) throw new RoomfulError("forbidden", capability);
    return this.#room;
  }
}
