/**
 * How a connection with one peer is negotiated, as a pure function: a state and an event give the next state and what is to
 * be done. `Peer` does it. One operation at a time is under way on the RTCPeerConnection; what arrives meanwhile waits.
 *
 * Within one connection this is the perfect negotiation of the WebRTC specification; around it, connections have ids, since
 * a message may be meant for a connection that is closed.
 * @see https://www.w3.org/TR/webrtc/#perfect-negotiation-example
 */
import type { ConnectionId, IceCandidate } from "../../shared/calls.ts";

/** A message of one peer to another, relayed by the room. */
export type Signal =
  | {
      readonly type: "offer" | "answer";
      readonly connection: ConnectionId;
      readonly round: number;
      readonly sdp: string;
    }
  | {
      readonly type: "ice-candidates";
      readonly connection: ConnectionId;
      readonly candidates: readonly IceCandidate[];
    };

type Described = Extract<Signal, { sdp: string }>;

/** How media flows, after `RTCPeerConnection.connectionState`. */
export type MediaPath = "connecting" | "connected" | "disconnected" | "failed";

/** Where the descriptions stand. */
type Phase =
  | "stable"
  /** An offer is being made. */
  | "offering"
  /** An offer was made, and waits for its answer. */
  | "offered"
  /** Their offer is being taken and answered. */
  | "accepting"
  /** Their answer is being taken. */
  | "applying"
  /** An operation failed, and the RTCPeerConnection is closed. Another one takes its place when the timer fires. */
  | "broken";

/** One RTCPeerConnection. */
interface Link {
  readonly connection: ConnectionId;
  /** Whether the other side has this connection too: it made it, or answered for it. */
  readonly isShared: boolean;
  readonly phase: Phase;
  /** Whether an offer is to be made as soon as one can be. */
  readonly wantsOffer: boolean;
  /** The round of the last offer that was made here. */
  readonly made: number;
  /** The round of the last offer of theirs that was taken. */
  readonly taken: number;
  /** The round below which offers of theirs are stale. The last one may come again, if its answer was lost. */
  readonly leastRound: number;
  readonly hasRemoteDescription: boolean;
  /** Descriptions that arrived while an operation was under way. */
  readonly inbox: readonly Described[];
  /** Candidates that arrived before there was a remote description. */
  readonly candidates: readonly IceCandidate[];
  readonly path: MediaPath;
}

export interface Negotiation {
  /** Whether this side gives way when both make an offer. */
  readonly isPolite: boolean;
  /** Whether what is sent arrives, as far as it is known. */
  readonly isReachable: boolean;
  readonly link: Link | null;
  /** Connections that are over: what is still said of them is dropped. The last ones. */
  readonly retired: readonly ConnectionId[];
  /** How often in succession the connection had to be helped; with it grows the wait before it is helped again. */
  readonly attempts: number;
  readonly isTimerSet: boolean;
}

export type NegotiationEvent =
  /** There is to be a connection. */
  | { readonly type: "open" }
  /** The peer is gone, or this one. */
  | { readonly type: "close" }
  | { readonly type: "reachable"; readonly isReachable: boolean }
  | { readonly type: "signal"; readonly signal: Signal }
  | { readonly type: "offer-made" | "offer-accepted"; readonly connection: ConnectionId; readonly sdp: string }
  | { readonly type: "answer-applied" | "operation-failed"; readonly connection: ConnectionId }
  /** The RTCPeerConnection says so. */
  | { readonly type: "negotiation-needed"; readonly connection: ConnectionId }
  | { readonly type: "path"; readonly connection: ConnectionId; readonly path: MediaPath }
  | { readonly type: "restart" }
  /** The one timer fired. */
  | { readonly type: "timer" };

