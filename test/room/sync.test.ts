import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { getRoom } from "../../worker/room/namespace.ts";
import { SETTINGS } from "../../worker/settings/settings.ts";
import { docOf, editedDoc, textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { bringCrowd, freshRoom, passWindows, stubOf } from "./rooms.ts";

describe("sync", () => {
  it("[SYNC-1] answers step 1 with the room's own step 1, then with step 2", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("here"));
    const client = await openClient(room);
    const state = await client.sync();
    expect(docOf(state).getText("text").toString()).toBe("here");
    await until(() => client.frames.length === 2, "two frames");
    expect(client.frames.map(({ type }) => type)).toEqual(["sync-step-1", "sync-step-2"]);
  });

  it("[SYNC-1] sends its own step 1 only to those who may write", async () => {
    const client = await openClient(freshRoom(), { grant: { capabilities: ["read"] } });
    await client.sync();
    await client.settled();
    expect(client.framesOf("sync-step-1")).toEqual([]);
  });

  it("[SYNC-2] relays an update to others and not back to its only author", async () => {
    const room = freshRoom();
    const [author, other] = await Promise.all([openClient(room), openClient(room)]);
    await Promise.all([author.sync(), other.sync()]);
    author.sendUpdate(textUpdate("hello"));
    await until(() => other.framesOf("update").length === 1, "the update");
    expect(
      docOf(...other.framesOf("update").map(({ update }) => update))
        .getText("text")
        .toString(),
    ).toBe("hello");
    await author.settled();
    expect(author.framesOf("update")).toEqual([]);
  });

  it("[SYNC-3] a socket that did not ask for the document is sent no updates, one that speaks no binary no presence", async () => {
    const room = freshRoom();
    const [author, silent, subscriber] = await Promise.all([openClient(room), openClient(room), openClient(room)]);
    const textOnly = await openRoomful(room);
    await Promise.all([author.sync(), subscriber.sync()]);
    author.sendPresence(1, 1, { name: "a" });
    author.sendUpdate(textUpdate("x"));
    const reached = () => subscriber.presence.has(1) && subscriber.updates.length === 1;
    await until(reached, "both to reach the other one");
    await textOnly.settled();
    expect(textOnly.frames).toEqual([]);
    await silent.settled();
    // The answers to that: the states that the room has, then an answer to its step 1.
    expect(silent.frames.map(({ type }) => type)).toEqual(["awareness", "sync-step-1", "sync-step-2"]);
  });

  it("[SYNC-4] what arrived before a step 1 is in its answer", async () => {
    const room = freshRoom();
    const client = await openClient(room);
    const { doc, take } = editedDoc();
    for (let index = 0; index < 20; index++) {
      doc.getText("text").insert(index, "x");
      client.sendUpdate(take());
    }
    expect(docOf(await client.sync()).getText("text").length).toBe(20);
  });

  it("[SYNC-5] 100 frames in one turn reach one of a crowd in one per window, the first into a quiet room without a timer", async () => {
    const room = freshRoom();
    await bringCrowd(room);
    const [author, subscriber] = await Promise.all([openClient(room), openClient(room)]);
    await Promise.all([author.sync(), subscriber.sync()]);
    await passWindows();
    const { doc, take } = editedDoc();
    const start = Date.now();
    for (let index = 0; index < 100; index++) {
      doc.getText("text").insert(index, "x");
      author.sendUpdate(take());
    }
    const text = () =>
      docOf(...subscriber.framesOf("update").map(({ update }) => update))
        .getText("text")
        .toString();
    await until(() => text().length === 100, "all 100 edits");
    const windows = Math.ceil((Date.now() - start) / SETTINGS.COALESCE_MS.default);
    expect(subscriber.framesOf("update").length).toBeLessThanOrEqual(2 + windows);
    const [first] = subscriber.framesOf("update");
    expect(docOf(first?.update ?? new Uint8Array()).getText("text").length).toBe(1);
  });

  it("[SYNC-6] a part that the room lacks is asked for, and made good by the answer", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    await client.sync();
    await until(() => client.framesOf("sync-step-1").length === 1, "the room's step 1");
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "never sent by itself ");
    take();
    doc.getText("text").insert(21, "depends on it");
    client.sendUpdate(take());
    await until(() => client.framesOf("sync-step-1").length === 2, "the room to ask");
    await passWindows();
    await client.settled();
    expect(client.saved).toBe(0);
    const answer = client.sendStep2(Y.encodeStateAsUpdate(doc, client.framesOf("sync-step-1")[1]?.stateVector));
    await client.untilSaved(answer);
    expect((await getRoom(env.ROOMS, room).getJson({ text: "text" })).text).toBe("never sent by itself depends on it");
  });

  it("[SYNC-6] deletions of what nobody has are dropped, and asked about once", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    await client.sync();
    // No structs; one client with one deleted range.
    const deletion = new Uint8Array([0, 1, 77, 1, 5, 3]);
    for (let index = 0; index < 20; index++) client.sendUpdate(deletion);
    await until(() => client.framesOf("sync-step-1").length === 2, "the room to ask");
    client.sendStep2(deletion);
    client.sendStep2(deletion);
    await client.settled();
    // The room applies what has arrived before it answers; then it would have asked.
    expect(await getRoom(env.ROOMS, room).getState()).toEqual(new Uint8Array([0, 0]));
    await client.settled();
    expect(client.framesOf("sync-step-1").length).toBe(2);
  });

  it("[SYNC-6] what is dropped of an answer is not asked about while the room lacks the same, however busy it is", async () => {
    const room = freshRoom();
    const [client, busy] = await Promise.all([openRoomful(room), openClient(room)]);
    await Promise.all([client.sync(), busy.sync()]);
    await until(() => client.framesOf("sync-step-1").length === 1, "the room's step 1");
    const deletion = new Uint8Array([0, 1, 77, 1, 5, 3]);
    for (let round = 1; round <= 5; round++) {
      busy.sendUpdate(textUpdate("x", round));
      client.sendStep2(deletion);
      // A window of its own for each round.
      await pause(30);
    }
    await passWindows();
    await client.settled();
    expect(client.framesOf("sync-step-1").length).toBe(1);
    expect(client.saved).toBe(0);
  });

  it.each(["an awake room", "a room that hibernated meanwhile"])(
    "[SYNC-6] [SAVE-3] what waits in a client is asked for once %s has what it waits for, and is saved then",
    async (when) => {
      const room = freshRoom();
      const [holder, source] = await Promise.all([openRoomful(room), openRoomful(room)]);
      await Promise.all([holder.sync(), source.sync()]);
      await until(() => holder.framesOf("sync-step-1").length === 1, "the room's step 1");
      const author = editedDoc();
      author.doc.getText("text").insert(0, "the beginning");
      const beginning = author.take();
      author.doc.getText("text").insert(13, " and the end");
      const end = author.take();
      // The holder got the end by another way than the room, and not what it depends on.
      const held = docOf(end);
      const answer = holder.sendStep2(Y.encodeStateAsUpdate(held));
      await passWindows();
      await holder.settled();
      expect(holder.saved).toBe(answer - 1);
      if (when !== "an awake room") await evictDurableObject(env.ROOMS.getByName(room));
      source.sendUpdate(beginning);
      await until(() => holder.framesOf("sync-step-1").length === 2, "the room to ask");
      const step1 = holder.framesOf("sync-step-1")[1];
      Y.applyUpdate(held, beginning);
      const second = holder.sendStep2(Y.encodeStateAsUpdate(held, step1?.stateVector));
      await holder.untilSaved(second);
      expect((await getRoom(env.ROOMS, room).getJson({ text: "text" })).text).toBe("the beginning and the end");
      expect(holder.framesOf("sync-step-1").length).toBe(2);
    },
  );

  it("[SAVE-3] what depends on a frame that is refused in the same window is rejected, not asked for", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("x".repeat(6_000_000)));
    await bringCrowd(room);
    const client = await openRoomful(room);
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
    const client = await openRoomful(freshRoom(), { capabilities: ["read"] });
    await client.sync();
    client.sendUpdate(new Uint8Array([0, 1, 77, 1, 5, 3]));
    await until(() => client.messagesOf("rejected").length === 1, "a rejection");
    expect(client.messagesOf("rejected")[0]?.code).toBe("forbidden");
    await client.settled();
    expect(client.framesOf("sync-step-1")).toEqual([]);
  });

  it("[SYNC-7] a reader's edits change neither state nor deletions; its step 2 that changes nothing is not refused", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "kept");
    await handle.applyUpdate(take());
    const before = await handle.getState();
    const stock = await openClient(room, { grant: { capabilities: ["read"] } });
    const roomful = await openRoomful(room, { capabilities: ["read"] });
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
    await bringCrowd(room);
    const [author, other] = await Promise.all([openRoomful(room), openClient(room)]);
    await Promise.all([author.sync(), other.sync()]);
    const before = textUpdate("base", 5);
    await author.untilSaved(author.sendUpdate(before));
    await passWindows();
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
    expect((await getRoom(env.ROOMS, room).statistics()).document.taints).toBe(1);
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
    const client = await openRoomful(room);
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
    const client = await openRoomful(room);
    const update = textUpdate("a");
    client.sendUpdate(update);
    await client.untilSaved(1);
    client.sendUpdate(update);
    client.sendStep2(update);
    await client.untilSaved(3);
    expect((await getRoom(env.ROOMS, room).statistics()).storage.logRows).toBe(1);
  });

  it("[SAVE-3] `rejected` comes before any `saved` at or above it", async () => {
    const client = await openRoomful(freshRoom());
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

  it("[SAVE-4] steady edits write at most a row per commit window", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const client = await openRoomful(room);
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "x");
    await client.untilSaved(client.sendUpdate(take()));
    await passWindows();
    const before = (await handle.statistics()).storage.rowsWritten;
    const started = Date.now();
    for (let index = 0; index < 100; index++) {
      doc.getText("text").insert(0, "y");
      client.sendUpdate(take());
      // The pace of steady edits.
      await pause(20);
    }
    await client.untilSaved(101);
    const rows = (await handle.statistics()).storage.rowsWritten - before;
    // Two seconds on an idle machine; a window at either end may be cut.
    expect(rows).toBeLessThanOrEqual((Date.now() - started) / 250 + 2);
    expect(rows).toBeGreaterThan(0);
  });

  it("[SAVE-5] the numbers go on after hibernation", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    await client.untilSaved(client.sendUpdate(textUpdate("a")));
    await passWindows();
    await evictDurableObject(stubOf(room));
    await client.untilSaved(client.sendUpdate(textUpdate("b")));
    expect(client.saved).toBe(2);
  });

  it("[SAVE-6] is committed at once when the last client leaves", async () => {
    const room = freshRoom();
    const client = await openClient(room);
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
