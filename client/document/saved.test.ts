import * as prng from "lib0/prng";
import { afterEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeUpdate } from "../../shared/frames.ts";
import { destroyAll, provide } from "../../test/support/client-world.ts";
import { craft, gc } from "../../test/support/crafted-updates.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";
import type { Rejection } from "../index.ts";

const URL = "ws://room.test/rooms";
const turns = () => new Promise((resolve) => setTimeout(resolve));

afterEach(destroyAll);

async function connect(room = new FakeRoom(), doc = new Y.Doc()) {
  const clock = new FakeClock();
  const client = provide(URL, "room", { ...room.options, doc, clock, random: () => 0.5 });
  await turns();
  return { ...client, clock, room };
}

describe("saved", () => {
  it("is never shown before the room acknowledged, whatever it has applied", async () => {
    const { room, provider, text } = await connect();
    room.commitsAtOnce = false;
    text.insert(0, "abc");
    await turns();
    expect(room.text).toBe("abc");
    expect(provider.saved).toEqual({ state: "saving", unsaved: 3 });
    room.commit();
    await turns();
    expect(provider.saved).toEqual({ state: "saved", unsaved: 0 });
  });

  it("is not shown for what was sent on a lost socket, until the answer on the next one is acknowledged", async () => {
    const { room, clock, provider, text } = await connect();
    room.commitsAtOnce = false;
    text.insert(0, "abc");
    await turns();
    room.socket.drop();
    expect(provider.saved).toEqual({ state: "offline", unsaved: 3 });
    clock.advance(1_000);
    await turns();
    expect(room.sockets).toHaveLength(2);
    expect(provider.saved).toEqual({ state: "saving", unsaved: 3 });
    room.commit();
    await turns();
    expect(provider.saved).toEqual({ state: "saved", unsaved: 0 });
  });

  it("[SAVE-5] is not shown on a new socket until the answer is acknowledged, also if it changes nothing", async () => {
    const { room, clock, provider, text } = await connect();
    text.insert(0, "abc");
    text.insert(0, "def");
    await turns();
    expect(provider.saved.state).toBe("saved");
    room.commitsAtOnce = false;
    room.socket.drop();
    expect(provider.saved).toEqual({ state: "offline", unsaved: 0 });
    clock.advance(1_000);
    await turns();
    expect(provider.synced).toBe(true);
    expect(provider.saved).toEqual({ state: "saving", unsaved: 0 });
    room.commit();
    await turns();
    expect(provider.saved).toEqual({ state: "saved", unsaved: 0 });
  });

  it("is not shown for what others made and the room lost in a crash", async () => {
    const { room, clock, provider, text } = await connect();
    room.socket.update((doc) => doc.getText("text").insert(0, "theirs"));
    await turns();
    expect(text.toString()).toBe("theirs");
    room.socket.drop();
    const restarted = new FakeRoom();
    restarted.commitsAtOnce = false;
    Object.assign(room, { doc: restarted.doc, commitsAtOnce: false });
    clock.advance(1_000);
    await turns();
    expect(provider.saved).toEqual({ state: "saving", unsaved: 6 });
    room.commit();
    await turns();
    expect([room.text, provider.saved.state]).toEqual(["theirs", "saved"]);
  });

  it("counts a deletion of what was saved", async () => {
    const { room, provider, text } = await connect();
    text.insert(0, "abcdef");
    await turns();
    room.commitsAtOnce = false;
    text.delete(1, 2);
    expect(provider.saved).toEqual({ state: "saving", unsaved: 2 });
    room.commit();
    await turns();
    expect(provider.saved.unsaved).toBe(0);
  });

  it("whenSaved waits for the edits before the call, and for no later ones", async () => {
    const { room, provider, text } = await connect();
    room.commitsAtOnce = false;
    text.insert(0, "first");
    let isSaved = false;
    void provider.whenSaved().then(() => {
      isSaved = true;
    });
    await turns();
    const socket = room.socket;
    text.insert(0, "second");
    socket.tell({ type: "saved", frame: socket.frames - 1 });
    await turns();
    expect([isSaved, provider.saved.unsaved]).toEqual([true, 6]);
  });

  it("whenSaved waits for the edit in whose transaction or observer it is called", async () => {
    const { room, provider, doc, text } = await connect();
    room.commitsAtOnce = false;
    let saved = 0;
    const waitForIt = () => {
      void provider.whenSaved().then(() => saved++);
    };
    text.observe(waitForIt);
    doc.transact(() => {
      text.insert(0, "abc");
      waitForIt();
    });
    await turns();
    expect(saved).toBe(0);
    room.commit();
    await turns();
    expect(saved).toBe(2);
  });

  it("whenSaved rejects when the provider is destroyed", async () => {
    const { room, provider, text } = await connect();
    room.commitsAtOnce = false;
    text.insert(0, "abc");
    const saved = provider.whenSaved();
    provider.destroy();
    await expect(saved).rejects.toThrow("destroyed");
  });

  it("a document that waits for content of others counts what that content releases", async () => {
    const author = new Y.Doc();
    const updates: Uint8Array[] = [];
    author.on("update", (update: Uint8Array) => updates.push(update));
    author.getText("text").insert(0, "first ");
    author.getText("text").insert(6, "second");
    const [first, second] = updates;
    if (first === undefined || second === undefined) throw new Error("two updates");
    const { room, doc, text } = await connect();
    Y.applyUpdate(doc, second);
    expect(text.toString()).toBe("");
    room.socket.update((roomDoc) => Y.applyUpdate(roomDoc, first));
    await turns();
    expect([text.toString(), room.text]).toEqual(["first second", "first second"]);
  });

  it("what waits for content of others that never comes does not hold back the rest", async () => {
    const author = new Y.Doc();
    author.getText("text").insert(0, "first ");
    const before = Y.encodeStateVector(author);
    author.getText("text").insert(6, "second");
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(author, before));
    const room = new FakeRoom();
    const { provider, text } = await connect(room, doc);
    text.insert(0, "mine");
    await provider.whenSaved();
    expect([room.text, room.doc.store.pendingStructs]).toEqual(["mine", null]);
    room.socket.update((roomDoc) => Y.applyUpdate(roomDoc, Y.encodeStateAsUpdate(author, new Uint8Array([0]))));
    await turns();
    expect(text.toString()).toBe(room.text);
  });

  it("is not shown for an edit of which another listener's throw kept the update, until the next connection has it", async () => {
    const doc = new Y.Doc();
    let isBroken = false;
    doc.on("update", () => {
      if (isBroken) throw new Error("another listener");
    });
    const { room, clock, provider, text } = await connect(new FakeRoom(), doc);
    text.insert(0, "abc");
    await turns();
    isBroken = true;
    expect(() => text.delete(0, 1)).toThrow("another listener");
    expect(provider.saved).toEqual({ state: "saving", unsaved: 1 });
    text.insert(0, "x");
    await turns();
    expect(provider.saved.state).toBe("saving");
    room.socket.drop();
    clock.advance(1_000);
    await turns();
    expect([room.text, provider.saved.state]).toEqual(["xbc", "saved"]);
  });

  it("is not shown by a damaged room, which may have lost what it acknowledged", async () => {
    for (const capabilities of [["read"], ["read", "write"]] as const) {
      const { room, clock, provider, text } = await connect();
      text.insert(0, "acknowledged");
      await turns();
      room.socket.drop();
      Object.assign(room, { doc: new Y.Doc(), capabilities });
      clock.advance(1_000);
      await turns();
      room.socket.tell({ type: "error", code: "room-damaged", message: "" });
      await turns();
      expect(provider.saved.state).toBe("saving");
      provider.destroy();
    }
  });

  it("frames are read whatever realm their buffer is of", async () => {
    const { room, text } = await connect();
    room.doc.getText("text").insert(0, "theirs");
    const data = encodeUpdate(Y.encodeStateAsUpdate(room.doc)).slice().buffer;
    // No instance of this realm's class.
    Object.setPrototypeOf(data, null);
    room.socket.onmessage?.({ data });
    expect(text.toString()).toBe("theirs");
  });

  it("a room that closes whenever it should commit is tried less and less often", async () => {
    const { room, clock, text } = await connect();
    room.commitsAtOnce = false;
    room.refuse = () => {
      const { socket } = room;
      queueMicrotask(() => socket.drop(4503));
      return null;
    };
    text.insert(0, "unsaved");
    const before = room.sockets.length;
    for (let tenth = 0; tenth < 600; tenth++) {
      await turns();
      clock.advance(100);
    }
    expect(room.sockets.length - before).toBeLessThan(25);
  });

  it("whenSaved rejects when the room closes for good", async () => {
    const { room, provider, text } = await connect();
    room.commitsAtOnce = false;
    text.insert(0, "abc");
    const saved = provider.whenSaved();
    await turns();
    room.socket.drop(4403);
    await expect(saved).rejects.toMatchObject({ name: "RoomfulError" });
  });

  it("[LIMIT-13] a step 1 that the room refuses ends in a rejection, not in a light that says saving for ever", async () => {
    const { room, provider, text } = await connect();
    room.commitsAtOnce = false;
    const rejections: Rejection[] = [];
    provider.on("rejected", (rejection) => rejections.push(rejection));
    text.insert(0, "abc");
    const saved = provider.whenSaved();
    room.socket.tell({ type: "error", code: "malformed-frame", message: "about presence" });
    await turns();
    expect(provider.saved.state).toBe("saving");
    room.socket.tell({ type: "error", code: "malformed-frame", message: "too many", about: "sync-step-1" });
    await expect(saved).rejects.toMatchObject({ code: "malformed-frame" });
    expect(provider.saved).toEqual({ state: "rejected", unsaved: 3, code: "malformed-frame" });
    const kept = new Y.Doc();
    for (const { update } of rejections) Y.applyUpdate(kept, update);
    expect([rejections.length, kept.getText("text").toString()]).toEqual([1, "abc"]);
  });

  /** Somebody claims clocks of a client with collected content. */
  const forge = (room: FakeRoom, client: number, clock: number, length: number) =>
    Y.applyUpdate(room.doc, craft([{ client, clock, structs: [gc(length)] }]));
  /** The answer of a room that compares known clocks, as far as there is nothing deleted. */
  const refuseKnown = (room: FakeRoom, client: number) => {
    room.refuse = (update) => {
      const known = Y.getState(room.doc.store, client);
      const isRepeated = Y.decodeUpdate(update).structs.some(({ id }) => id.client === client && id.clock < known);
      return isRepeated ? "invalid-update" : null;
    };
  };

  it.each([600, 5_000])(
    "[SYNC-9] is not shown for text whose clocks somebody forged offline (%i), nor does the text vanish",
    async (length) => {
      const { room, clock, provider, doc, text } = await connect();
      text.insert(0, "known");
      await turns();
      room.socket.drop();
      text.insert(5, "x".repeat(1_200));
      forge(room, doc.clientID, 5, length);
      refuseKnown(room, doc.clientID);
      const rejections: Rejection[] = [];
      provider.on("rejected", (rejection) => rejections.push(rejection));
      for (let connection = 1; connection <= 2; connection++) {
        clock.advance(2_000);
        await turns();
        expect(provider.saved).toEqual({ state: "rejected", unsaved: 1_200, code: "invalid-update" });
        expect(text.toString()).toBe(`known${"x".repeat(1_200)}`);
        room.socket.drop();
      }
      expect(rejections).toHaveLength(1);
    },
  );

  it("what others deleted of text that the room received and did not acknowledge goes once it did", async () => {
    const { room, clock, provider, text } = await connect();
    room.commitsAtOnce = false;
    text.insert(0, "abcdef");
    await turns();
    room.socket.drop();
    room.doc.getText("text").delete(1, 2);
    clock.advance(2_000);
    await turns();
    expect([text.toString(), provider.synced]).toEqual(["abcdef", false]);
    room.socket.update((roomDoc) => roomDoc.getText("text").insert(0, "theirs "));
    room.commit();
    await turns();
    expect([text.toString(), provider.synced]).toEqual(["theirs adef", true]);
    expect(provider.saved).toEqual({ state: "saved", unsaved: 0 });
  });

  it("in a random life, is shown only when the committed document holds every edit", async () => {
    for (let seed = 1; seed <= 40; seed++) await live(seed);
  });
});

