import { RoomfulError } from "../../shared/errors.ts";
import type { Session } from "../sessions/session.ts";
import type { Settings } from "../settings/settings.ts";
import { Budget, KINDS, type Kind, type Rates } from "./budget.ts";

/** Accounts that are remembered. Above that the oldest is forgotten: each is an object in a room's memory. */
const REMEMBERED_ACCOUNTS = 10_000;

/** Takes room time, in microseconds, from whoever a call is made for. */
export type Payer = (kind: Kind, cost: number) => void;

/** Pays for calls of Workers that are bound to the rooms: they are trusted, and nothing is counted. */
export const FREE: Payer = () => {};

/**
 * Bounds what each socket may ask of the room, and remembers under their account what those spent who left, and that they
 * came: an account that emptied a bucket, or connects again and again, is refused at the door until it is refilled.
 *
 * All of it is memory. Hibernation forgets it, which takes 10 s without any event: then nobody was there to be hurt.
 */
export class Limiter {
  readonly #rates: Rates;
  readonly #now: () => number;
  readonly #budgets = new WeakMap<Session, Budget>();
  /** The debts of accounts: for their connections and calls, and what sessions that left had not paid. Oldest first. */
  readonly #left = new Map<string, Budget>();

  /** @param now milliseconds */
  constructor(rates: Rates, now: () => number = Date.now) {
    this.#rates = rates;
    this.#now = now;
  }

  /** @throws RoomfulError `rate-limited` when this account owes more than flowed back since */
  admit(account: string | null): void {
    const owed = account === null ? undefined : this.#left.get(account);
    if (owed === undefined || account === null) return;
    if (!owed.isSolvent) throw new RoomfulError("rate-limited", "what was spent before is not refilled yet");
    if (owed.isFull) this.#left.delete(account);
  }

  /**
   * Takes room time, in microseconds, from a session. Warns it when most is spent, and ends it when all is.
   * @returns whether the session is still there
   */
  spend(session: Session, kind: Kind, cost: number): boolean {
    let budget = this.#budgets.get(session);
    if (budget === undefined) {
      budget = this.newBudget();
      this.#budgets.set(session, budget);
    }
    const verdict = budget.spend(kind, cost);
    switch (verdict) {
      case "granted":
        return true;
      case "nearly-spent":
        session.warn("rate-limit-near", `${kind}: most of what this connection may ask for is used up; slow down`);
        return !session.isEnded;
      case "spent":
        session.end("rate-limited", kind);
        return false;
      default:
        return verdict satisfies never;
    }
  }

  /** Gives what is left of a session's budget to the session that takes its place: coming back refills nothing. */
  handOver(former: Session, heir: Session): void {
    const budget = this.#budgets.get(former);
    if (budget === undefined) return;
    this.#budgets.set(heir, budget);
    this.#budgets.delete(former);
  }

  /** Lets the account of a session that is gone owe what the session spent. */
  settle(session: Session): void {
    const budget = this.#budgets.get(session);
    if (budget !== undefined) this.remember(session.state.account, budget);
  }

  /** A full budget, for a socket that is no session. */
  newBudget(): Budget {
    return new Budget(this.#rates, this.#now);
  }

  /** Lets an account owe what is missing from a budget whose owner left. */
  remember(account: string | null, budget: Budget): void {
    if (account === null || budget.isFull) return;
    this.#owedBy(account).take(budget);
  }

  /** Lets an account owe a cost that its next connection must not be rid of. */
  charge(account: string | null, kind: Kind, cost: number): void {
    if (account !== null) this.#owedBy(account).owe(kind, cost);
  }

  /** Takes room time for a call from an account. Who empties a bucket owes the penalty, once, and is admitted no more. */
  chargeCall(account: string, kind: Kind, cost: number): void {
    const owed = this.#owedBy(account);
    if (owed.isSolvent) owed.spend(kind, cost);
    else owed.owe(kind, cost);
  }

  /** The debts of an account, which becomes the newest. */
  #owedBy(account: string): Budget {
    const owed = this.#left.get(account) ?? this.newBudget();
    this.#left.delete(account);
    this.#left.set(account, owed);
    const [oldest] = this.#left.size > REMEMBERED_ACCOUNTS ? this.#left.keys() : [];
    if (oldest !== undefined) this.#left.delete(oldest);
    return owed;
  }
}

const MICROSECONDS_PER_MILLISECOND = 1_000;

/** The rates that a deployment set, in milliseconds of room time per second. */
export function ratesOf(settings: Settings): Rates {
  const { EDIT_RATE, JOIN_RATE, PRESENCE_RATE, MESSAGE_RATE, REFUSAL_RATE } = settings;
  const milliseconds: Rates = {
    edits: EDIT_RATE,
    joins: JOIN_RATE,
    presence: PRESENCE_RATE,
    messages: MESSAGE_RATE,
    refusals: REFUSAL_RATE,
  };
  const rates = KINDS.map((kind) => [kind, milliseconds[kind] * MICROSECONDS_PER_MILLISECOND]);
  return Object.fromEntries(rates) as Rates;
}
