import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeQueryAwareness, encodeSyncStep1, encodeUpdate } from "../../shared/frames.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { ROW_MS, SAVE_MS } from "../../worker/sessions/sessions.ts";
import { codeOfCall } from "../support/code-of.ts";
import { editedDoc, textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { bringCrowd, freshRoom, passWindows, stubOf } from "./rooms.ts";

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
    const [sender, other] = await Promise.all([openClient(room), openClient(room)]);
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
    const client = await openRoomful(freshRoom());
    await client.sync();
    client.send(frame as string);
    const answers = () => [...client.messagesOf("error"), ...client.messagesOf("rejected")];
    await until(() => answers().length === 1, "an answer");
    expect(answers()[0]?.code).toBe(code);
    expect(client.closed).toBeNull();
    await client.sync();
  });

  it("[ERR-2] a roomful.v1 client that goes on is closed for good", async () => {
    const client = await openRoomful(freshRoom());
    for (let index = 0; index < 30; index++) client.send("{");
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4400);
    expect(client.messagesOf("error").length).toBe(11);
  });

  it("[ERR-2] a roomful.v1 client that goes on with updates that nobody could use is closed too", async () => {
    const client = await openRoomful(freshRoom());
    for (let index = 0; index < 30; index++) client.sendUpdate(new Uint8Array([1]));
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4422);
    expect(client.messagesOf("rejected").length).toBe(11);
  });

  it("[ERR-3] text on a stock socket closes it for good", async () => {
    const client = await openClient(freshRoom());
    client.send('{"type":"hello"}');
    await until(() => client.closed !== null, "closed");
    expect(client.closed).toMatchObject({ code: 4400, reason: expect.stringMatching(/^text-not-accepted: /) });
  });
});

describe("sizes", () => {
  it("[LIMIT-1] a frame above the limit is rejected by its number and changes nothing", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    await client.sync();
    const { limits } = client.messagesOf("welcome")[0] ?? { limits: { frameBytes: 0 } };
    client.sendUpdate(new Uint8Array(limits.frameBytes + 1));
    await until(() => client.messagesOf("rejected").length === 1, "a rejection");
    expect(client.messagesOf("rejected")[0]).toMatchObject({ frame: 1, code: "frame-too-large" });
    expect(client.closed).toBeNull();
    expect(await getRoom(env.ROOMS, room).getState()).toEqual(new Uint8Array([0, 0]));
    const stock = await openClient(room);
    stock.sendUpdate(new Uint8Array(limits.frameBytes + 1));
    await until(() => stock.closed !== null, "closed");
    expect(stock.closed?.code).toBe(4413);
  });

  it("[LIMIT-2] a full document refuses what adds and takes deletions", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const client = await openRoomful(room);
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
    expect(await codeOfCall(handle.applyUpdate(textUpdate("z".repeat(7_000_000))))).toBe("document-full");
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

  it("[LIMIT-2] what was deleted after the last snapshot makes room also after a load", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const { doc, take } = editedDoc();
    doc.getText("text").insert(0, "x".repeat(5_900_000));
    await handle.applyUpdate(take());
    await handle.flush();
    doc.getText("text").delete(0, 5_000_000);
    await handle.applyUpdate(take());
    await evictDurableObject(stubOf(room));
    expect(await handle.applyUpdate(textUpdate("y".repeat(500_000)))).toEqual({ changed: true });
  });

  it("[LIMIT-2] the limit holds inside a window too", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("x".repeat(6_000_000)));
    await bringCrowd(room);
    const client = await openRoomful(room);
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
    expect(await codeOfCall(handle.applyUpdate(take()))).toBe("invalid-update");
    expect(await handle.getState()).toEqual(new Uint8Array([0, 0]));
  });

  it("[LIMIT-3] a presence row is gone when the room is empty", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    client.sendPresence(1, 1, { selection: "s".repeat(40_000) });
    // The timer that saves a large presence state in a row.
    await pause(SAVE_MS + 200);
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
    const [one, two] = await Promise.all([openRoomful(room), openRoomful(room)]);
    one.sendPresence(1, 1, { selection: "s".repeat(40_000) });
    one.sendPresence(1, 2, { selection: "s".repeat(70_000) });
    await until(() => one.messagesOf("error").length === 1, "an error");
    expect(one.messagesOf("error")[0]?.code).toBe("presence-too-large");
    await passWindows();
    await evictDurableObject(stubOf(room));
    two.send(encodeQueryAwareness());
    await until(() => two.presence.has(1), "presence");
    expect(two.presence.get(1)).toEqual({ selection: "s".repeat(40_000) });
    one.sendPresence(1, 2, { selection: "small" });
    await until(() => JSON.stringify(two.presence.get(1)) === '{"selection":"small"}', "the small state");
    // The timer that saves a large presence state again: it has none to save.
    await pause(ROW_MS + 300);
    const rows = await runInDurableObject(stubOf(room), (_room, ctx) =>
      ctx.storage.sql.exec("SELECT * FROM presence").toArray(),
    );
    expect(rows).toEqual([]);
  });
});
