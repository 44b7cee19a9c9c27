import { RoomfulError } from "../../shared/errors.ts";
import { parseRoomName } from "../../shared/rooms.ts";
import type { TokenVerifier } from "../access/token-verifier.ts";
import type { Refusals } from "../metering/refusals.ts";
import type { Turns } from "../runtime/turns.ts";
import { MessageRefusal } from "../sessions/refusal.ts";
import type { Session } from "../sessions/session.ts";

interface RenewalOptions {
  /** The room's name. */
  readonly room: string;
  /** `null` where everybody enters, and no token says anything. */
  readonly verifier: TokenVerifier | null;
  readonly refusals: Refusals;
  readonly turns: Turns;
}

/** Takes a fresh token of the same subject, so that a session outlives its first one. */
export class Renewal {
  readonly #options: RenewalOptions;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Verifying may wait for keys. What comes of it is told in a later turn. */
  async renew(session: Session, token: string): Promise<void> {
    const { room, verifier, refusals, turns } = this.#options;
    try {
      if (verifier === null) throw new RoomfulError("invalid-argument", "this deployment takes no tokens");
      const { grant } = await verifier.verify(token, parseRoomName(room));
      turns.run(() => {
        if (grant.subject !== session.state.grant.subject) {
          throw new RoomfulError("forbidden", "another subject's token");
        }
        session.setGrant(grant);
      });
    } catch (caught) {
      const refusal = caught instanceof RoomfulError ? new MessageRefusal("auth", caught) : caught;
      turns.run(() => refusals.refuseMessage(session, refusal));
    }
  }
}
