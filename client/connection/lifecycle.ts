/**
 * The life of a connection as a pure function: a state and an event give the next state and its effects. `Connector` runs
 * it, and owns the clock, the sockets and the token.
 */
import { isFinalClose } from "../../shared/errors.ts";
import { FOUND_DEAD_CLOSE } from "../../shared/messages.ts";

/** Why a connection ended for good, as the room's close frame says it. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** The data given to a socket. Both count bytes, and are 0 where the environment lacks `bufferedAmount`. */
export interface Upload {
  /** Data that the network has not taken yet. */
  readonly waiting: number;
  /** Data that the network took since the socket opened. */
  readonly taken: number;
}

/** The liveness of an open socket: its last sign of life, or an unanswered ping. */
type Liveness =
  | { readonly type: "heard"; readonly at: number }
  /** The client sent a ping, and heard nothing since. `upload` is the data that was last seen to wait before it. */
  | { readonly type: "pinged"; readonly upload: Upload };

/**
 * `attempt` numbers the tries to connect, and never repeats in a connection's life: an event of an earlier try is
 * recognized by it. `failures` counts the tries since the last useful connection.
 */
export type ConnectionState =
  /** Nobody wants a connection. */
  | { readonly type: "idle"; readonly attempt: number }
  | { readonly type: "fetching-token"; readonly attempt: number; readonly failures: number }
  | { readonly type: "connecting"; readonly attempt: number; readonly failures: number }
  | { readonly type: "open"; readonly attempt: number; readonly failures: number; readonly liveness: Liveness }
  /** A timer runs until the next try. */
  | { readonly type: "waiting"; readonly attempt: number; readonly failures: number }
  /** The room closed for good; only `connect` leads out. */
  | { readonly type: "ended"; readonly attempt: number; readonly ending: Ending }
  | { readonly type: "destroyed"; readonly attempt: number };

export type ConnectionEvent =
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  | { readonly type: "destroy" }
  /** The network came back, or somebody looks at the page again. */
  | { readonly type: "wake" }
  | { readonly type: "token"; readonly attempt: number; readonly token: string | undefined }
  | { readonly type: "token-failed"; readonly attempt: number }
  | { readonly type: "opened"; readonly attempt: number }
  /** Anything arrived. */
  | { readonly type: "heard"; readonly attempt: number }
  /** The connection did what it is for. */
  | { readonly type: "useful"; readonly attempt: number }
  | { readonly type: "closed"; readonly attempt: number; readonly code: number; readonly reason: string }
  /** The one timer fired. */
  | { readonly type: "timer"; readonly attempt: number };

export type ConnectionEffect =
  | { readonly type: "fetch-token"; readonly attempt: number }
  | { readonly type: "open-socket"; readonly attempt: number; readonly token: string | undefined }
  /** Closes the socket and forgets it: nothing that it does later counts. */
  | { readonly type: "close-socket"; readonly code: number }
  | { readonly type: "ping" }
  /** Starts the one timer, instead of the one that may run. */
  | { readonly type: "set-timer"; readonly attempt: number; readonly milliseconds: number }
  | { readonly type: "clear-timer" };

/** All in milliseconds. */
export interface ConnectionTiming {
  /** Silence after which a ping is sent. */
  readonly pingInterval: number;
  /** Silence after a ping that proves a socket dead; doubled up to 4 times while connections fail. */
  readonly pingTimeout: number;
  /** How long a token, and then a socket, may take. */
  readonly connectTimeout: number;
  /** Upper bound of the first wait; it doubles with each failure. */
  readonly firstBackoff: number;
  /** Upper bound of every wait. */
  readonly maxBackoff: number;
}

/** The surroundings of an event. */
export interface Circumstances {
  /** Milliseconds. */
  readonly now: number;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: number;
  readonly timing: ConnectionTiming;
  /** Of the present socket. */
  readonly upload: Upload;
}

export interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

/** The code of a close that means to leave. */
const NORMAL_CLOSE = 1000;

export const IDLE: ConnectionState = { type: "idle", attempt: 0 };

/** The next state and its effects. An event that does not fit the state, or is of an earlier attempt, changes nothing. */
export function step(state: ConnectionState, event: ConnectionEvent, circumstances: Circumstances): Step {
  if (state.type === "destroyed") return stay(state);
  if ("attempt" in event && event.attempt !== state.attempt) return stay(state);
  switch (event.type) {
    case "connect":
      return isUnderway(state) ? stay(state) : attempt(state, 0, circumstances);
    case "disconnect":
      return { state: { type: "idle", attempt: state.attempt }, effects: leave(state) };
    case "destroy":
      return { state: { type: "destroyed", attempt: state.attempt }, effects: leave(state) };
    case "wake":
      return wake(state, circumstances);
    case "token":
      if (state.type !== "fetching-token") return stay(state);
      return {
        state: { ...state, type: "connecting" },
        effects: [
          { type: "open-socket", attempt: state.attempt, token: event.token },
          timer(state.attempt, circumstances.timing.connectTimeout),
        ],
      };
    case "token-failed":
      return state.type === "fetching-token" ? retry(state, circumstances) : stay(state);
    case "opened":
      return state.type === "connecting" ? open(state, circumstances) : stay(state);
    case "heard":
      if (state.type !== "open") return stay(state);
      return stay({ ...state, liveness: { type: "heard", at: circumstances.now } });
    case "useful":
      return state.type === "open" ? stay({ ...state, failures: 0 }) : stay(state);
    case "closed":
      return afterClose(state, event, circumstances);
    case "timer":
      return timerFired(state, circumstances);
    default:
      return event satisfies never;
  }
}

