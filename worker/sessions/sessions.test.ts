import { expect, it } from "vitest";
import { ManualClock } from "../../test/room/manual-clock.ts";
import { newIdentity, type PresenceStore, Session } from "./session.ts";
import { ROW_MS, SAVE_MS, Sessions } from "./sessions.ts";

/** A session whose socket keeps what is attached to it, or throws. */
function sessionOf(attach: (attachment: unknown) => void = () => {}) {
  const attached: unknown[] = [];
  const closes: number[] = [];
  const socket = {
    readyState: WebSocket.OPEN,
    send: () => {},
    close: (code: number) => closes.push(code),
    serializeAttachment: (attachment: unknown) => {
      if (attached.length > 0) attach(attachment);
      attached.push(structuredClone(attachment));
    },
  } as unknown as WebSocket;
  const admission = { grant: { capabilities: [] }, subprotocol: "roomful.v1", origin: null, network: null } as const;
  const session = Session.open(socket, admission, {}, newIdentity(""));
  return { socket, session, attached, closes };
}

function sessionsOf(clock: ManualClock, store: Partial<PresenceStore> = {}) {
  const failures: unknown[] = [];
  const noRows = { savePresence: () => {}, readPresence: () => null, deletePresence: () => {} };
  const saveFailed = (cause: unknown) => void failures.push(cause);
  return { failures, sessions: new Sessions([], { store: { ...noRows, ...store }, saveFailed, clock }) };
}

it("many changes of many sessions are one timer, and one attachment for each", () => {
  const clock = new ManualClock();
  const { sessions } = sessionsOf(clock);
  const all = [sessionOf(), sessionOf()];
  for (const { socket, session } of all) sessions.add(socket, session);
  for (let change = 1; change <= 100; change++) {
    for (const { session } of all) {
      session.state.framesReceived = change;
      sessions.changed(session);
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
  const clock = new ManualClock();
  const { sessions, failures } = sessionsOf(clock);
  const bad = sessionOf(() => {
    throw new Error("too large");
  });
  const good = sessionOf();
  for (const { session } of [bad, good]) sessions.changed(session);
  clock.advance(SAVE_MS);
  expect([bad.closes, good.closes, failures.length, good.attached.length]).toEqual([[4503], [], 1, 2]);
  sessions.changed(good.session);
  clock.advance(SAVE_MS);
  expect(good.attached.length).toBe(3);
});

it("presence that needs a row is written seldom, since rows cost money", () => {
  const clock = new ManualClock();
  const rows: number[] = [];
  const { sessions } = sessionsOf(clock, { savePresence: (_rowId, { length }) => void rows.push(length) });
  const { session } = sessionOf();
  for (let second = 0; second < 30; second++) {
    session.state.presence = { clientId: 1, clock: second, state: new Uint8Array(20_000 + second) };
    sessions.changed(session);
    clock.advance(SAVE_MS);
  }
  expect(rows.length).toBe(1 + Math.floor((29 * SAVE_MS) / ROW_MS));
});
