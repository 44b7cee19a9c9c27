import { RoomfulError } from "../../shared/errors.ts";
import { type Grant, parseRoomName } from "../../shared/rooms.ts";
import type { TokenVerifier } from "../access/token-verifier.ts";
import type { Limiter } from "../metering/limiter.ts";
import { eventCost } from "../metering/prices.ts";
import type { Refusals } from "../metering/refusals.ts";
import type { Turns } from "../runtime/turns.ts";
import { MessageRefusal } from "../sessions/refusal.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";

interface RenewalOptions {
  /** The room's name. */
  readonly room: string;
  /** `null` where everybody enters, and no token says anything. */
  readonly verifier: TokenVerifier | null;
  readonly sessions: Sessions;
  readonly limiter: Limiter;
  readonly refusals: Refusals;
  readonly turns: Turns;
}

/** Takes a fresh token of the same subject, so that a session outlives its first one. */
export class Renewal {
  readonly #options: RenewalOptions;
  /** Sessions whose token is being verified, with the newest that came meanwhile. */
  readonly #renewing = new Map<Session, string | null>();

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /**
   * Renews a session's grant. Verifying may wait for keys: the outcome is told in a turn of its own. One token is verified at a
   * time; of those that come meanwhile the last one counts.
   */
  async renew(session: Session, token: string): Promise<void> {
    const isUnderWay = this.#renewing.has(session);
    this.#renewing.set(session, isUnderWay ? token : null);
    if (isUnderWay) return;
    for (let next: string | null = token; next !== null; next = this.#takeWaiting(session)) {
      await this.#renewWith(session, next);
    }
  }

  /** Takes the token that waits, or notes that none is being verified any more. */
  #takeWaiting(session: Session): string | null {
    const waiting = session.isEnded ? null : (this.#renewing.get(session) ?? null);
    if (waiting === null) this.#renewing.delete(session);
    else this.#renewing.set(session, null);
    return waiting;
  }

  async #renewWith(session: Session, token: string): Promise<void> {
    const { sessions, limiter, refusals, turns } = this.#options;
    try {
      const grant = await this.#verify(token);
      turns.run(() => {
        if (grant.subject !== session.state.grant.subject) {
          throw new RoomfulError("forbidden", "another subject's token");
        }
        const isNews = session.setGrant(grant);
        if (isNews) limiter.spend(session, "messages", eventCost(0, sessions.size));
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
