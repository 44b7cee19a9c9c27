import { abortAllDurableObjects, evictDurableObject, listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { errorCodeOf } from "../shared/errors.ts";
import { encodeQueryAwareness, encodeSyncStep1, encodeUpdate } from "../shared/frames.ts";
import { getRoom } from "./namespace.ts";
import { docOf, editedDoc, freshRoom, pause, TestClient, textUpdate, until } from "./test-client.ts";

const stubOf = (room: string) => env.ROOMS.getByName(room);
const codeOf = (call: Promise<unknown>) => call.then(() => "nothing thrown", errorCodeOf);

describe("sync", () => {
  it("[SYNC-1] answers step 1 with step 2, then with the room's own step 1", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("here"));
    const client = await TestClient.connect(room);
    const state = await client.sync();
    expect(docOf(state).getText("text").toString()).toBe("here");
    await until(() => client.frames.length === 2, "two frames");
    expect(client.frames.map(({ type }) => type)).toEqual(["sync-step-2", "sync-step-1"]);
  });

  it("[SYNC-1] sends its own step 1 only to those who may write", async () => {
    const client = await TestClient.connect(freshRoom(), { grant: { capabilities: ["read"] } });
    await client.sync();
    await pause(50);
    expect(client.framesOf("sync-step-1")).toEqual([]);
  });

  it("[SYNC-2] relays an update to others and not back to its only author", async () => {
    const room = freshRoom();
    const [author, other] = await Promise.all([TestClient.connect(room), TestClient.connect(room)]);
    await Promise.all([author.sync(), other.sync()]);
    author.sendUpdate(textUpdate("hello"));
    await until(() => other.framesOf("update").length === 1, "the update");
    expect(
      docOf(...other.framesOf("update").map(({ update }) => update))
        .getText("text")
        .toString(),
    ).toBe("hello");
    expect(author.framesOf("update")).toEqual([]);
  });

  it("[SYNC-3] a socket that did not ask for the document is sent no updates, one that speaks no binary no presence", async () => {
    const room = freshRoom();
    const [author, silent] = await Promise.all([TestClient.connect(room), TestClient.connect(room)]);
    await author.sync();
    author.sendPresence(1, 1, { name: "a" });
    author.sendUpdate(textUpdate("x"));
    await pause(100);
    expect(silent.frames).toEqual([]);
  });

  it("[SYNC-4] what arrived before a step 1 is in its answer", async () => {
    const room = freshRoom();
    const client = await TestClient.connect(room);
    const { doc, take } = editedDoc();
    for (let index = 0; index < 20; index++) {
      doc.getText("text").insert(index, "x");
      client.sendUpdate(take());
    }
    expect(docOf(await client.sync()).getText("text").length).toBe(20);
  });

  it("[SYNC-5] 100 frames in one turn reach a subscriber in at most 3, the first into a quiet room without a timer", async () => {
    const room = freshRoom();
    const [author, subscriber] = await Promise.all([TestClient.connect(room), TestClient.connect(room)]);
    await Promise.all([author.sync(), subscriber.sync()]);
    await pause(50);
    const { doc, take } = editedDoc();
    for (let index = 0; index < 100; index++) {
      doc.getText("text").insert(index, "x");
      author.sendUpdate(take());
    }
    const text = () =>
      docOf(...subscriber.framesOf("update").map(({ update }) => update))
        .getText("text")
        .toString();
    await until(() => text().length === 100, "all 100 edits");
    expect(subscriber.framesOf("update").length).toBeLessThanOrEqual(3);
    const [first] = subscriber.framesOf("update");
    expect(docOf(first?.update ?? new Uint8Array()).getText("text").length).toBe(1);
  });

  it("[SYNC-6] a part that the room lacks is asked for, and made good by the answer", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    await client.sync();
    await until(() => client.framesOf("sync-step-1").length === 1, "the room's step 1");
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "never sent by itself ");
    take();
    doc.getText("text").insert(21, "depends on it");
    client.sendUpdate(take());
    await until(() => client.framesOf("sync-step-1").length === 2, "the room to ask");
    await pause(350);
    expect(client.saved).toBe(0);
    const answer = client.sendStep2(Y.encodeStateAsUpdate(doc, client.framesOf("sync-step-1")[1]?.stateVector));
    await client.untilSaved(answer);
    expect((await getRoom(env.ROOMS, room).getJson({ text: "text" })).text).toBe("never sent by itself depends on it");
  });

  it("[SYNC-6] deletions of what nobody has are dropped, and asked about once", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    await client.sync();
    // No structs; one client with one deleted range.
    const deletion = new Uint8Array([0, 1, 77, 1, 5, 3]);
    for (let index = 0; index < 20; index++) client.sendUpdate(deletion);
    await until(() => client.framesOf("sync-step-1").length === 2, "the room to ask");
    client.sendStep2(deletion);
    client.sendStep2(deletion);
    await pause(100);
    expect(client.framesOf("sync-step-1").length).toBe(2);
    expect(await getRoom(env.ROOMS, room).getState()).toEqual(new Uint8Array([0, 0]));
  });

  it("[SYNC-6] what is dropped of an answer is not asked about, however busy the room is", async () => {
    const room = freshRoom();
    const [client, busy] = await Promise.all([TestClient.roomful(room), TestClient.connect(room)]);
    await Promise.all([client.sync(), busy.sync()]);
    await until(() => client.framesOf("sync-step-1").length === 1, "the room's step 1");
    const deletion = new Uint8Array([0, 1, 77, 1, 5, 3]);
    for (let round = 1; round <= 5; round++) {
      busy.sendUpdate(textUpdate("x", round));
      client.sendStep2(deletion);
      await pause(30);
    }
    expect(client.framesOf("sync-step-1").length).toBe(1);
    await client.untilSaved(5);
  });

  it("[SAVE-3] what depends on a frame that is refused in the same window is rejected, not asked for", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("x".repeat(6_000_000)));
    const client = await TestClient.roomful(room);
    await client.sync();
    await until(() => client.framesOf("sync-step-1").length === 1, "the room's step 1");
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "x".repeat(400_000));
    const tooMuch = take();
    doc.getText("text").insert(3, "depends on it");
    client.sendUpdate(textUpdate("first", 1));
    client.sendUpdate(tooMuch);
    client.sendUpdate(take());
    client.sendUpdate(textUpdate("good", 2));
    await client.untilSaved(4);
    expect(client.messagesOf("rejected").map(({ frame, code }) => [frame, code])).toEqual([
      [2, "document-full"],
      [3, "missing-dependencies"],
    ]);
    expect(client.framesOf("sync-step-1").length).toBe(1);
  });

  it("[SYNC-7] a reader's deletion of what the room lacks is refused, not asked about", async () => {
    const client = await TestClient.roomful(freshRoom(), { capabilities: ["read"] });
    await client.sync();
    client.sendUpdate(new Uint8Array([0, 1, 77, 1, 5, 3]));
    await until(() => client.messagesOf("rejected").length === 1, "a rejection");
    expect(client.messagesOf("rejected")[0]?.code).toBe("forbidden");
    expect(client.framesOf("sync-step-1")).toEqual([]);
  });

  it("[SYNC-7] a reader's edits change neither state nor deletions; its step 2 that changes nothing is not refused", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "kept");
    await handle.applyUpdate(take());
    const before = await handle.getState();
    const stock = await TestClient.connect(room, { grant: { capabilities: ["read"] } });
    const roomful = await TestClient.roomful(room, { capabilities: ["read"] });
    await Promise.all([stock.sync(), roomful.sync()]);
    roomful.sendStep2(Y.encodeStateAsUpdate(doc));
    await roomful.untilSaved(1);
    doc.getText("text").delete(0, 2);
    const deletion = take();
    roomful.sendUpdate(deletion);
    roomful.sendStep2(textUpdate("more"));
    stock.sendUpdate(deletion);
    await until(() => roomful.messagesOf("rejected").length === 2, "two rejections");
    expect(roomful.messagesOf("rejected").map(({ frame, code }) => [frame, code])).toEqual([
      [2, "forbidden"],
      [3, "forbidden"],
    ]);
    await until(() => stock.framesOf("auth").length === 1, "the auth message");
    expect(stock.closed).toBeNull();
    expect(await handle.getState()).toEqual(before);
  });

  it("[SYNC-8] a throw in the middle of a window refuses the culprit alone", async () => {
    const room = freshRoom();
    const [author, other] = await Promise.all([TestClient.roomful(room), TestClient.connect(room)]);
    await Promise.all([author.sync(), other.sync()]);
    const before = textUpdate("base", 5);
    await author.untilSaved(author.sendUpdate(before));
    await pause(50);
    // The first goes out at once; the others share a window.
    const frames = [textUpdate("zero", 100), textUpdate("one", 101), deepDeletion(), textUpdate("two", 102)];
    const numbers = frames.map((frame) => author.sendUpdate(frame));
    await until(() => author.messagesOf("rejected").length === 1, "a rejection");
    expect(author.messagesOf("rejected")[0]).toMatchObject({ frame: numbers[2], code: "invalid-update" });
    await author.untilSaved(numbers[3] ?? 0);
    const text = (await getRoom(env.ROOMS, room).getJson({ text: "text" })).text;
    expect([...text].sort().join("")).toBe([..."basezeroonetwo"].sort().join(""));
    const seen = docOf(before, ...other.framesOf("update").map(({ update }) => update));
    expect(seen.getText("text").toString()).toBe(text);
    expect(other.closed).toBeNull();
  });
});

