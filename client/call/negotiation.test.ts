import { expect, it } from "vitest";
import {
  type Negotiation,
  type NegotiationEffect,
  type NegotiationEvent,
  negotiate,
  newNegotiation,
  PATIENCE_MS,
} from "./negotiation.ts";

/** A side of a negotiation, and what it was told to do since the last look. */
function side({ isPolite = false } = {}) {
  let negotiation: Negotiation = newNegotiation(isPolite);
  let count = 0;
  return {
    get now() {
      return negotiation;
    },
    happens: (event: NegotiationEvent): readonly NegotiationEffect[] => {
      const step = negotiate(negotiation, event, { newConnection: () => `mine ${++count}` });
      negotiation = step.negotiation;
      return step.effects;
    },
  };
}

const connection = "mine 1";
const types = (effects: readonly NegotiationEffect[]) => effects.map(({ type }) => type);

/** One that made an offer which was answered. */
function agreed(options?: { isPolite: boolean }) {
  const mine = side(options);
  mine.happens({ type: "open" });
  mine.happens({ type: "offer-made", connection, sdp: "offer" });
  mine.happens({ type: "signal", signal: { type: "answer", connection, round: 1, sdp: "answer" } });
  mine.happens({ type: "answer-applied", connection });
  return mine;
}

/** One over which media flows. */
function connected(options?: { isPolite: boolean }) {
  const mine = agreed(options);
  mine.happens({ type: "path", connection, path: "connected" });
  return mine;
}

it("an offer without an answer is said again after a while, and when the peer can be reached again", () => {
  const mine = side();
  mine.happens({ type: "open" });
  expect(mine.happens({ type: "offer-made", connection, sdp: "offer" })).toEqual([
    { type: "send", signal: { type: "offer", connection, round: 1, sdp: "offer" } },
  ]);
  const again = { type: "resend-offer", connection, round: 1 };
  expect(mine.happens({ type: "timer" })[0]).toEqual(again);
  expect(types(mine.happens({ type: "reachable", isReachable: false }))).toEqual(["clear-timer"]);
  expect(mine.happens({ type: "reachable", isReachable: true })).toEqual([
    again,
    { type: "set-timer", milliseconds: PATIENCE_MS },
  ]);
});

it("an offer that was made while the peer could not be reached is said when it can be", () => {
  const mine = side();
  mine.happens({ type: "open" });
  mine.happens({ type: "reachable", isReachable: false });
  expect(mine.happens({ type: "offer-made", connection, sdp: "offer" })).toEqual([]);
  expect(types(mine.happens({ type: "reachable", isReachable: true }))).toEqual(["resend-offer", "set-timer"]);
});

it("a path that failed is looked for anew at once, and then at a slower and slower pace", () => {
  const mine = connected();
  expect(mine.now.isTimerSet).toBe(false);
  expect(types(mine.happens({ type: "path", connection, path: "failed" }))).toEqual([
    "restart-ice",
    "make-offer",
    "set-timer",
  ]);
  mine.happens({ type: "offer-made", connection, sdp: "offer" });
  mine.happens({ type: "signal", signal: { type: "answer", connection, round: 2, sdp: "answer" } });
  mine.happens({ type: "answer-applied", connection });
  // A path that fails as often as it is looked for does not set the pace.
  mine.happens({ type: "path", connection, path: "connecting" });
  expect(mine.happens({ type: "path", connection, path: "failed" })).toEqual([]);
  expect(mine.happens({ type: "timer" })).toEqual([
    { type: "restart-ice" },
    { type: "make-offer", connection },
    { type: "set-timer", milliseconds: PATIENCE_MS * 4 },
  ]);
});

it("a path that is interrupted is given some seconds, the polite side some more, before another one is looked for", () => {
  for (const [isPolite, milliseconds] of [
    [false, PATIENCE_MS],
    [true, PATIENCE_MS * 1.5],
  ] as const) {
    const mine = connected({ isPolite });
    expect(mine.happens({ type: "path", connection, path: "disconnected" })).toEqual([
      { type: "set-timer", milliseconds },
    ]);
    expect(types(mine.happens({ type: "timer" }))).toEqual(["restart-ice", "make-offer", "set-timer"]);
    const back = connected({ isPolite });
    back.happens({ type: "path", connection, path: "disconnected" });
    expect(types(back.happens({ type: "path", connection, path: "connected" }))).toEqual(["clear-timer"]);
  }
});

it("who can be reached again, and is not connected, is looked for anew; who is connected is left in peace", () => {
  const mine = agreed();
  mine.happens({ type: "reachable", isReachable: false });
  expect(types(mine.happens({ type: "reachable", isReachable: true }))).toEqual([
    "restart-ice",
    "make-offer",
    "set-timer",
  ]);
  const well = connected();
  well.happens({ type: "reachable", isReachable: false });
  expect(well.happens({ type: "reachable", isReachable: true })).toEqual([]);
});

it("a connection of which an operation failed is closed at once, and replaced by another one after a while", () => {
  const mine = side();
  mine.happens({ type: "open" });
  expect(types(mine.happens({ type: "operation-failed", connection }))).toEqual(["close"]);
  expect(mine.happens({ type: "signal", signal: { type: "answer", connection, round: 1, sdp: "late" } })).toEqual([]);
  expect(mine.happens({ type: "timer" })).toEqual([
    { type: "create", connection: "mine 2", offers: true },
    { type: "make-offer", connection: "mine 2" },
    { type: "set-timer", milliseconds: PATIENCE_MS * 2 },
  ]);
});

it("what is helped in vain four times is replaced", () => {
  const mine = connected();
  mine.happens({ type: "path", connection, path: "disconnected" });
  mine.happens({ type: "timer" });
  mine.happens({ type: "offer-made", connection, sdp: "offer" });
  const helps = [2, 3, 4].map(() => types(mine.happens({ type: "timer" })));
  expect(helps.map((effects) => effects.includes("create"))).toEqual([false, false, true]);
});

it("a stuck operation ends with the connection", () => {
  const mine = side();
  mine.happens({ type: "open" });
  expect(types(mine.happens({ type: "timer" }))).toEqual(["set-timer"]);
  expect(types(mine.happens({ type: "timer" }))).toEqual(["close", "create", "make-offer", "set-timer"]);
});

it("of two connections made at once the impolite side's lives, whichever offer comes first", () => {
  const theirs = { type: "offer", connection: "theirs", round: 1, sdp: "theirs" } as const;
  const [polite, impolite] = [side({ isPolite: true }), side()];
  for (const each of [polite, impolite]) {
    each.happens({ type: "open" });
    each.happens({ type: "offer-made", connection, sdp: "mine" });
  }
  expect(impolite.happens({ type: "signal", signal: theirs })).toEqual([]);
  expect(types(polite.happens({ type: "signal", signal: theirs }))).toEqual(["close", "create", "accept-offer"]);
  // Said once more it is still given up.
  expect(impolite.happens({ type: "signal", signal: theirs })).toEqual([]);
});
