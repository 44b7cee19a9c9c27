import { RpcTarget } from "cloudflare:workers";
import * as v from "valibot";
import type { IceServers } from "../../shared/calls.ts";
import { RoomfulError } from "../../shared/errors.ts";
import { SUBJECT_CHARACTERS } from "../../shared/limits.ts";
import { type Moderation, parseModeration, type RoomSettings } from "../../shared/moderation.ts";
import { CAPABILITIES, type Capability, type Grant, type Json, type Participant } from "../../shared/rooms.ts";
import type { Applied, RoomMethods, RoomStatistics, Roots, RootsAsJson } from "../../shared/rpc.ts";
import { demandHeld } from "../people/moderation.ts";

const GRANT = v.object({
  capabilities: v.array(v.picklist(CAPABILITIES)),
  subject: v.optional(v.pipe(v.string(), v.maxLength(SUBJECT_CHARACTERS))),
  name: v.optional(v.pipe(v.string(), v.maxLength(SUBJECT_CHARACTERS))),
  expiresAt: v.optional(v.pipe(v.number(), v.finite())),
});

/**
 * A room's methods within what a grant allows. `Room.as` hands it out to callers by RPC and by HTTP, so that calls are
 * checked in one place. Each call checks the grant's end too, since a stub may be held for long.
 */
export class GrantedRoom extends RpcTarget implements RoomMethods {
  readonly #room: RoomMethods;
  readonly #grant: Grant;
  readonly #admit: () => readonly Capability[];

  /**
   * @param admit returns the capabilities that the room's own rules leave to the grant, or throws their refusal
   * @throws RoomfulError `invalid-argument` when the grant is malformed
   */
  constructor(room: RoomMethods, grant: Grant, admit: () => readonly Capability[]) {
    super();
    if (!v.is(GRANT, grant)) throw new RoomfulError("invalid-argument", "a grant");
    this.#room = room;
    this.#grant = grant;
    this.#admit = admit;
  }

  async getState(stateVector?: Uint8Array): Promise<Uint8Array> {
    return this.#demand("read").getState(stateVector);
  }

  async getStateVector(): Promise<Uint8Array> {
    return this.#demand("read").getStateVector();
  }

  async getJson<const Asked extends Roots>(roots: Asked): Promise<RootsAsJson<Asked>> {
    return this.#demand("read").getJson(roots);
  }

  async applyUpdate(update: Uint8Array): Promise<Applied> {
    return this.#demand("write").applyUpdate(update);
  }

  async participants(): Promise<Participant[]> {
    return this.#demand("read").participants();
  }

  async statistics(): Promise<RoomStatistics> {
    return this.#demand("moderate").statistics();
  }

  async flush(): Promise<void> {
    return this.#demand("moderate").flush();
  }

  /** Credentials are issued to the grant's own subject only. */
  async iceServers(): Promise<IceServers> {
    return this.#demand("call").iceServers(this.#grant.subject);
  }

  async publish(data: Json): Promise<void> {
    return this.#demand("publish").publish(data);
  }

  async moderate(action: Moderation): Promise<void> {
    const room = this.#demand("moderate");
    demandHeld(parseModeration(action), this.#admit());
    return room.moderate(action);
  }

  async getSettings(): Promise<RoomSettings> {
    return this.#demand("moderate").getSettings();
  }

  async changeSettings(settings: Partial<RoomSettings>): Promise<RoomSettings> {
    return this.#demand("moderate").changeSettings(settings);
  }

  async delete(): Promise<void> {
    return this.#demand("moderate").delete();
  }

  /** The room, if the grant has the capability at this moment. @throws RoomfulError `token-expired`, `forbidden` */
  #demand(capability: Capability): RoomMethods {
    const { expiresAt } = this.#grant;
    if (expiresAt !== undefined && Date.now() >= expiresAt) throw new RoomfulError("token-expired");
    if (!this.#admit().includes(capability)) throw new RoomfulError("forbidden", capability);
    return this.#room;
  }
}