/** A well-formed update that Yjs can't apply: deleting 30,000 arrays inside one another overflows the stack. */
function deepDeletion(): Uint8Array {
  const levels = 30_000;
  return encoding.encode((encoder) => {
    const write = (...numbers: number[]) => {
      for (const number of numbers) encoding.writeVarUint(encoder, number);
    };
    write(1, levels, 9, 0);
    for (let level = 0; level < levels; level++) {
      write(7);
      if (level === 0) {
        write(1);
        encoding.writeVarString(encoder, "deep");
      } else write(0, 9, level - 1);
      write(0);
    }
    write(1, 9, 1, 0, 1);
  });
}

describe("saved", () => {
  it("[SAVE-1] frames are numbered from 1, and acknowledged when they are durable", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    await client.sync();
    expect(client.sendUpdate(textUpdate("a"))).toBe(1);
    await client.untilSaved(1);
    client.sendUpdate(textUpdate("b"));
    client.sendUpdate(textUpdate("c"));
    await client.untilSaved(3);
    const { storage } = await getRoom(env.ROOMS, room).statistics();
    expect(storage.logRows).toBe(2);
  });

  it("[SAVE-2] a frame that changes nothing is saved once all before it is", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    const update = textUpdate("a");
    client.sendUpdate(update);
    await client.untilSaved(1);
    client.sendUpdate(update);
    client.sendStep2(update);
    await client.untilSaved(3);
    expect((await getRoom(env.ROOMS, room).statistics()).storage.logRows).toBe(1);
  });

  it("[SAVE-3] `rejected` comes before any `saved` at or above it", async () => {
    const client = await TestClient.roomful(freshRoom());
    client.sendUpdate(textUpdate("a"));
    client.sendUpdate(new Uint8Array([9, 9]));
    client.sendUpdate(textUpdate("b"));
    await client.untilSaved(3);
    const order = client.messages.flatMap((message) =>
      "frame" in message ? [`${message.type} ${message.frame}`] : [],
    );
    const rejected = order.indexOf("rejected 2");
    expect(rejected).toBeGreaterThanOrEqual(0);
    expect(order.slice(0, rejected).filter((line) => line === "saved 2" || line === "saved 3")).toEqual([]);
  });

  it("[SAVE-4] two seconds of steady edits write at most 12 rows", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const client = await TestClient.roomful(room);
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "x");
    await client.untilSaved(client.sendUpdate(take()));
    await pause(500);
    const before = (await handle.statistics()).storage.rowsWritten;
    for (let index = 0; index < 100; index++) {
      doc.getText("text").insert(0, "y");
      client.sendUpdate(take());
      await pause(20);
    }
    await client.untilSaved(101);
    const rows = (await handle.statistics()).storage.rowsWritten - before;
    expect(rows).toBeLessThanOrEqual(12);
    expect(rows).toBeGreaterThan(0);
  });

  it("[SAVE-5] the numbers go on after hibernation", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    await client.untilSaved(client.sendUpdate(textUpdate("a")));
    await pause(300);
    await evictDurableObject(stubOf(room));
    await client.untilSaved(client.sendUpdate(textUpdate("b")));
    expect(client.saved).toBe(2);
  });

  it("[SAVE-6] is committed at once when the last client leaves", async () => {
    const room = freshRoom();
    const client = await TestClient.connect(room);
    await client.sync();
    client.sendUpdate(textUpdate("a", 1));
    client.sendUpdate(textUpdate("b", 2));
    client.close();
    await until(() => client.closed !== null, "closed");
    // Memory is lost long before the commit window would have ended.
    await abortAllDurableObjects();
    const { text } = await getRoom(env.ROOMS, room).getJson({ text: "text" });
    expect([...text].sort()).toEqual(["a", "b"]);
  });
});

