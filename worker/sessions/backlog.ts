/** The part of the bound at which a client is asked to prove that it reads. */
const PROBE_AT = 0.25;

/** The part of the bound above which only what can't wait is sent. It was asked for a proof before. */
const BEHIND_AT = 0.5;

/** The count is saved each time it grows by this part of the bound: hibernation loses at most that much. */
const SAVED_EVERY = 1 / 16;

/** The nonce of a step 1, whose answer is a proof as well. No probe has it. */
export const STEP_1 = 0;

/** A nonce that nobody guesses: a client that does not read can't answer. */
export function newNonce(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random + 1;
}

/** Bytes that a client was sent and has not proved to have read. Survives hibernation in the socket's attachment. */
export interface BacklogState {
  /** Bytes. */
  unread: number;
  /** The proof that was asked for and not given yet: bytes that were sent after it, and what to answer. */
  probe: { readonly nonce: number; sentAfter: number } | null;
}

export const NO_BACKLOG: BacklogState = { unread: 0, probe: null };

/**
 * Counts bytes on their way to a client. The platform does not tell what waits for a socket whose peer reads nothing:
 * `bufferedAmount`, where there is one, counts what was sent in the same turn and is 0 in the next, whatever the peer
 * does. But messages arrive in order, so that an answer to one proves that everything before it was read.
 *
 * @returns `save`: the state should be saved; `probe`: it is time to ask for a proof; `lost`: the client is too far behind
 */
export function countSent(state: BacklogState, bytes: number, maxBytes: number): "fine" | "save" | "probe" | "lost" {
  const steps = Math.floor(state.unread / (maxBytes * SAVED_EVERY));
  state.unread += bytes;
  if (state.probe !== null) state.probe.sentAfter += bytes;
  if (state.unread > maxBytes) return "lost";
  if (state.probe === null && state.unread >= maxBytes * PROBE_AT) return "probe";
  return Math.floor(state.unread / (maxBytes * SAVED_EVERY)) > steps ? "save" : "fine";
}

/** Whether a client is so far behind that what can wait has to. */
export function isBehind({ unread }: BacklogState, maxBytes: number): boolean {
  return unread > maxBytes * BEHIND_AT;
}

/** Begins to count what follows a question. A second question does not take the first one's place. */
export function beginProbe(state: BacklogState, nonce: number): void {
  state.probe ??= { nonce, sentAfter: 0 };
}

/** Takes an answer. @returns whether it was asked for; else it proves nothing */
export function endProbe(state: BacklogState, nonce: number): boolean {
  if (state.probe?.nonce !== nonce) return false;
  state.unread = state.probe.sentAfter;
  state.probe = null;
  return true;
}
