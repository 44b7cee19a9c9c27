import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { decodeFrame } from "../../shared/frames.ts";
import { freshRoom, stubOf } from "../../test/room/rooms.ts";
import { editedDoc } from "../../test/support/documents.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { RENEWALS_MS } from "../people/presence.ts";
import { newIdentity } from "../sessions/attachment.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { readSettings } from "../settings/settings.ts";
import { type Organs, organs } from "./organs.ts";

const settings = readSettings({});
const WINDOW_MS = settings.COALESCE_MS;
const SAME_FOR_PRESENCE = { PRESENCE_COALESCE_MS: `${WINDOW_MS}` };
const CROWD = 1_000;

/** Lets people in whose sockets only note what two of them hear. */
function crowd(sessions: Sessions, people: number) {
  const heard: Uint8Array[] = [];
  const told: string[] = [];
  const members = Array.from({ length: people }, (_, index) => {
    const socket = {
      readyState: WebSocket.OPEN,
      send: (data: Uint8Array | string) => {
        if (index === 0 && typeof data !== "string") heard.push(data);
        if (index === 1 && typeof data === "string") told.push(data);
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
    const session = sessions.open(socket, admission, {}, newIdentity(""));
    Object.assign(session.state, { wantsDocument: true, wantsPresence: true });
    return session;
  });
  const ofType = (type: "update" | "awareness") => heard.filter((frame) => decodeFrame(frame).type === type).length;
  const acknowledgements = () => told.filter((text) => text.includes('"saved"')).length;
  return { members, ofType, acknowledgements };
}

interface Gathering extends ReturnType<typeof crowd>, Organs {
  readonly clock: FakeClock;
}

/** Acts on a room's parts with so many people in, by a clock that the test moves. */
function gather<Result>(
  people: number,
  act: (room: Gathering) => Result,
  env: Record<string, string> = {},
): Promise<Result> {
  return runInDurableObject(stubOf(freshRoom()), (_room, state) => {
    const clock = new FakeClock();
    const survivors = { room: [], webrtc: [] };
    const parts = organs("gathering", readSettings({ LOG_LEVEL: "error", ...env }), {
      storage: state.storage,
      sockets: state,
      survivors,
      clock,
    });
    return act({ ...parts, ...crowd(parts.sessions, people), clock });
  });
}

/** How often something is sent because of what comes in each millisecond, in as much time as 20 full windows take. */
function countSends(clock: FakeClock, send: (millisecond: number) => void, sent: () => number): number {
  for (let millisecond = 0; millisecond < 20 * WINDOW_MS; millisecond++) {
    send(millisecond);
    clock.advance(1);
  }
  return sent();
}

/** Edits a room's document as one of so many people. */
function editing<Result>(
  people: number,
  act: (room: {
    /** Sends so many new edits in each so many milliseconds. @returns frames that somebody else is sent */
    readonly write: (edits: { readonly every: number; readonly atOnce: number }) => number;
    /** Sends the same edit each millisecond. @returns acknowledgements to its author */
    readonly repeat: () => number;
  }) => Result,
  env: Record<string, string> = {},
): Promise<Result> {
  const edit = ({ sync, members: [, author], clock, ofType, acknowledgements }: Gathering) => {
    if (author === undefined) throw new Error("nobody is there");
    const { doc, take } = editedDoc();
    const nextEdit = () => {
      const text = doc.getText("text");
      text.insert(text.length, "x");
      return take();
    };
    return act({
      write: ({ every, atOnce }) => {
        const before = ofType("update");
        return countSends(
          clock,
          (millisecond) => {
            if (millisecond % every !== 0) return;
            for (let index = 0; index < atOnce; index++) sync.queueUpdate(author, nextEdit(), false);
          },
          () => ofType("update") - before,
        );
      },
      repeat: () => {
        const same = nextEdit();
        return countSends(clock, () => sync.queueUpdate(author, same, false), acknowledgements);
      },
    });
  };
  return gather(people, edit, env);
}

describe("[SYNC-5] of what is sent in 320 ms", () => {
  const slowly = { every: 5, atOnce: 1 };
  const burst = { every: 1, atOnce: 10 };

  it.each([
    ["an edit each 5 ms among ten goes out at once", 10, slowly, {}, [64, 64]],
    ["an edit each 5 ms among sixty goes out each 18 ms", 60, slowly, {}, [16, 20]],
    ["a burst between two goes out each 16 ms, when it has begun", 2, burst, {}, [19, 23]],
    [
      "an edit each ms among a thousand goes out each 46 ms, since sending takes 30",
      1_000,
      { every: 1, atOnce: 1 },
      {},
      [7, 8],
    ],
    ["an edit each 5 ms among ten goes out each 16 ms in strict mode", 10, slowly, { STRICT: "true" }, [16, 20]],
    [
      "an edit each 5 ms among sixty goes out each 10 ms if COALESCE_MS is 8",
      60,
      slowly,
      { COALESCE_MS: "8" },
      [28, 36],
    ],
  ])("%s", async (_what, people, edits, env, [fewest, most]) => {
    const frames = await editing(people, ({ write }) => write(edits), env);
    expect(frames).toBeGreaterThanOrEqual(fewest as number);
    expect(frames).toBeLessThanOrEqual(most as number);
  });

  it("after a burst the windows are short again", async () => {
    const frames = await editing(10, ({ write }) => {
      write(burst);
      write(slowly);
      return write(slowly);
    });
    expect(frames).toBe(64);
  });

  it("what changes nothing is gathered as well", async () => {
    const acknowledgements = await editing(60, ({ repeat }) => repeat());
    expect(acknowledgements).toBeGreaterThan(1);
    expect(acknowledgements).toBeLessThanOrEqual(23);
  });
});

it("a person who moves in a crowd is gathered for as long as sending to the crowd takes", async () => {
  const move = ({ presence, members: [, mover], clock, ofType }: Gathering) => {
    if (mover === undefined) throw new Error("nobody is there");
    return countSends(
      clock,
      (millisecond) => {
        const state = new TextEncoder().encode(`{"at":${millisecond}}`);
        presence.applyAwareness(mover, [{ clientId: 1, clock: millisecond + 1, state }]);
      },
      () => ofType("awareness"),
    );
  };
  const sends = await gather(CROWD, move, SAME_FOR_PRESENCE);
  expect(sends).toBeGreaterThan(3);
  expect(sends).toBeLessThan(10);
});

it("[PRES-8] renewals of 5 s go out together, a change takes them along, and who was told that it is gone is heard at once", async () => {
  const renewals = ({ presence, members, clock, ofType }: Gathering) => {
    const say = (index: number, presenceClock: number, at: string) => {
      const session = members[index];
      if (session === undefined) throw new Error("nobody is there");
      const state = new TextEncoder().encode(JSON.stringify({ at }));
      presence.applyAwareness(session, [{ clientId: index + 1, clock: presenceClock, state }]);
    };
    const heardOf = (act: () => void, milliseconds: number) => {
      const before = ofType("awareness");
      act();
      for (let passed = 0; passed < milliseconds; passed++) clock.advance(1);
      return ofType("awareness") - before;
    };
    const soon = 4 * WINDOW_MS;
    const enter = () => {
      for (let index = 0; index < 10; index++) say(index, 1, "home");
    };
    heardOf(enter, soon);
    // The claim was answered by a null state: the same once more is an announcement.
    const announce = () => {
      for (let index = 1; index < 10; index++) say(index, 2, "home");
    };
    expect(heardOf(announce, soon)).toBe(2);

    const renew = () => {
      for (let index = 1; index < 10; index++) {
        say(index, 3, "home");
        for (let passed = 0; passed < 1_000; passed++) clock.advance(1);
      }
    };
    expect(heardOf(renew, RENEWALS_MS)).toBe(3);
    expect(clock.pending).toBe(0);

    heardOf(() => {}, RENEWALS_MS);
    expect(heardOf(() => say(1, 4, "home"), soon)).toBe(1);
    expect(heardOf(() => say(2, 4, "home"), soon)).toBe(0);
    expect(heardOf(() => say(3, 4, "away"), soon)).toBe(1);
    expect(heardOf(() => {}, RENEWALS_MS)).toBe(0);
  };
  await gather(10, renewals, SAME_FOR_PRESENCE);
});