describe("hibernation", () => {
  it("[LIFE-1] handles the next frame, shows a newcomer presence, and removes a leaver's", async () => {
    const room = freshRoom();
    const [one, two] = await Promise.all([TestClient.connect(room), TestClient.roomful(room)]);
    await Promise.all([one.sync(), two.sync()]);
    one.sendPresence(1, 1, { name: "one" });
    two.sendPresence(2, 1, { name: "two" });
    await until(() => one.presence.get(2) != null && two.presence.get(1) != null, "to see each other");
    await pause(300);
    const { boot } = await getRoom(env.ROOMS, room).statistics();
    await evictDurableObject(stubOf(room));

    const newcomer = await TestClient.connect(room);
    await newcomer.sync();
    expect(newcomer.presence).toEqual(
      new Map([
        [1, { name: "one" }],
        [2, { name: "two" }],
      ]),
    );
    one.sendUpdate(textUpdate("after"));
    await until(() => two.framesOf("update").length === 1 && newcomer.framesOf("update").length === 1, "the update");
    await pause(300);
    await evictDurableObject(stubOf(room));
    one.close();
    await until(() => two.presence.get(1) === null && newcomer.presence.get(1) === null, "the leaver to go");
    expect((await getRoom(env.ROOMS, room).statistics()).boot).not.toBe(boot);
  });

  it("[LIFE-2] presence, pings and statistics do not load the document", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("stored"));
    const [one, two] = await Promise.all([TestClient.roomful(room), TestClient.roomful(room)]);
    one.sendPresence(1, 1, {});
    await pause(300);
    await evictDurableObject(stubOf(room));
    two.sendPresence(2, 1, { cursor: [1, 2] });
    two.send(encodeQueryAwareness());
    two.send('{"type": "ping"}');
    two.send('{"type":"ping"}');
    await until(() => two.messagesOf("pong").length === 2 && one.presence.has(2), "answers");
    one.close();
    await until(() => two.presence.get(1) === null, "the leaver to go");
    const handle = getRoom(env.ROOMS, room);
    expect(await handle.participants()).toHaveLength(1);
    const { document } = await handle.statistics();
    expect(document).toMatchObject({ loaded: false, loads: 0 });
    expect(document.bytes).toBeGreaterThan(0);
    await handle.getStateVector();
    expect((await handle.statistics()).document).toMatchObject({ loaded: true, loads: 1 });
  });

  it("[LIFE-4] a ping is answered by the runtime: the room sees no event", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    const handle = getRoom(env.ROOMS, room);
    const { events } = await handle.statistics();
    for (let index = 0; index < 5; index++) client.send('{"type":"ping"}');
    await until(() => client.messagesOf("pong").length === 5, "pongs");
    expect((await handle.statistics()).events).toBe(events + 1);
  });

  it("[LIFE-3] many first messages cause one load", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    await handle.applyUpdate(textUpdate("stored"));
    const clients = await Promise.all(Array.from({ length: 10 }, () => TestClient.roomful(room)));
    await evictDurableObject(stubOf(room));
    await Promise.all([
      ...clients.map((client) => client.sync()),
      handle.getState(),
      handle.getJson({ text: "text" }),
      ...clients.map((client, index) => client.untilSaved(client.sendUpdate(textUpdate("x", index + 1)))),
    ]);
    expect((await handle.statistics()).document.loads).toBe(1);
  });
});

