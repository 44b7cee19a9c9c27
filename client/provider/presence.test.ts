import { afterEach, describe, expect, it, vi } from "vitest";
import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { destroyAll, provide } from "../../test/support/client-world.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { FakeRoom, type FakeRoomSocket } from "../../test/support/fake-room.ts";
import { RoomAwareness } from "../index.ts";

const turns = () => new Promise((resolve) => setTimeout(resolve));

afterEach(destroyAll);

async function connect(room = new FakeRoom(), awareness?: Awareness) {
  const clock = new FakeClock();
  const client = provide("ws://room.test/rooms", "room", {
    ...room.options,
    clock,
    ...(awareness !== undefined && { awareness, doc: awareness.doc }),
  });
  await turns();
  return { ...client, clock, room };
}

/** The own entries that arrived: clock and state. */
function announced({ presence }: FakeRoomSocket): [number, unknown][] {
  return presence.map(({ clock, state }) => [clock, state && JSON.parse(new TextDecoder().decode(state))]);
}

describe("presence", () => {
  it("is announced on open with a clock that y-protocols clients accept, and then on each change", async () => {
    const { room, awareness } = await connect();
    awareness.setLocalStateField("at", 1);
    expect(announced(room.socket)).toEqual([
      [1, {}],
      [2, { at: 1 }],
    ]);
  });

  it("[PRES-1] that the room answers with a null state is announced with the next clock at once", async () => {
    const { room, doc, awareness } = await connect();
    const removed: number[] = [];
    awareness.on("change", (change: { removed: number[] }) => removed.push(...change.removed));
    room.socket.announce(doc.clientID, 1, null);
    await turns();
    expect(announced(room.socket)).toEqual([
      [1, {}],
      [2, {}],
    ]);
    expect(removed).toEqual([]);
  });

  it("[PRES-7] is not renewed, and others' is kept, however long nothing happens", async () => {
    const { room, clock, awareness } = await connect();
    room.socket.announce(7, 3, { name: "other" });
    for (let step = 0; step < 200; step++) {
      clock.advance(5_000);
      await turns();
    }
    expect(room.sockets).toHaveLength(1);
    expect(announced(room.socket)).toEqual([[1, {}]]);
    expect(awareness.getStates().get(7)).toEqual({ name: "other" });
  });

  it("[PRES-7] is renewed every 15 s while the room asks for it", async () => {
    const { room, clock } = await connect();
    room.socket.tell({ type: "presence-renewal", active: true });
    await turns();
    clock.advance(15_000);
    clock.advance(9_000);
    expect(announced(room.socket).map(([at]) => at)).toEqual([1, 2]);
    await turns();
    clock.advance(6_000);
    expect(announced(room.socket).map(([at]) => at)).toEqual([1, 2, 3]);
    room.socket.tell({ type: "presence-renewal", active: false });
    await turns();
    clock.advance(30_000);
    expect(announced(room.socket)).toHaveLength(3);
  });

  it("that the app hides is not announced on open, and shown again when the app says so", async () => {
    const awareness = new RoomAwareness(new Y.Doc());
    awareness.setLocalState(null);
    const { room } = await connect(new FakeRoom(), awareness);
    expect(announced(room.socket)).toEqual([]);
    awareness.setLocalState({ name: "here" });
    expect(announced(room.socket)).toEqual([[2, { name: "here" }]]);
  });

  it("of others is forgotten when the socket is gone, and taken again with whatever clock it has then", async () => {
    const { room, clock, awareness } = await connect();
    room.socket.announce(7, 3, { name: "other" });
    await turns();
    room.socket.drop();
    expect([...awareness.getStates().keys()]).toEqual([awareness.clientID]);
    clock.advance(1_000);
    await turns();
    room.socket.announce(7, 3, { name: "other" });
    await turns();
    expect(awareness.getStates().get(7)).toEqual({ name: "other" });
  });

  it("of an Awareness of the app's own is not sent when that renews itself", async () => {
    const awareness = new Awareness(new Y.Doc());
    const { room, clock } = await connect(new FakeRoom(), awareness);
    awareness.setLocalStateField("at", 1);
    awareness.setLocalState(awareness.getLocalState());
    awareness.setLocalState(awareness.getLocalState());
    expect(announced(room.socket)).toEqual([
      [1, {}],
      [2, { at: 1 }],
    ]);
    // What the room knows is older than the clock here: it is answered all the same.
    room.socket.announce(awareness.clientID, 2, null);
    await turns();
    clock.advance(1_000);
    expect(announced(room.socket).at(-1)).toEqual([4, { at: 1 }]);
  });

  it("of an Awareness of the app's own has no timer that would forget idle peers when it runs late", async () => {
    vi.useFakeTimers();
    try {
      const awareness = new Awareness(new Y.Doc());
      provide("ws://room.test/rooms", "room", { awareness, doc: awareness.doc, connect: false });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("that was changed since the room spoke is repeated at most once a second, since another socket may answer too", async () => {
    const { room, clock, doc, awareness } = await connect();
    for (let at = 0; at < 5; at++) awareness.setLocalStateField("at", at);
    const before = room.socket.presence.length;
    for (let second = 0; second < 3; second++) {
      for (let time = 0; time < 20; time++) room.socket.announce(doc.clientID, 1, null);
      await turns();
      clock.advance(1_000);
    }
    expect(room.socket.presence.length - before).toBe(3);
  });

  it("above the room's limit, or that is no object, is not sent and told once", async () => {
    const { room, provider, awareness } = await connect();
    const problems: unknown[] = [];
    provider.on("problem", (problem) => problems.push("code" in problem && problem.code));
    const before = room.socket.presence.length;
    awareness.setLocalStateField("selection", "x".repeat(1_001));
    awareness.setLocalState(awareness.getLocalState());
    awareness.setLocalState("a name" as never);
    expect(problems).toEqual(["presence-too-large", "invalid-presence"]);
    expect(room.socket.presence).toHaveLength(before);
    awareness.setLocalState({ selection: "small" });
    expect(announced(room.socket).at(-1)?.[1]).toEqual({ selection: "small" });
  });

  it("of a RoomAwareness has no timer of its own", () => {
    vi.useFakeTimers();
    try {
      const awareness = new RoomAwareness(new Y.Doc());
      expect(vi.getTimerCount()).toBe(0);
      expect(awareness.getLocalState()).toEqual({});
    } finally {
      vi.useRealTimers();
    }
  });

  it("leaves no timer behind", async () => {
    const { room, clock, provider } = await connect();
    room.socket.tell({ type: "presence-renewal", active: true });
    await turns();
    provider.destroy();
    expect(clock.pending).toBe(0);
  });
});
