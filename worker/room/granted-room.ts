import { RpcTarget } from "cloudflare:workers";
import * as v from "valibot";
import type { IceServers } from "../../shared/calls.ts";
import { RoomfulError } from "../../shared/errors.ts";
import { SUBJECT_CHARACTERS } from "../../shared/limits.ts";
import { type Moderation, parseModeration, type RoomSettings } from "../../shared/moderation.ts";
import { CAPABILITIES, type Capability, type Grant, type Json, type Participant } from "../../shared/rooms.ts";
import type { Applied, RoomMethods, RoomStatistics, Roots, RootsAsJson } from "../../shared/rpc.ts";
import type { Kind } from "../metering/budget.ts";
import type { Payer } from "../metering/limiter.ts";
import { callCost, refusalCost } from "../metering/prices.ts";
import { demandHeld } from "../people/moderation.ts";

const GRANT = v.object({
  capabilities: v.array(v.picklist(CAPABILITIES)),
  subject: v.optional(v.pipe(v.string(), v.maxLength(SUBJECT_CHARACTERS))),
  name: v.optional(v.pipe(v.string(), v.maxLength(SUBJECT_CHARACTERS))),
  expiresAt: v.optional(v.pipe(v.number(), v.finite())),
});

/** A room whose costly methods are paid for. */
export interface PaidRoom extends RoomMethods {
  getState(stateVector?: Uint8Array, pay?: Payer): Promise<Uint8Array>;
  getStateVector(pay?: Payer): Promise<Uint8Array>;
  getJson<const Asked extends Roots>(roots: Asked, pay?: Payer): Promise<RootsAsJson<Asked>>;
  applyUpdate(update: Uint8Array, pay?: Payer): Promise<Applied>;
  participants(pay?: Payer): Promise<Participant[]>;
  publish(data: Json, pay?: Payer): Promise<void>;
  flush(pay?: Payer): Promise<void>;
}

/** A caller as the room knows it. */
interface Caller {
  /** The capabilities that the room's own rules leave to the grant. Throws their refusal. */
  capabilities(): readonly Capability[];
  /** Throws `rate-limited` while the caller's account owes more than a bucket holds. */
  demandSolvent(): void;
  readonly pay: Payer;
}

/**
 * A room's methods within what a grant allows. `Room.as` hands it out to callers by RPC and by HTTP, so that calls are
 * checked and charged for in one place. Each call checks the grant's end too, since a stub may be held for long.
 */
export class GrantedRoom extends RpcTarget implements RoomMethods {
  readonly #room: PaidRoom;
  readonly #grant: Grant;
  readonly #caller: Caller;

  /** @throws RoomfulError `invalid-argument` when the grant is malformed */
  constructor(room: PaidRoom, grant: Grant, caller: Caller) {
    super();
    if (!v.is(GRANT, grant)) throw new RoomfulError("invalid-argument", "a grant");
    this.#room = room;
    this.#grant = grant;
    this.#caller = caller;
  }

  /** Checks a right alone, for who has not read yet what it is wanted for. @throws RoomfulError as the methods do */
  async demand(capability: Capability): Promise<void> {
    this.#demand(capability, "messages");
  }

  async getState(stateVector?: Uint8Array): Promise<Uint8Array> {
    return this.#demand("read", "joins").getState(stateVector, this.#caller.pay);
  }

  async getStateVector(): Promise<Uint8Array> {
    return this.#demand("read", "joins").getStateVector(this.#caller.pay);
  }

  async getJson<const Asked extends Roots>(roots: Asked): Promise<RootsAsJson<Asked>> {
    return this.#demand("read", "joins").getJson(roots, this.#caller.pay);
  }

  async applyUpdate(update: Uint8Array): Promise<Applied> {
    return this.#demand("write", "edits").applyUpdate(update, this.#caller.pay);
  }

  async participants(): Promise<Participant[]> {
    return this.#demand("read", "messages").participants(this.#caller.pay);
  }

  async statistics(): Promise<RoomStatistics> {
    return this.#demand("moderate", "messages").statistics();
  }

  async flush(): Promise<void> {
    return this.#demand("moderate", "joins").flush(this.#caller.pay);
  }

  /** Credentials are issued to the grant's own subject only. */
  async iceServers(): Promise<IceServers> {
    return this.#demand("call", "messages").iceServers(this.#grant.subject);
  }

  async publish(data: Json): Promise<void> {
    return this.#demand("publish", "messages").publish(data, this.#caller.pay);
  }

  async moderate(action: Moderation): Promise<void> {
    const room = this.#demand("moderate", "messages");
    demandHeld(parseModeration(action), this.#caller.capabilities());
    return room.moderate(action);
  }

  async getSettings(): Promise<RoomSettings> {
    return this.#demand("moderate", "messages").getSettings();
  }

  async changeSettings(settings: Partial<RoomSettings>): Promise<RoomSettings> {
    return this.#demand("moderate", "messages").changeSettings(settings);
  }

  async delete(): Promise<void> {
    return this.#demand("moderate", "messages").delete();
  }

  /**
   * The room, if the grant has the capability at this moment and its account can pay. The call itself is paid for here, and
   * what it makes the room do by the method.
   * @throws RoomfulError `token-expired`, `forbidden`, `rate-limited`, and what the room's own rules throw
   */
  #demand(capability: Capability, kind: Kind): PaidRoom {
    this.#caller.demandSolvent();
    try {
      this.#demandRight(capability);
    } catch (refusal) {
      this.#caller.pay("refusals", refusalCost("internal"));
      throw refusal;
    }
    this.#caller.pay(kind, callCost());
    return this.#room;
  }

  #demandRight(capability: Capability): void {
    const { expiresAt } = this.#grant;
    if (expiresAt !== undefined && Date.now() >= expiresAt) throw new RoomfulError("token-expired");
    if (!this.#caller.capabilities().includes(capability)) throw new RoomfulError("forbidden", capability);
  }
}