describe("malformed frames hurt only their sender", () => {
  const frames: [string, Uint8Array | string, string][] = [
    ["truncated update", encodeUpdate(textUpdate("x")).slice(0, -3), "malformed-frame"],
    ["trailing byte", new Uint8Array([...encodeUpdate(textUpdate("x")), 0]), "malformed-frame"],
    ["an update of another format", encodeUpdate(Y.convertUpdateFormatV1ToV2(textUpdate("x"))), "invalid-update"],
    ["unknown type", new Uint8Array([99, 1, 2]), "malformed-frame"],
    ["unknown sync step", new Uint8Array([0, 9, 0]), "malformed-frame"],
    ["empty", new Uint8Array(0), "malformed-frame"],
    ["a state vector that is none", encodeSyncStep1(new Uint8Array([200])), "malformed-frame"],
    ["an auth message", new Uint8Array([2, 0, 1, 120]), "malformed-frame"],
    ["presence that is no object", new Uint8Array([1, 5, 1, 7, 1, 1, 49]), "invalid-presence"],
    [
      "33 million structs announced by 7 bytes",
      encodeUpdate(new Uint8Array([1, 255, 255, 255, 15, 1, 0])),
      "invalid-update",
    ],
  ];

  it.each(frames)("[ERR-1] %s: a stock client is closed for good", async (_name, frame, code) => {
    const room = freshRoom();
    const [sender, other] = await Promise.all([TestClient.connect(room), TestClient.connect(room)]);
    await Promise.all([sender.sync(), other.sync()]);
    const before = await getRoom(env.ROOMS, room).getState();
    sender.send(frame);
    await until(() => sender.closed !== null, "closed");
    expect(sender.closed?.code).toBeGreaterThanOrEqual(4400);
    expect(sender.closed?.code).toBeLessThanOrEqual(4499);
    expect(sender.closed?.reason).toMatch(new RegExp(`^${code}: `));
    other.sendUpdate(textUpdate("still works"));
    const handle = getRoom(env.ROOMS, room);
    expect(await handle.getState()).not.toEqual(before);
    expect((await handle.getJson({ text: "text" })).text).toBe("still works");
    expect(other.closed).toBeNull();
    expect((await handle.statistics()).refusals).toEqual({ [code]: 1 });
  });

  it.each([
    ...frames,
    ["text that is not JSON", "{", "malformed-message"],
    ["text of an unknown type", '{"type":"x"}', "malformed-message"],
  ])("[ERR-2] %s: a roomful.v1 client is answered", async (_name, frame, code) => {
    const client = await TestClient.roomful(freshRoom());
    await client.sync();
    client.send(frame as string);
    const answers = () => [...client.messagesOf("error"), ...client.messagesOf("rejected")];
    await until(() => answers().length === 1, "an answer");
    expect(answers()[0]?.code).toBe(code);
    expect(client.closed).toBeNull();
    await client.sync();
  });

  it("[ERR-2] a roomful.v1 client that goes on is closed for good", async () => {
    const client = await TestClient.roomful(freshRoom());
    for (let index = 0; index < 30; index++) client.send("{");
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4400);
    expect(client.messagesOf("error").length).toBe(11);
  });

  it("[ERR-2] a roomful.v1 client that goes on with updates that nobody could use is closed too", async () => {
    const client = await TestClient.roomful(freshRoom());
    for (let index = 0; index < 30; index++) client.sendUpdate(new Uint8Array([1]));
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4422);
    expect(client.messagesOf("rejected").length).toBe(11);
  });

  it("[ERR-3] text on a stock socket closes it for good", async () => {
    const client = await TestClient.connect(freshRoom());
    client.send('{"type":"hello"}');
    await until(() => client.closed !== null, "closed");
    expect(client.closed).toMatchObject({ code: 4400, reason: expect.stringMatching(/^text-not-accepted: /) });
  });
});

