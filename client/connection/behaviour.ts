import { RoomfulError } from "../../shared/errors.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { ConnectionTiming } from "./lifecycle.ts";
import { onPageWake } from "./wake.ts";

/** Options that decide when a connection is tried, tested and given up. */
export interface BehaviourOptions {
  /**
   * Upper bound of the wait before a reconnect, in milliseconds above 0. Default: 10,000. The bound starts at 200 and
   * doubles; each wait is a random part of it.
   */
  readonly maxBackoffTime?: number;
  /** Silence after which the client pings the room, in milliseconds above 0. Default: 25,000. */
  readonly pingInterval?: number;
  /**
   * Silence after a ping that proves the connection dead, in milliseconds above 0. Default: 10,000. Doubled up to 4 times
   * while connections fail, since a large document on a slow link delays the answer. An upload that moves on extends it.
   */
  readonly pingTimeout?: number;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests. From 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  /** For tests, and for environments with other signs that a connection is worth a try. @returns a function that stops it */
  readonly onWake?: (wake: () => void) => () => void;
}

/** How a connection behaves, with every default filled in. */
export interface Behaviour {
  readonly clock: Clock;
  readonly random: () => number;
  readonly onWake: (wake: () => void) => () => void;
  readonly timing: ConnectionTiming;
}

/** Milliseconds that a token, and then a socket, may take. */
const CONNECT_TIMEOUT_MS = 30_000;

/** Upper bound of the first wait before a reconnect, in milliseconds. */
const FIRST_BACKOFF_MS = 200;

/** @throws RoomfulError `invalid-argument`, naming the option that is out of its range */
export function behaviourOf(options: BehaviourOptions): Behaviour {
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    onWake: options.onWake ?? onPageWake,
    timing: {
      pingInterval: duration("pingInterval", options.pingInterval ?? 25_000),
      pingTimeout: duration("pingTimeout", options.pingTimeout ?? 10_000),
      connectTimeout: CONNECT_TIMEOUT_MS,
      firstBackoff: FIRST_BACKOFF_MS,
      maxBackoff: duration("maxBackoffTime", options.maxBackoffTime ?? 10_000),
    },
  };
}

function duration(name: string, milliseconds: number): number {
  if (Number.isFinite(milliseconds) && milliseconds > 0) return milliseconds;
  throw new RoomfulError("invalid-argument", `${name} is a number of milliseconds above 0`);
}