export type NegotiationEffect =
  /** Makes an RTCPeerConnection; `offers` when the first offer is made here. */
  | { readonly type: "create"; readonly connection: ConnectionId; readonly offers: boolean }
  | { readonly type: "close" }
  /** Leads to `offer-made` or `operation-failed`. */
  | { readonly type: "make-offer"; readonly connection: ConnectionId }
  /** Takes an offer, dropping one that was made here, and makes the answer. Leads to `offer-accepted` or `operation-failed`. */
  | { readonly type: "accept-offer"; readonly connection: ConnectionId; readonly sdp: string }
  /** Leads to `answer-applied` or `operation-failed`. */
  | { readonly type: "apply-answer"; readonly connection: ConnectionId; readonly sdp: string }
  | { readonly type: "add-candidates"; readonly candidates: readonly IceCandidate[] }
  | { readonly type: "restart-ice" }
  | { readonly type: "send"; readonly signal: Signal }
  /** Sends the present local description, with the candidates that are in it by now. */
  | { readonly type: "resend-offer"; readonly connection: ConnectionId; readonly round: number }
  /** Starts the one timer, which does not run. */
  | { readonly type: "set-timer"; readonly milliseconds: number }
  | { readonly type: "clear-timer" };

/** The surroundings of an event. */
export interface Circumstances {
  /** A new id that nobody can guess and none has had. */
  readonly newConnection: () => ConnectionId;
}

export interface Step {
  readonly negotiation: Negotiation;
  readonly effects: readonly NegotiationEffect[];
}

/** Milliseconds for which a connection may be neither connected nor stable before it is helped for the first time. */
export const PATIENCE_MS = 5_000;

/** Doublings of the patience, at most: 40 s. */
const MOST_DOUBLINGS = 3;

/** A polite peer waits longer, so that seldom both help at once. */
const POLITE_FACTOR = 1.5;

/** How often a connection is helped before another one takes its place. */
const HELP_BEFORE_REPLACEMENT = 4;

/** Connections that are remembered as over. */
const RETIRED = 16;

/** Candidates that may wait for a description: more than any host has. */
const WAITING_CANDIDATES = 256;

/** Offers and answers that may wait for an operation. */
const WAITING_DESCRIPTIONS = 8;

/** @param isPolite the same comparison has to make the other side impolite */
export function newNegotiation(isPolite: boolean): Negotiation {
  return { isPolite, isReachable: true, link: null, retired: [], attempts: 0, isTimerSet: false };
}

/** The next state and its effects. An event that does not fit the state, or is of another connection, changes nothing. */
export function negotiate(negotiation: Negotiation, event: NegotiationEvent, circumstances: Circumstances): Step {
  const { negotiation: next, effects } = watched(happen(negotiation, event, circumstances));
  return { negotiation: next, effects };
}

function happen(before: Negotiation, event: NegotiationEvent, { newConnection }: Circumstances): Step {
  switch (event.type) {
    case "open":
      return before.link === null ? settle(openLink(before, newConnection(), true)) : stay(before);
    case "close":
      return retired(before);
    case "reachable":
      return reachable(before, event.isReachable);
    case "signal":
      return applySignal(before, event.signal, newConnection);
    case "restart":
      return settle(restarted(before));
    case "timer":
      return settle(helped({ ...before, isTimerSet: false }, newConnection));
    case "offer-made":
    case "offer-accepted":
    case "answer-applied":
    case "operation-failed":
    case "negotiation-needed":
    case "path":
      if (before.link === null || before.link.connection !== event.connection) return stay(before);
      return ofConnection(before, before.link, event);
    default:
      return event satisfies never;
  }
}

function ofConnection(
  before: Negotiation,
  link: Link,
  event: Extract<NegotiationEvent, { connection: ConnectionId }>,
): Step {
  const { connection } = link;
  switch (event.type) {
    case "offer-made": {
      if (link.phase !== "offering") return stay(before);
      const offer: Signal = { type: "offer", connection, round: link.made, sdp: event.sdp };
      return settle({ negotiation: withLink(before, { phase: "offered" }), effects: send(before, offer) });
    }
    case "offer-accepted": {
      if (link.phase !== "accepting") return stay(before);
      const answer: Signal = { type: "answer", connection, round: link.taken, sdp: event.sdp };
      return settle(described({ negotiation: before, effects: send(before, answer) }));
    }
    case "answer-applied":
      if (link.phase !== "applying") return stay(before);
      return settle(described(stay(withLink(before, { leastRound: link.taken + 1 }))));
    case "operation-failed":
      if (!isBusy(link)) return stay(before);
      return {
        negotiation: withLink(before, { phase: "broken", inbox: [], candidates: [] }),
        effects: [{ type: "close" }],
      };
    case "negotiation-needed":
      return settle({ negotiation: withLink(before, { wantsOffer: true }), effects: [] });
    case "path": {
      const after = withLink(before, { path: event.path });
      // At once for the first failure only: repeated ones are helped at the pace of the timer.
      const helps = event.path === "failed" && before.attempts === 0 && before.isReachable;
      return settle(helps ? restarted({ ...after, attempts: 1 }) : stay(after));
    }
    default:
      return event satisfies never;
  }
}