describe("sizes", () => {
  it("[LIMIT-1] a frame above the limit is rejected by its number and changes nothing", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    await client.sync();
    const { limits } = client.messagesOf("welcome")[0] ?? { limits: { frameBytes: 0 } };
    client.sendUpdate(new Uint8Array(limits.frameBytes + 1));
    await until(() => client.messagesOf("rejected").length === 1, "a rejection");
    expect(client.messagesOf("rejected")[0]).toMatchObject({ frame: 1, code: "frame-too-large" });
    expect(client.closed).toBeNull();
    expect(await getRoom(env.ROOMS, room).getState()).toEqual(new Uint8Array([0, 0]));
    const stock = await TestClient.connect(room);
    stock.sendUpdate(new Uint8Array(limits.frameBytes + 1));
    await until(() => stock.closed !== null, "closed");
    expect(stock.closed?.code).toBe(4413);
  });

  it("[LIMIT-2] a full document refuses what adds and takes deletions", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const client = await TestClient.roomful(room);
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "x".repeat(5_900_000));
    await client.untilSaved(client.sendUpdate(take()));
    const state = await handle.getState();
    client.sendUpdate(textUpdate("y".repeat(500_000)));
    await until(() => client.messagesOf("rejected").length === 1, "a rejection");
    expect(client.messagesOf("rejected")[0]).toMatchObject({ frame: 2, code: "document-full" });
    expect(await handle.getState()).toEqual(state);
    doc.getText("text").delete(0, 5_000_000);
    await client.untilSaved(client.sendUpdate(take()));
    // What was freed can be used again.
    await client.untilSaved(client.sendUpdate(textUpdate("y".repeat(500_000))));
    expect(client.messagesOf("rejected").length).toBe(1);
    expect(await codeOf(handle.applyUpdate(textUpdate("z".repeat(7_000_000))))).toBe("document-full");
  });

  it("[LIMIT-2] a document whose log overstates it is measured before it is called full, also after a load", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    await handle.applyUpdate(textUpdate("x".repeat(4_500_000)));
    await handle.flush();
    const { doc, take } = editedDoc();
    doc.getText("other").insert(0, "y".repeat(600_000));
    await handle.applyUpdate(take());
    doc.getText("other").delete(0, 600_000);
    await handle.applyUpdate(take());
    doc.getText("other").insert(0, "y".repeat(600_000));
    await handle.applyUpdate(take());
    doc.getText("other").delete(0, 600_000);
    await handle.applyUpdate(take());
    await evictDurableObject(stubOf(room));
    expect(await handle.applyUpdate(textUpdate("z".repeat(1_000_000)))).toEqual({ changed: true });
  });

  it("[LIMIT-2] the limit holds inside a window too", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("x".repeat(6_000_000)));
    const client = await TestClient.roomful(room);
    for (let index = 0; index < 20; index++) client.sendUpdate(textUpdate("x".repeat(50_000), index + 1));
    await client.untilSaved(20);
    expect(client.messagesOf("rejected").length).toBe(15);
    expect((await getRoom(env.ROOMS, room).getState()).length).toBeLessThanOrEqual(6 * 1024 * 1024);
  });

  it("[LIMIT-4] one frame can't name more root types than a document may have", async () => {
    const handle = getRoom(env.ROOMS, freshRoom());
    const { doc, take } = editedDoc();
    doc.transact(() => {
      for (let index = 0; index < 10_001; index++) doc.getArray(`root ${index}`).push([1]);
    });
    expect(await codeOf(handle.applyUpdate(take()))).toBe("invalid-update");
    expect(await handle.getState()).toEqual(new Uint8Array([0, 0]));
  });

  it("[LIMIT-3] a presence row is gone when the room is empty", async () => {
    const room = freshRoom();
    const client = await TestClient.roomful(room);
    client.sendPresence(1, 1, { selection: "s".repeat(40_000) });
    await pause(400);
    const rows = () =>
      runInDurableObject(
        stubOf(room),
        (_room, ctx) => ctx.storage.sql.exec("SELECT id FROM presence").toArray().length,
      );
    expect(await rows()).toBe(1);
    client.close();
    await until(() => client.closed !== null, "closed");
    expect(await rows()).toBe(0);
  });

  it("[LIMIT-3] a presence state above the limit is refused, one that needs a row survives hibernation", async () => {
    const room = freshRoom();
    const [one, two] = await Promise.all([TestClient.roomful(room), TestClient.roomful(room)]);
    one.sendPresence(1, 1, { selection: "s".repeat(40_000) });
    one.sendPresence(1, 2, { selection: "s".repeat(70_000) });
    await until(() => one.messagesOf("error").length === 1, "an error");
    expect(one.messagesOf("error")[0]?.code).toBe("presence-too-large");
    await pause(300);
    await evictDurableObject(stubOf(room));
    two.send(encodeQueryAwareness());
    await until(() => two.presence.has(1), "presence");
    expect(two.presence.get(1)).toEqual({ selection: "s".repeat(40_000) });
    one.sendPresence(1, 2, { selection: "small" });
    await until(() => JSON.stringify(two.presence.get(1)) === '{"selection":"small"}', "the small state");
    await pause(5_300);
    const rows = await runInDurableObject(stubOf(room), (_room, ctx) =>
      ctx.storage.sql.exec("SELECT * FROM presence").toArray(),
    );
    expect(rows).toEqual([]);
  });
});

