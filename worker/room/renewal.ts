import { RoomfulError } from "../../shared/errors.ts";
import { type Grant, parseRoomName } from "../../shared/rooms.ts";
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

  /** Verifying may wait for keys. The outcome is told in a turn of its own. */
  async renew(session: Session, token: string): Promise<void> {
    const { refusals, turns } = this.#options;
    try {
      const grant = await this.#verify(token);
      turns.run(() => {
        if (grant.subject !== session.state.grant.subject) {
          throw new RoomfulError("forbidden", "another subject's token");
        }
        session.setGrant(grant);
      });
    } catch (caught) {
      turns.run(() => refusals.refuseMessage(session, MessageRefusal.about("auth", caught)));
    }
  }

  async #verify(token: string): Promise<Grant> {
    const { room, verifier } = this.#options;
    if (verifier === null) throw new RoomfulError("invalid-argument", "this deployment takes no tokens");
    const { grant } = await verifier.verify(token, parseRoomName(room));
    return grant;
  }
}