function stay(negotiation: Negotiation): Step {
  return { negotiation, effects: [] };
}

function withLink(negotiation: Negotiation, changes: Partial<Link>): Negotiation {
  return negotiation.link === null ? negotiation : { ...negotiation, link: { ...negotiation.link, ...changes } };
}

/** Drops signals to an unreachable peer: they would be lost anyway, and are repeated later. */
function send({ isReachable }: Negotiation, signal: Signal): NegotiationEffect[] {
  return isReachable ? [{ type: "send", signal }] : [];
}

/** Whether an operation is under way. */
function isBusy({ phase }: Link): boolean {
  return phase === "offering" || phase === "accepting" || phase === "applying";
}

/** @param offers whether the connection is made here, by an offer; else theirs is taken */
function openLink(before: Negotiation, connection: ConnectionId, offers: boolean): Step {
  const { negotiation, effects } = retired(before);
  const link: Link = {
    connection,
    isShared: !offers,
    phase: "stable",
    wantsOffer: offers,
    made: 0,
    taken: 0,
    leastRound: 1,
    hasRemoteDescription: false,
    inbox: [],
    candidates: [],
    path: "connecting",
  };
  return { negotiation: { ...negotiation, link }, effects: [...effects, { type: "create", connection, offers }] };
}

function retired(before: Negotiation): Step {
  if (before.link === null) return stay(before);
  const { connection, phase } = before.link;
  return {
    negotiation: { ...before, link: null, retired: retiring(before, connection) },
    effects: phase === "broken" ? [] : [{ type: "close" }],
  };
}

function retiring({ retired: before }: Negotiation, connection: ConnectionId): readonly ConnectionId[] {
  return before.includes(connection) ? before : [...before, connection].slice(-RETIRED);
}

/** Both sides have described themselves. */
function described({ negotiation, effects }: Step): Step {
  const candidates = negotiation.link?.candidates ?? [];
  return {
    negotiation: withLink(negotiation, {
      phase: "stable",
      isShared: true,
      hasRemoteDescription: true,
      candidates: [],
    }),
    effects: candidates.length === 0 ? effects : [...effects, { type: "add-candidates", candidates }],
  };
}

function restarted(before: Negotiation): Step {
  const { link } = before;
  // Before the first descriptions there is nothing to restart.
  if (link === null || link.phase === "broken" || !link.hasRemoteDescription) return stay(before);
  return { negotiation: withLink(before, { wantsOffer: true }), effects: [{ type: "restart-ice" }] };
}

function reachable(before: Negotiation, isReachable: boolean): Step {
  const after = { ...before, isReachable, attempts: 0 };
  const { link } = before;
  if (!isReachable || before.isReachable || link === null) return settle(stay(after));
  // The last signal may be lost.
  if (link.phase === "offered") return { negotiation: after, effects: [resend(link)] };
  return settle(link.path === "connected" ? stay(after) : restarted(after));
}

function resend({ connection, made }: Link): NegotiationEffect {
  return { type: "resend-offer", connection, round: made };
}

function applySignal(before: Negotiation, signal: Signal, newConnection: () => ConnectionId): Step {
  const { link } = before;
  if (link?.connection === signal.connection) {
    if (link.phase === "broken") return stay(before);
    if (signal.type === "ice-candidates") return receivedCandidates(before, link, signal.candidates);
    const inbox = [...link.inbox, signal].slice(0, WAITING_DESCRIPTIONS);
    return settle(stay(withLink(before, { inbox })));
  }
  if (signal.type !== "offer") return stay(before);
  if (before.retired.includes(signal.connection)) {
    // Said late; or each side holds on to what the other gave up, and a third connection has to be.
    return isAtOdds(before) ? settle(openLink(before, newConnection(), true)) : stay(before);
  }
  // Both made a connection: the polite one's is given up. It takes this side's as soon as it hears of it.
  if (link !== null && !link.isShared && link.phase !== "broken" && !before.isPolite) {
    return stay({ ...before, retired: retiring(before, signal.connection) });
  }
  const { negotiation, effects } = openLink(before, signal.connection, false);
  return settle({ negotiation: withLink(negotiation, { inbox: [signal] }), effects });
}