describe("RPC", () => {
  it("[RPC-1] returns the whole state, or what a state vector lacks", async () => {
    const handle = getRoom(env.ROOMS, freshRoom());
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "one");
    await handle.applyUpdate(take());
    const between = await handle.getStateVector();
    doc.getText("text").insert(3, "two");
    expect(await handle.applyUpdate(take())).toEqual({ changed: true });
    expect(await handle.applyUpdate(Y.encodeStateAsUpdate(doc))).toEqual({ changed: false });
    expect(
      docOf(await handle.getState())
        .getText("text")
        .toString(),
    ).toBe("onetwo");
    expect((await handle.getState(between)).length).toBeLessThan((await handle.getState()).length);
    expect(await codeOf(handle.getState(new Uint8Array([255])))).toBe("malformed-frame");
  });

  it("[RPC-2] reads the named roots as the named kinds, and a wrong kind does no lasting harm", async () => {
    const handle = getRoom(env.ROOMS, freshRoom());
    const { doc, take } = editedDoc();
    doc.getText("title").insert(0, "Plan", { bold: true });
    doc.getArray("list").push([1, "two", null, { deep: [true] }, new Uint8Array([1, 2])]);
    doc.getMap("board").set("inner", new Y.Map([["a", 1]]));
    doc.getMap("board").set("big", 10n);
    doc.getXmlFragment("page").push([new Y.XmlElement("p")]);
    await handle.applyUpdate(take());
    expect(await handle.getJson({ title: "map", board: "text" })).toEqual({ title: {}, board: "" });
    const json = await handle.getJson({ title: "text", list: "array", board: "map", page: "xml", none: "array" });
    expect(json).toEqual({
      title: "Plan",
      list: [1, "two", null, { deep: [true] }, "AQI="],
      board: { inner: { a: 1 }, big: "10" },
      page: "<p></p>",
      none: [],
    });
    expect((await handle.getJson({ title: "rich-text" })).title).toEqual([
      { insert: "Plan", attributes: { bold: true } },
    ]);
    // @ts-expect-error an unknown kind
    expect(await codeOf(handle.getJson({ title: "tree" }))).toBe("invalid-argument");
    expect(await codeOf(handle.getJson({ list: "xml" }))).toBe("invalid-argument");
  });

  it("[RPC-3] an update is durable when the call returns, and participants were sent it", async () => {
    const room = freshRoom();
    const client = await TestClient.connect(room);
    await client.sync();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("from a worker"));
    await until(() => client.framesOf("update").length === 1, "the update");
    await evictDurableObject(stubOf(room), { webSockets: "close" });
    expect((await getRoom(env.ROOMS, room).getJson({ text: "text" })).text).toBe("from a worker");
  });

  it("[RPC-3] all of an update is applied or nothing", async () => {
    const handle = getRoom(env.ROOMS, freshRoom());
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "missing");
    take();
    doc.getText("text").insert(7, " tail");
    const tail = take();
    expect(await codeOf(handle.applyUpdate(tail))).toBe("missing-dependencies");
    expect(await codeOf(handle.applyUpdate(new Uint8Array([1])))).toBe("invalid-update");
    // @ts-expect-error no update
    expect(await codeOf(handle.applyUpdate("text"))).toBe("invalid-argument");
    expect(await handle.getState()).toEqual(new Uint8Array([0, 0]));
    expect(await handle.applyUpdate(Y.encodeStateAsUpdate(doc))).toEqual({ changed: true });
  });

  it("[RPC-4] tells statistics and participants", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const [stock, roomful] = [
      await TestClient.connect(room),
      await TestClient.roomful(room, { capabilities: ["read"], subject: "ü" }),
    ];
    await stock.sync();
    stock.sendUpdate(textUpdate("abc", 1));
    roomful.sendPresence(42, 1, {});
    await pause(300);
    const statistics = await handle.statistics();
    expect(statistics.connections).toEqual({ roomful: 1, stock: 1 });
    expect(statistics.updateBytes).toBe(textUpdate("abc", 1).length);
    const participants = await handle.participants();
    expect(participants.map(({ protocol }) => protocol).sort()).toEqual(["roomful.v1", "stock"]);
    expect(participants.find(({ protocol }) => protocol === "roomful.v1")).toMatchObject({
      peer: roomful.messagesOf("welcome")[0]?.peer,
      capabilities: ["read"],
      subject: "ü",
      clientId: 42,
    });
  });

  it("[RPC-5] flush folds the log into a snapshot", async () => {
    const handle = getRoom(env.ROOMS, freshRoom());
    await handle.applyUpdate(textUpdate("abc"));
    await handle.flush();
    await handle.flush();
    const { storage } = await handle.statistics();
    expect(storage).toMatchObject({ snapshotGeneration: 1, snapshotsWritten: 1 });
  });
});

