import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { decodeFrame } from "../shared/frames.ts";
import { Limiter, ratesOf } from "./limiter.ts";
import { createLog } from "./logging.ts";
import { Presence } from "./presence.ts";
import { newIdentity, Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { readSettings } from "./settings.ts";
import { SlowReaders } from "./slow-readers.ts";
import { Store } from "./store.ts";
import { Sync } from "./sync.ts";
import { freshRoom, stubOf, textUpdate } from "./test-client.ts";
import { ManualClock } from "./test-clock.ts";

const settings = readSettings({});
const WINDOW_MS = settings.COALESCE_MS;
const PEOPLE = 1_000;

/** Sockets in such number that a frame to all of them takes longer than a window, and what the first one hears. */
function crowd(clock: ManualClock) {
  const heard: Uint8Array[] = [];
  const noRows = { savePresence: () => {}, readPresence: () => null, deletePresence: () => {} };
  const sessions = new Sessions([], { store: noRows, saveFailed: () => {}, clock });
  const members = Array.from({ length: PEOPLE }, (_, index) => {
    const socket = {
      readyState: WebSocket.OPEN,
      send: (data: Uint8Array | string) => {
        if (index === 0 && typeof data !== "string") heard.push(data);
      },
      close: () => {},
      serializeAttachment: () => {},
    } as unknown as WebSocket;
    const admission = {
      grant: { capabilities: ["read", "write"] },
      subprotocol: "roomful.v1",
      origin: null,
      network: null,
    } as const;
    const session = Session.open(socket, admission, {}, newIdentity(""));
    Object.assign(session.state, { wantsDocument: true, wantsPresence: true });
    sessions.add(socket, session);
    return session;
  });
  const ofType = (type: "update" | "awareness") => heard.filter((frame) => decodeFrame(frame).type === type).length;
  return { sessions, members, ofType };
}

/** How often something that comes each millisecond reaches the first of many, in as much time as 20 windows take. */
function countSends(clock: ManualClock, send: (millisecond: number) => void, sent: () => number): number {
  for (let millisecond = 0; millisecond < 20 * WINDOW_MS; millisecond++) {
    send(millisecond);
    clock.advance(1);
  }
  return sent();
}

it("who edits in a crowd is gathered for as long as sending to the crowd takes", async () => {
  await runInDurableObject(stubOf(freshRoom()), (_room, { storage }) => {
    const clock = new ManualClock();
    const { sessions, members, ofType } = crowd(clock);
    const sync = new Sync(sessions, new Store(storage), {
      settings,
      maxDocumentBytes: () => settings.MAX_DOCUMENT_BYTES,
      log: createLog("error"),
      limiter: new Limiter({ rates: ratesOf(settings), dismiss: () => {} }),
      slowReaders: new SlowReaders({
        maxBytes: settings.MAX_UNREAD_BYTES,
        sendStep1: () => {},
        changed: () => {},
        lost: () => {},
      }),
      refused: () => {},
      clock,
    });
    const [, author] = members;
    if (author === undefined) throw new Error("nobody is there");
    const sends = countSends(
      clock,
      (millisecond) => sync.receive(author, textUpdate("x", millisecond + 1), false),
      () => ofType("update"),
    );
    expect(sends).toBeGreaterThan(3);
    expect(sends).toBeLessThan(10);
  });
});

it("who moves in a crowd is gathered for as long as sending to the crowd takes", () => {
  const clock = new ManualClock();
  const { sessions, members, ofType } = crowd(clock);
  const presence = new Presence(sessions, { coalesceMs: WINDOW_MS, maxBytes: 1_000, clock });
  const [, mover] = members;
  if (mover === undefined) throw new Error("nobody is there");
  const sends = countSends(
    clock,
    (millisecond) => {
      const state = new TextEncoder().encode(`{"at":${millisecond}}`);
      presence.receive(mover, [{ clientId: 1, clock: millisecond + 1, state }]);
    },
    () => ofType("awareness"),
  );
  expect(sends).toBeGreaterThan(3);
  expect(sends).toBeLessThan(10);
});