/** Random edits, commits, lost sockets and rooms that forget what they did not commit. */
async function live(seed: number): Promise<void> {
  const chance = prng.create(seed);
  const { room, clock, provider, map, doc } = await connect();
  room.commitsAtOnce = false;
  let committed = Y.encodeStateAsUpdate(room.doc);
  let keys = 0;
  const actions = [
    () => map.set(`key-${keys++}`, 1),
    () => map.set(`key-${keys++}`, 1),
    () => map.delete(`key-${prng.int31(chance, 0, keys)}`),
    () => room.socket.update((roomDoc) => roomDoc.getMap("map").set(`theirs-${keys++}`, 1)),
    () => {
      committed = Y.encodeStateAsUpdate(room.doc);
      room.commit();
    },
    () => room.socket.drop(),
    () => {
      // A crash: the room is what it committed.
      room.socket.drop();
      const restored = new Y.Doc();
      Y.applyUpdate(restored, committed);
      Object.assign(room, { doc: restored });
    },
    () => clock.advance(prng.int31(chance, 0, 2_000)),
  ];
  for (let round = 0; round < 60; round++) {
    actions[prng.int31(chance, 0, actions.length - 1)]?.();
    if (prng.bool(chance)) await turns();
    if (provider.saved.state !== "saved") continue;
    const kept = new Y.Doc();
    Y.applyUpdate(kept, committed);
    const mine = (one: Y.Doc) => [...one.getMap("map").keys()].filter((key) => key.startsWith("key-")).sort();
    expect(mine(kept), `seed ${seed}, round ${round}`).toEqual(mine(doc));
  }
  room.commitsAtOnce = true;
  map.set("last", 1);
  for (let second = 0; second < 30 && provider.saved.state !== "saved"; second++) {
    clock.advance(1_000);
    await turns();
  }
  expect(provider.saved, `seed ${seed}`).toEqual({ state: "saved", unsaved: 0 });
  expect(room.doc.getMap("map").toJSON(), `seed ${seed}`).toEqual(map.toJSON());
  provider.destroy();
}