describe("the Worker", () => {
  const upgrade = (path: string, protocols?: string) =>
    exports.default.fetch(`https://example.com${path}`, {
      headers: { upgrade: "websocket", ...(protocols && { "sec-websocket-protocol": protocols }) },
    });

  it("[NAME-1] the room name is everything after /rooms/, slashes included, decoded exactly once", async () => {
    const id = crypto.randomUUID();
    const client = await TestClient.roomful(`${id}/a%20b/%E2%82%AC%2525`);
    await until(() => client.messagesOf("welcome").length === 1, "welcome");
    expect(client.messagesOf("welcome")[0]?.room).toBe(`${id}/a b/€%25`);
  });

  it("[NAME-2] a bad name is refused so that a browser can read why, and creates no object", async () => {
    const before = (await listDurableObjectIds(env.ROOMS)).length;
    const bad = [
      "",
      "a//b",
      "/a",
      "a/",
      "%00",
      "a%0Ab",
      "%ff",
      "a%",
      "x".repeat(201),
      "%E2%82%AC".repeat(67),
      "a%2F%2Fb",
      "a/%2e%2e%2f",
    ];
    for (const name of bad) {
      const client = await TestClient.connect(name, { protocols: ["roomful.v1"] });
      await until(() => client.closed !== null, `closed: ${name}`);
      expect([name, client.closed?.code, client.subprotocol]).toEqual([name, 4400, "roomful.v1"]);
      expect(client.closed?.reason).toMatch(/^bad-room-name: /);
    }
    expect((await listDurableObjectIds(env.ROOMS)).length).toBe(before);
  });

  it("[PROTO-1] selects roomful.v1, else y-websocket, never a token", async () => {
    const room = freshRoom();
    expect((await TestClient.connect(room, { protocols: ["y-websocket", "roomful.v1"] })).subprotocol).toBe(
      "roomful.v1",
    );
    expect((await TestClient.connect(room, { protocols: ["roomful.bearer.abc", "y-websocket"] })).subprotocol).toBe(
      "y-websocket",
    );
    expect((await TestClient.connect(room)).subprotocol).toBeNull();
  });

  it("[PROTO-2] an offer of which nothing can be selected gets HTTP 400", async () => {
    const response = await upgrade(`/rooms/${freshRoom()}`, "roomful.bearer.abc");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "unsupported-subprotocol" } });
  });

  it("[HTTP-1] answers /healthz, and unknown paths with a coded 404", async () => {
    expect(await (await exports.default.fetch("https://example.com/healthz")).json()).toEqual({ status: "ok" });
    const response = await exports.default.fetch("https://example.com/nothing/here");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "not-found" } });
  });

  it("[HTTP-2] a room without an upgrade gets 426", async () => {
    const response = await exports.default.fetch(`https://example.com/rooms/${freshRoom()}`);
    expect(response.status).toBe(426);
  });
});
