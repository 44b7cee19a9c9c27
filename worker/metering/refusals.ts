import { ERRORS, type ErrorCode, isFinalClose, RoomfulError } from "../../shared/errors.ts";
import { explain, type Log } from "../runtime/logging.ts";
import type { Session } from "../sessions/session.ts";
import type { Limiter } from "./limiter.ts";
import { refusalCost } from "./prices.ts";

/** Counts and logs what the room refuses, and answers its sender. */
export class Refusals {
  readonly #log: Log;
  readonly #limiter: Limiter;
  readonly #counts: Record<string, number> = {};

  constructor(log: Log, limiter: Limiter) {
    this.#log = log;
    this.#limiter = limiter;
  }

  /** How often each code was refused since the object was started. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  count(code: ErrorCode): void {
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
  }

  /** Counts and logs a refusal at the door, where there is no session to be answered. */
  refuseEntry(refusal: RoomfulError): void {
    this.count(refusal.code);
    this.#log("warn", "refused", { code: refusal.code, detail: explain(refusal) });
  }

  /** Answers a message that could not be used and was not a sync frame, at its sender's cost. */
  refuseMessage(session: Session, caught: unknown): void {
    const refusal = refusalOf(caught);
    const { code } = refusal;
    this.count(code);
    const level = isFinalClose(ERRORS[code].close) ? "warn" : "error";
    this.#log(level, "refused", { peer: session.state.peer, code, detail: explain(refusal) });
    session.refuse(refusal);
    if (!session.isEnded) this.#limiter.spend(session, "refusals", refusalCost(code));
  }

  /** Answers a sync frame of which nothing was kept. Its sender is charged with the window. @param frame its number */
  rejectFrame(session: Session, frame: number, refusal: RoomfulError): void {
    const { code } = refusal;
    this.count(code);
    this.#log("warn", "rejected", { peer: session.state.peer, code, frame, detail: explain(refusal) });
    session.reject(frame, refusal);
  }
}

/** The refusal that a caught value stands for: `internal` when it is none. */
export function refusalOf(caught: unknown): RoomfulError {
  return caught instanceof RoomfulError ? caught : new RoomfulError("internal", undefined, { cause: caught });
}