describe("a rejection", () => {
  it("holds exactly what the room does not have, and stops what follows", async () => {
    const { room, provider, text } = await connect();
    const rejections: Rejection[] = [];
    provider.on("rejected", (rejection) => rejections.push(rejection));
    text.insert(0, "kept ");
    await turns();
    room.refuse = () => "invalid-update";
    text.insert(5, "refused");
    await turns();
    const { frames } = room.socket;
    text.insert(0, "later ");
    await turns();
    expect(room.socket.frames).toBe(frames);
    expect(rejections.map(({ code }) => code)).toEqual(["invalid-update"]);
    expect(provider.saved).toMatchObject({ state: "rejected", unsaved: 13 });
    const kept = new Y.Doc();
    Y.applyUpdate(kept, Y.encodeStateAsUpdate(room.doc));
    Y.applyUpdate(kept, rejections[0]?.update ?? new Uint8Array());
    expect(kept.getText("text").toString()).toBe("kept refused");
  });

  it("with a code of a newer room is a rejection", async () => {
    const { room, provider, text } = await connect();
    room.refuse = () => "of-a-newer-room" as never;
    text.insert(0, "refused");
    await turns();
    room.socket.acknowledge();
    await turns();
    expect(provider.saved).toEqual({ state: "rejected", unsaved: 7, code: "internal" });
  });

  it("does not stop what others write from being shown", async () => {
    const { room, text } = await connect();
    room.refuse = () => "invalid-update";
    text.insert(0, "refused");
    await turns();
    room.socket.update((doc) => doc.getText("text").insert(0, "theirs"));
    await turns();
    expect(text.toString()).toContain("theirs");
  });

  it("leads to a document that was rebuilt from the room, also across a lost connection", async () => {
    const { room, clock, provider, text } = await connect();
    text.insert(0, "kept");
    await turns();
    room.refuse = () => "invalid-update";
    text.insert(0, "refused ");
    await turns();
    room.socket.drop();
    const rebuilt = provider.rebuilt();
    clock.advance(1_000);
    const { doc } = await rebuilt;
    expect(doc.getText("text").toString()).toBe("kept");
  });

  it("is needed for a document to be rebuilt", async () => {
    const { provider } = await connect();
    await expect(provider.rebuilt()).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("is none when a reader's document is the room's", async () => {
    const room = new FakeRoom();
    room.doc.getText("text").insert(0, "published");
    room.capabilities = ["read"];
    room.refuse = (update) => {
      return Y.snapshotContainsUpdate(Y.snapshot(room.doc), update) ? null : "forbidden";
    };
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(room.doc));
    const { provider, text } = await connect(room, doc);
    await turns();
    expect(provider.saved.state).toBe("saved");
    text.insert(0, "mine");
    await turns();
    expect(provider.saved).toMatchObject({ state: "rejected", code: "forbidden" });
  });
});
