import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { type Capability, ROLES } from "../../shared/rooms.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { codeOfCall } from "../support/code-of.ts";
import { textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";

/** Milliseconds for which the grants of these tests hold: a busy machine must be able to do something in that time. */
const TIME = 4_000;

const ending = (capabilities: readonly Capability[]) => ({ capabilities, expiresAt: Date.now() + TIME });
const untilEndOf = ({ expiresAt }: { expiresAt: number }) => pause(expiresAt - Date.now() + 50);

describe.concurrent("a grant that ends", () => {
  it.each([
    ["awake", false],
    ["hibernated meanwhile", true],
  ])("[GRANT-1] nothing is delivered to a silent reader past its end, in a room that %s", async (_how, hibernates) => {
    const room = freshRoom();
    const grant = ending(["read"]);
    const reader = await openRoomful(room, grant);
    const stock = await openClient(room, { grant });
    const writer = await openRoomful(room);
    await Promise.all([reader.sync(), stock.sync(), writer.sync()]);
    expect(reader.messagesOf("welcome")[0]?.expiresIn).toBeGreaterThan(0);
    await writer.untilSaved(writer.sendUpdate(textUpdate("before", 1)));
    await until(
      () => reader.framesOf("update").length === 1 && stock.framesOf("update").length === 1,
      "the first edit",
    );
    await untilEndOf(grant);
    if (hibernates) await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
    // Nothing has happened since: no timer waited for the end.
    expect([reader.closed, stock.closed]).toEqual([null, null]);
    writer.sendUpdate(textUpdate("after", 2));
    writer.sendPresence(7, 1, { cursor: 1 });
    await until(() => reader.closed !== null && stock.closed !== null, "both are closed");
    for (const client of [reader, stock]) {
      expect(client.closed?.code).toBe(4501);
      expect(client.closed?.reason).toMatch(/^session-expired: /);
      expect([client.framesOf("update").length, client.framesOf("awareness").length]).toEqual([1, 0]);
    }
    expect((await getRoom(env.ROOMS, room).participants()).length).toBe(1);
  });

  it.each([
    ["awake", false],
    ["hibernated meanwhile", true],
  ])("[GRANT-1] nothing is taken from a session past its end, in a room that %s", async (_how, hibernates) => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const grant = ending(ROLES.editor);
    const [late, other] = [await openRoomful(room, grant), await openRoomful(room)];
    // A binary frame of its own: without one the other is sent no presence at all.
    await Promise.all([late.sync(), other.sync()]);
    await late.untilSaved(late.sendUpdate(textUpdate("in time", 1)));
    const before = await handle.getState();
    await untilEndOf(grant);
    if (hibernates) await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
    late.sendUpdate(textUpdate("too late", 2));
    late.sendPresence(9, 1, { name: "late" });
    late.send('{"type":"event","data":1}');
    await until(() => late.closed !== null, "it is closed");
    expect(late.closed?.code).toBe(4501);
    expect(await handle.getState()).toEqual(before);
    await other.settled();
    expect([other.presence.size, other.messagesOf("event").length]).toEqual([0, 0]);
    expect((await handle.participants()).length).toBe(1);
  });

  it("[GRANT-1] by RPC, a grant ends in the hands of who holds the room", async () => {
    const grant = ending(ROLES.editor);
    using handle = await getRoom(env.ROOMS, freshRoom()).as(grant);
    await handle.applyUpdate(textUpdate("in time"));
    await untilEndOf(grant);
    expect(await codeOfCall(handle.getState())).toBe("token-expired");
  });
});

it("[GRANT-2] a deployment without tokens takes none to renew", async () => {
  const client = await openRoomful(freshRoom());
  client.send('{"type":"auth","token":"x"}');
  await until(() => client.messagesOf("error").length === 1, "an answer");
  expect(client.messagesOf("error")[0]?.code).toBe("invalid-argument");
});

it("[EVENT-1] who may publish reaches everybody who may read, or one of them, and nothing of it is kept", async () => {
  const room = freshRoom();
  const [ada, bob, blind] = [
    await openRoomful(room),
    await openRoomful(room),
    await openRoomful(room, { capabilities: ["call"] }),
  ];
  const stock = await openClient(room);
  const [adaPeer, bobPeer] = [ada, bob].map((client) => client.messagesOf("welcome")[0]?.peer);
  ada.send('{"type":"event","data":{"kind":"confetti"}}');
  bob.send(`{"type":"event","to":"${adaPeer}","data":null}`);
  await until(() => ada.messagesOf("event").length === 1 && bob.messagesOf("event").length === 1, "both");
  expect(bob.messagesOf("event")).toEqual([{ type: "event", from: adaPeer, data: { kind: "confetti" } }]);
  expect(ada.messagesOf("event")).toEqual([{ type: "event", from: bobPeer, data: null }]);
  await getRoom(env.ROOMS, room).publish(["from", "a", "backend"]);
  await until(() => ada.messagesOf("event").length === 2, "the backend's");
  expect(bob.messagesOf("event")[1]).toEqual({ type: "event", data: ["from", "a", "backend"] });
  await blind.settled();
  // A stock client asks for the document, and is answered with nothing but that.
  await stock.settled();
  expect(blind.messagesOf("event")).toEqual([]);
  expect([stock.frames.map(({ type }) => type), stock.messages]).toEqual([["sync-step-1", "sync-step-2"], []]);
  const { document, storage } = await getRoom(env.ROOMS, room).statistics();
  expect([document.loads, storage.rowsWritten]).toEqual([0, 0]);
});

it.each([
  ["without the right", ["read"], '{"type":"event","data":1}', "forbidden"],
  ["to nobody", ["read", "publish"], '{"type":"event","to":"nobody","data":1}', "unknown-peer"],
  ["of nothing", ["read", "publish"], '{"type":"event"}', "malformed-message"],
  [
    "that is too deep",
    ["read", "publish"],
    `{"type":"event","data":${"[".repeat(70)}${"]".repeat(70)}}`,
    "malformed-message",
  ],
  ["above the limit", ["read", "publish"], `{"type":"event","data":"${"x".repeat(70_000)}"}`, "malformed-message"],
] as const)("[EVENT-2] an event %s is refused, and reaches nobody", async (_how, capabilities, text, code) => {
  const room = freshRoom();
  const [sender, other] = [await openRoomful(room, { capabilities }), await openRoomful(room)];
  sender.send(text);
  await until(() => sender.messagesOf("error").length === 1, "an answer");
  expect(sender.messagesOf("error")[0]?.code).toBe(code);
  await other.settled();
  expect(other.messagesOf("event")).toEqual([]);
  expect(Y.encodeStateVector(new Y.Doc())).toEqual(await getRoom(env.ROOMS, room).getStateVector());
});