/** Whether a token or a socket is there or on its way. */
function isUnderway(state: ConnectionState): boolean {
  return state.type === "fetching-token" || state.type === "connecting" || state.type === "open";
}

/**
 * Full jitter: a random wait up to a bound that doubles, so that clients whom one event disconnected do not come back together.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoff(failures: number, random: number, timing: ConnectionTiming): number {
  return random * Math.min(timing.maxBackoff, timing.firstBackoff * 2 ** (failures - 1));
}

/** The answer to a ping queues behind a large document on a slow link. */
function patience(failures: number, { pingTimeout }: ConnectionTiming): number {
  return pingTimeout * 2 ** Math.min(failures, 4);
}

function stay(state: ConnectionState): Step {
  return { state, effects: [] };
}

/** In whole milliseconds, upwards: a timer that fires too early by a rounding error would be set anew for ever. */
function timer(attempt: number, milliseconds: number): ConnectionEffect {
  return { type: "set-timer", attempt, milliseconds: Math.ceil(milliseconds) };
}

/** The effects of leaving a state. */
function leave(state: ConnectionState, code = NORMAL_CLOSE): ConnectionEffect[] {
  switch (state.type) {
    case "idle":
    case "ended":
    case "destroyed":
      return [];
    case "fetching-token":
    case "waiting":
      return [{ type: "clear-timer" }];
    case "connecting":
    case "open":
      return [{ type: "clear-timer" }, { type: "close-socket", code }];
    default:
      return state satisfies never;
  }
}

function attempt(state: ConnectionState, failures: number, { timing }: Circumstances): Step {
  const next = state.attempt + 1;
  return {
    state: { type: "fetching-token", attempt: next, failures },
    effects: [...leave(state), timer(next, timing.connectTimeout), { type: "fetch-token", attempt: next }],
  };
}

function retry(
  state: Extract<ConnectionState, { type: "fetching-token" | "connecting" | "open" }>,
  { random, timing }: Circumstances,
): Step {
  const failures = state.failures + 1;
  // Should the other side hear of it after all, it is told that this was no leaving.
  const code = state.type === "open" ? FOUND_DEAD_CLOSE : NORMAL_CLOSE;
  return {
    state: { type: "waiting", attempt: state.attempt, failures },
    effects: [...leave(state, code), timer(state.attempt, backoff(failures, random, timing))],
  };
}

function open(state: Extract<ConnectionState, { type: "connecting" }>, { now, timing }: Circumstances): Step {
  return {
    state: { ...state, type: "open", liveness: { type: "heard", at: now } },
    effects: [timer(state.attempt, timing.pingInterval)],
  };
}

function afterClose(state: ConnectionState, { code, reason }: Ending, circumstances: Circumstances): Step {
  if (state.type !== "connecting" && state.type !== "open") return stay(state);
  if (!isFinalClose(code)) return retry(state, circumstances);
  return { state: { type: "ended", attempt: state.attempt, ending: { code, reason } }, effects: leave(state) };
}

type OpenState = Extract<ConnectionState, { type: "open" }>;

function wake(state: ConnectionState, circumstances: Circumstances): Step {
  if (state.type === "waiting") return attempt(state, state.failures, circumstances);
  // The socket may have died unseen while the computer slept.
  return state.type === "open" && state.liveness.type === "heard" ? ping(state, circumstances) : stay(state);
}

function ping(state: OpenState, circumstances: Circumstances): Step {
  const { state: pinged, effects } = awaitAnswer(state, circumstances);
  return { state: pinged, effects: [{ type: "ping" }, ...effects] };
}

function awaitAnswer(state: OpenState, { timing, upload }: Circumstances): Step {
  return {
    state: { ...state, liveness: { type: "pinged", upload } },
    effects: [timer(state.attempt, patience(state.failures, timing))],
  };
}

/**
 * Whether an upload that waited has moved on: on a slow link the ping queues behind it. What is sent when nothing waits is no
 * sign of life, since the network takes some of it for a dead connection too.
 */
function hasMovedOn(before: Upload, now: Upload): boolean {
  return before.waiting > 0 && now.taken > before.taken;
}

function timerFired(state: ConnectionState, circumstances: Circumstances): Step {
  switch (state.type) {
    case "waiting":
      return attempt(state, state.failures, circumstances);
    case "fetching-token":
    case "connecting":
      return retry(state, circumstances);
    case "open": {
      if (state.liveness.type === "pinged") {
        const isAlive = hasMovedOn(state.liveness.upload, circumstances.upload);
        return isAlive ? awaitAnswer(state, circumstances) : retry(state, circumstances);
      }
      // The timer is not started anew with each message: what is left of the interval is waited for here.
      const { now, timing } = circumstances;
      const left = state.liveness.at + timing.pingInterval - now;
      return left <= 0
        ? ping(state, circumstances)
        : { state, effects: [timer(state.attempt, Math.min(left, timing.pingInterval))] };
    }
    case "idle":
    case "ended":
    case "destroyed":
      return stay(state);
    default:
      return state satisfies never;
  }
}
