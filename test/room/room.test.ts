import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeQueryAwareness } from "../../shared/frames.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { codeOfCall } from "../support/code-of.ts";
import { docOf, editedDoc, textUpdate } from "../support/documents.ts";
import { until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, passWindows, stubOf } from "./rooms.ts";

describe("hibernation", () => {
  it("[LIFE-1] handles the next frame, shows a newcomer presence, and removes a leaver's", async () => {
    const room = freshRoom();
    const [one, two] = await Promise.all([openClient(room), openRoomful(room)]);
    await Promise.all([one.sync(), two.sync()]);
    one.sendPresence(1, 1, { name: "one" });
    two.sendPresence(2, 1, { name: "two" });
    await until(() => one.presence.get(2) != null && two.presence.get(1) != null, "to see each other");
    await passWindows();
    const { boot } = await getRoom(env.ROOMS, room).statistics();
    await evictDurableObject(stubOf(room));

    const newcomer = await openClient(room);
    await newcomer.sync();
    expect(newcomer.presence).toEqual(
      new Map([
        [1, { name: "one" }],
        [2, { name: "two" }],
      ]),
    );
    one.sendUpdate(textUpdate("after"));
    await until(() => two.framesOf("update").length === 1 && newcomer.framesOf("update").length === 1, "the update");
    await passWindows();
    await evictDurableObject(stubOf(room));
    one.close();
    await until(() => two.presence.get(1) === null && newcomer.presence.get(1) === null, "the leaver to go");
    expect((await getRoom(env.ROOMS, room).statistics()).boot).not.toBe(boot);
  });

  it("[LIFE-2] presence, pings and statistics do not load the document", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("stored"));
    const [one, two] = await Promise.all([openRoomful(room), openRoomful(room)]);
    one.sendPresence(1, 1, {});
    await passWindows();
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
    await handle.getJson({ text: "text" });
    expect((await handle.statistics()).document).toMatchObject({ loaded: true, loads: 1 });
  });

  it("[LIFE-2] who comes with an empty document has all of it without loading it, as has a stock client", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const { doc, take } = editedDoc();
    for (const word of ["snapshot", " and", " log"]) {
      doc.getText("text").insert(doc.getText("text").length, word);
      await handle.applyUpdate(take());
      if (word === "snapshot") await handle.flush();
    }
    await evictDurableObject(stubOf(room));
    for (const connect of [openRoomful, openClient]) {
      const client = await connect(room);
      const state = await client.sync();
      expect(docOf(state).getText("text").toString()).toBe("snapshot and log");
      const [asked] = client.framesOf("sync-step-1");
      expect(asked?.stateVector).toEqual(Y.encodeStateVector(doc));
      // Its answer: it has nothing.
      client.sendStep2(new Uint8Array([0, 0]));
      await client.settled();
      expect((await handle.statistics()).document).toMatchObject({ loaded: false, loads: 0 });
    }
    const writer = await openRoomful(room);
    await writer.untilSaved(writer.sendUpdate(textUpdate("more", 9)));
    expect((await handle.statistics()).document).toMatchObject({ loaded: true, loads: 1 });
    expect(await handle.getJson({ text: "text" })).toEqual({ text: expect.stringContaining("more") });
  });

  it("[LIFE-4] a ping is answered by the runtime: the room sees no event", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
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
    const clients = await Promise.all(Array.from({ length: 10 }, () => openRoomful(room)));
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
    expect(await codeOfCall(handle.getState(new Uint8Array([255])))).toBe("malformed-frame");
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
    expect(await codeOfCall(handle.getJson({ title: "tree" }))).toBe("invalid-argument");
    expect(await codeOfCall(handle.getJson({ list: "xml" }))).toBe("invalid-argument");
  });

  it("[RPC-3] an update is durable when the call returns, and participants were sent it", async () => {
    const room = freshRoom();
    const client = await openClient(room);
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
    expect(await codeOfCall(handle.applyUpdate(tail))).toBe("missing-dependencies");
    expect(await codeOfCall(handle.applyUpdate(new Uint8Array([1])))).toBe("invalid-update");
    // @ts-expect-error no update
    expect(await codeOfCall(handle.applyUpdate("text"))).toBe("invalid-argument");
    expect(await handle.getState()).toEqual(new Uint8Array([0, 0]));
    expect(await handle.applyUpdate(Y.encodeStateAsUpdate(doc))).toEqual({ changed: true });
  });

  it("[RPC-4] tells statistics and participants", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const [stock, roomful] = [
      await openClient(room),
      await openRoomful(room, { capabilities: ["read"], subject: "ü" }),
    ];
    await stock.sync();
    stock.sendUpdate(textUpdate("abc", 1));
    roomful.sendPresence(42, 1, {});
    await Promise.all([stock.settled(), roomful.settled()]);
    const statistics = await handle.statistics();
    expect(statistics.connections).toEqual({ roomful: 1, stock: 1, signaling: 0 });
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