/** Whether an offer of a connection that is over may mean that the other side has no other. */
function isAtOdds({ link }: Negotiation): boolean {
  return link === null || (link.isShared && link.path !== "connected" && !isBusy(link));
}

function receivedCandidates(before: Negotiation, link: Link, candidates: readonly IceCandidate[]): Step {
  if (link.hasRemoteDescription) return { negotiation: before, effects: [{ type: "add-candidates", candidates }] };
  return stay(withLink(before, { candidates: [...link.candidates, ...candidates].slice(0, WAITING_CANDIDATES) }));
}

/** Starts the next operation, if none is under way and there is a reason for one. */
function settle({ negotiation, effects }: Step): Step {
  const { link, isPolite, isReachable } = negotiation;
  if (link === null || isBusy(link) || link.phase === "broken") return { negotiation, effects };
  const { connection } = link;
  const [signal, ...inbox] = link.inbox;
  if (signal === undefined) {
    if (link.phase !== "stable" || !link.wantsOffer || !isReachable) return { negotiation, effects };
    return {
      negotiation: withLink(negotiation, { phase: "offering", wantsOffer: false, made: link.made + 1 }),
      effects: [...effects, { type: "make-offer", connection }],
    };
  }
  if (signal.type === "answer") {
    // An answer to an earlier offer than the present one.
    if (link.phase !== "offered" || signal.round !== link.made) {
      return settle({ negotiation: withLink(negotiation, { inbox }), effects });
    }
    return {
      negotiation: withLink(negotiation, { phase: "applying", isShared: true, inbox }),
      effects: [...effects, { type: "apply-answer", connection, sdp: signal.sdp }],
    };
  }
  if (signal.round < link.leastRound || (link.phase === "offered" && !isPolite)) {
    return settle({ negotiation: withLink(negotiation, { inbox }), effects });
  }
  return {
    negotiation: withLink(negotiation, { phase: "accepting", inbox, taken: signal.round, leastRound: signal.round }),
    effects: [...effects, { type: "accept-offer", connection, sdp: signal.sdp }],
  };
}

/** The timer fired: the connection was not well for a while. */
function helped(before: Negotiation, newConnection: () => ConnectionId): Step {
  const { link } = before;
  if (link === null || !before.isReachable || isWell(before)) return stay(before);
  const after = { ...before, attempts: before.attempts + 1 };
  const isStuck = isBusy(link) && before.attempts > 0;
  const wasHelpedInVain = after.attempts % HELP_BEFORE_REPLACEMENT === 0;
  if (link.phase === "broken" || isStuck || wasHelpedInVain) return openLink(after, newConnection(), true);
  if (link.phase === "offered") return { negotiation: after, effects: [resend(link)] };
  return isBusy(link) ? stay(after) : restarted(after);
}

/** Whether nothing is left to be done. */
function isWell({ link }: Negotiation): boolean {
  return link === null || (link.phase === "stable" && link.path === "connected" && !link.wantsOffer);
}

/** Lets the timer run as long as the connection is not well, and can be helped. */
function watched({ negotiation, effects }: Step): Step {
  const needsTimer = !isWell(negotiation) && negotiation.isReachable;
  const attempts = isWell(negotiation) ? 0 : negotiation.attempts;
  if (needsTimer === negotiation.isTimerSet) return { negotiation: { ...negotiation, attempts }, effects };
  const milliseconds =
    PATIENCE_MS * 2 ** Math.min(attempts, MOST_DOUBLINGS) * (negotiation.isPolite ? POLITE_FACTOR : 1);
  return {
    negotiation: { ...negotiation, attempts, isTimerSet: needsTimer },
    effects: [...effects, needsTimer ? { type: "set-timer", milliseconds } : { type: "clear-timer" }],
  };
}
