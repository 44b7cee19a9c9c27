import { expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { newIdentity, type PresenceStore } from "./attachment.ts";
import { ROW_MS, SAVE_MS, Sessions } from "./sessions.ts";

function sessionsOf(clock: FakeClock, store: Partial<PresenceStore> = {}) {
  const failures: unknown[] = [];
  const noRows = { savePresence: () => {}, readPresence: () => null, deletePresence: () => {} };
  const sessions = new Sessions([], {
    store: { ...noRows, ...store },
    maxUnreadBytes: 1_000,
    log: (level, _event, fields) => void (level === "error" && failures.push(fields?.detail)),
    clock,
  });
  return { failures, sessions };
}

/** A session whose socket keeps what is attached to it, or throws. */
function openIn(sessions: Sessions, attach: (attachment: unknown) => void = () => {}) {
  const attached: unknown[] = [];
  const sent: (string | Uint8Array)[] = [];
  const closes: number[] = [];
  const socket = {
    readyState: WebSocket.OPEN,
    send: (data: string | Uint8Array) => void sent.push(data),
    close: (code: number) => {
      closes.push(code);
      socket.readyState = WebSocket.CLOSING;
    },
    serializeAttachment: (attachment: unknown) => {
      if (attached.length > 0 && attachment !== null) attach(attachment);
      attached.push(structuredClone(attachment));
    },
  };
  const admission = { grant: { capabilities: [] }, subprotocol: "roomful.v1", origin: null, network: null } as const;
  const session = sessions.open(socket as unknown as WebSocket, admission, {}, newIdentity(""));
  return { session, attached, sent, closes };
}

it("many changes of many sessions are one timer, and one attachment for each", () => {
  const clock = new FakeClock();
  const { sessions } = sessionsOf(clock);
  const all = [openIn(sessions), openIn(sessions)];
  for (let change = 1; change <= 100; change++) {
    for (const { session } of all) {
      session.state.framesReceived = change;
      session.markChanged();
    }
    expect(clock.pending).toBe(1);
  }
  clock.advance(SAVE_MS - 1);
  expect(all.map(({ attached }) => attached.length)).toEqual([1, 1]);
  clock.advance(1);
  expect(all.map(({ attached }) => attached.slice(1))).toEqual([
    [expect.objectContaining({ framesReceived: 100 })],
    [expect.objectContaining({ framesReceived: 100 })],
  ]);
  expect(clock.pending).toBe(0);
});

it("a session that can't be saved is closed, to come again; the others are saved, now and later", () => {
  const clock = new FakeClock();
  const { sessions, failures } = sessionsOf(clock);
  const bad = openIn(sessions, () => {
    throw new Error("too large");
  });
  const good = openIn(sessions);
  for (const { session } of [bad, good]) session.markChanged();
  clock.advance(SAVE_MS);
  expect([bad.closes, good.closes, failures.length, good.attached.length]).toEqual([[4503], [], 1, 2]);
  good.session.markChanged();
  clock.advance(SAVE_MS);
  expect(good.attached.length).toBe(3);
});

it("presence that needs a row is written seldom, since rows cost money", () => {
  const clock = new FakeClock();
  const rows: number[] = [];
  const { sessions } = sessionsOf(clock, { savePresence: (_rowId, { length }) => void rows.push(length) });
  const { session } = openIn(sessions);
  for (let second = 0; second < 30; second++) {
    session.state.presence = { clientId: 1, clock: second, state: new Uint8Array(20_000 + second) };
    session.markChanged();
    clock.advance(SAVE_MS);
  }
  expect(rows.length).toBe(1 + Math.floor((29 * SAVE_MS) / ROW_MS));
});

it("a session that ends is gone at once from every loop, and handed over once", () => {
  const { sessions } = sessionsOf(new FakeClock());
  const [first, second, third] = [openIn(sessions), openIn(sessions), openIn(sessions)];
  const met: unknown[] = [];
  for (const session of sessions) {
    met.push(session);
    if (session !== first.session) continue;
    second.session.end("slow-reader");
    second.session.end("kicked");
  }
  expect(met).toEqual([first.session, third.session]);
  expect(second.closes).toEqual([4508]);
  second.session.tell({ type: "pong" });
  expect(second.sent).toEqual([]);
  expect([...sessions.ended]).toEqual([second.session]);
  const ending = { closeCode: 4508, code: "slow-reader", detail: undefined };
  expect(sessions.takeMark()).toEqual({ type: "ended", session: second.session, ending });
  expect(sessions.takeMark()).toBeNull();
  // Should its close event wake a later object, that one finds nothing to let go of.
  expect(second.attached.at(-1)).toBeNull();
});

it("a session that left by itself is handed over by no mark", () => {
  const { sessions } = sessionsOf(new FakeClock());
  const { session } = openIn(sessions);
  session.setRule({ isMuted: true });
  expect(sessions.remove(session.socket)).toBe(session);
  session.setGrant({ capabilities: [] });
  session.end("kicked");
  expect(sessions.takeMark()).toBeNull();
});

it("[LIMIT-11] a client that is sent much is marked, not asked in the midst of the loop; sent too much, it ends", () => {
  const { sessions } = sessionsOf(new FakeClock());
  const { session, sent, closes } = openIn(sessions);
  session.send(new Uint8Array(250));
  session.send(new Uint8Array(1));
  expect(sent).toHaveLength(2);
  expect(sessions.takeMark()).toEqual({ type: "unproved", session });
  session.send(new Uint8Array(1_000));
  expect(closes).toEqual([4508]);
  expect(sessions.takeMark()).toMatchObject({ type: "ended", session });
});
