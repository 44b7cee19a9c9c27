import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { encodeAwareness, encodeQueryAwareness } from "../../shared/frames.ts";
import {
  INLINE_PRESENCE_BYTES,
  PRESENCE_FRAME_BYTES,
  ROOM_PRESENCE_BYTES,
  SUBJECT_CHARACTERS,
} from "../../shared/limits.ts";
import { CAPABILITIES, type Grant, type PeerId, ROLES } from "../../shared/rooms.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { ROW_MS, SAVE_MS } from "../../worker/sessions/sessions.ts";
import { codeOfCall } from "../support/code-of.ts";
import { pause, until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openRoomful } from "./room-client.ts";
import { freshRoom, passWindows, stubOf } from "./rooms.ts";

const peerOf = async (client: WireClient): Promise<PeerId> => (await client.heard("welcome")).peer;

/** A presence state of so many bytes. */
const stateOf = (bytes: number) => new TextEncoder().encode(JSON.stringify({ s: "x".repeat(bytes - 8) }));

/** Waits until whatever changed is in its attachment or its row. */
const saved = () => pause(SAVE_MS + ROW_MS + 300);

it("[STORE-7] a presence state is stored by its own size, whatever else is in its frame", async () => {
  const room = freshRoom();
  const client = await openRoomful(room);
  client.sendPresence(5, 1, {});
  await client.settled();
  const others = { clientId: 6, clock: 1, state: stateOf(11_000) };
  client.send(encodeAwareness([others, { clientId: 5, clock: 2, state: stateOf(INLINE_PRESENCE_BYTES) }]));
  await client.settled();
  await saved();
  expect(client.closed).toBeNull();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  const watcher = await openRoomful(room);
  watcher.send(encodeQueryAwareness());
  await until(() => watcher.presence.has(5), "the state");
  expect(watcher.presence.get(5)).toEqual({ s: "x".repeat(INLINE_PRESENCE_BYTES - 8) });
}, 30_000);

it("[MOD-1] capabilities are a set: a list of 6,000 is one of what it names", async () => {
  const room = freshRoom();
  const ada: Grant = { capabilities: ROLES.editor, subject: "ada" };
  const [moderator, victim] = [
    await openRoomful(room, { capabilities: ROLES.moderator }),
    await openRoomful(room, ada),
  ];
  const capabilities = Array.from({ length: 6_000 }, () => "read");
  moderator.tell({
    type: "moderate",
    moderation: { action: "set-capabilities", peer: await peerOf(victim), capabilities },
  });
  expect((await victim.heard("grant")).capabilities).toEqual(["read"]);
  const again = await openRoomful(room, ada);
  expect((await again.heard("welcome")).capabilities).toEqual(["read"]);
  await saved();
  expect([victim.closed, again.closed]).toEqual([null, null]);
}, 30_000);

it.each([
  ["maxParticipants", 1e308],
  ["maxParticipants", 2 ** 31],
  ["maxParticipantsPerSubject", 2 ** 53],
  ["maxDocumentBytes", 1e20],
  ["deleteEmptyAfter", 315_360_001],
])("[MOD-8] %s: %d is out of its range", async (field, value) => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const before = await handle.getSettings();
  expect(await codeOfCall(handle.changeSettings({ [field]: value }))).toBe("invalid-argument");
  const moderator = await openRoomful(room, { capabilities: ROLES.moderator });
  moderator.tell({ type: "settings", settings: { [field]: value } });
  expect((await moderator.heard("error")).code).toBe("malformed-message");
  expect(await handle.getSettings()).toEqual(before);
});

it("[STORE-7] the largest of everything that a socket's attachment holds fits into it, opens, hibernates and resumes", async () => {
  const room = freshRoom();
  const wide = "\u{4e2d}".repeat(SUBJECT_CHARACTERS);
  const grant: Grant = { capabilities: CAPABILITIES, subject: wide, name: wide, expiresAt: 253_402_300_799_000 };
  const moderator = await openRoomful(room, { capabilities: CAPABILITIES });
  const client = await openRoomful(room, grant);
  const welcome = await client.heard("welcome");
  const { peer } = welcome;
  moderator.tell({
    type: "moderate",
    moderation: { action: "set-capabilities", peer, capabilities: CAPABILITIES },
  });
  moderator.tell({ type: "moderate", moderation: { action: "mute", peer, muted: true } });
  client.tell({ type: "call-join", media: { audio: true, video: true, muted: true } });
  await client.heard("call-joined");
  await client.sync();
  const entry = { clientId: Number.MAX_SAFE_INTEGER, clock: 2 ** 31 - 2, state: stateOf(INLINE_PRESENCE_BYTES) };
  client.send(encodeAwareness([entry]));
  await client.settled();
  await saved();
  expect(client.closed).toBeNull();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  await client.settled();
  const again = await openRoomful(room, grant, welcome.resume);
  expect((await again.heard("welcome")).peer).toBe(peer);
  again.send(encodeAwareness([{ ...entry, clock: entry.clock + 1 }]));
  await again.settled();
  await saved();
  expect(again.closed).toBeNull();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  await again.settled();
  const shown = (await getRoom(env.ROOMS, room).participants()).find((one) => one.peer === peer);
  expect(shown).toMatchObject({ subject: wide, name: wide, isMuted: true, clientId: entry.clientId });
  expect(shown?.capabilities).toEqual(CAPABILITIES);
}, 60_000);

/** Brings in so many who show a state of so many bytes and are sent none: they may not read. */
async function crowdOf(room: string, count: number, bytes: number): Promise<WireClient[]> {
  const crowd: WireClient[] = [];
  for (let id = 1; id <= count; id++) {
    const client = await openRoomful(room, { capabilities: ["call"] });
    client.send(encodeAwareness([{ clientId: id, clock: 1, state: stateOf(bytes) }]));
    await client.settled();
    crowd.push(client);
  }
  return crowd;
}

it("[PRES-9] whoever comes to 262 people with a state of 65 kB each is sent 4 MB in parts, and stays", async () => {
  const room = freshRoom();
  const honest = await openRoomful(room);
  honest.sendPresence(1_000, 1, { name: "honest" });
  const crowd = await crowdOf(room, 262, 65_536);
  const newcomer = await openRoomful(room);
  newcomer.answersProbes = false;
  const sizes: number[] = [];
  newcomer.onFrame = (frame) => {
    if (frame.type === "awareness") sizes.push(encodeAwareness(frame.entries).length);
  };
  newcomer.send(encodeQueryAwareness());
  await newcomer.settled();
  await pause(500);
  expect([newcomer.closed, honest.closed]).toEqual([null, null]);
  expect(newcomer.presence.get(1_000)).toEqual({ name: "honest" });
  expect(Math.max(...sizes)).toBeLessThanOrEqual(PRESENCE_FRAME_BYTES);
  // The first binary frame is answered by everybody's presence, and so is the query.
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(2 * (ROOM_PRESENCE_BYTES + 262 * 30));
  expect([...newcomer.presence.values()].filter((state) => state !== null).length).toBeGreaterThan(60);
  newcomer.sendPresence(1_001, 1, { name: "newcomer" });
  await until(() => honest.presence.has(1_001), "the newcomer to be seen");
  for (const client of crowd) client.close();
}, 120_000);

it("[PRES-9] what does not fit is hidden, the largest first, without a strike, and shown again once there is room", async () => {
  const room = freshRoom();
  const watcher = await openRoomful(room);
  watcher.send(encodeQueryAwareness());
  const crowd = await crowdOf(room, 64, 65_536);
  await until(() => watcher.presence.size === 64, "all of them");
  const middle = await openRoomful(room);
  middle.sendPresence(100, 1, { text: "x".repeat(20_000) });
  await until(() => watcher.presence.has(100), "one that shows less");
  await until(() => [...watcher.presence.values()].filter((state) => state === null).length === 1, "one to be hidden");
  const hidden = crowd.filter((client) => client.messagesOf("error").length > 0);
  expect(hidden.map((client) => client.messagesOf("error").map(({ code }) => code))).toEqual([["presence-too-large"]]);
  const id = [...watcher.presence].find(([, state]) => state === null)?.[0] ?? 0;
  const hider = crowd[id - 1];
  const heard = watcher.framesOf("awareness").length;
  for (let clock = 2; clock < 30; clock++) {
    hider?.send(encodeAwareness([{ clientId: id, clock, state: stateOf(65_536) }]));
    await hider?.settled();
  }
  await watcher.settled();
  expect([hider?.closed, hider?.messagesOf("error").length]).toEqual([null, 1]);
  expect(watcher.framesOf("awareness").length).toBe(heard);
  const nulls = hider?.framesOf("awareness").length ?? 0;
  for (const client of crowd.slice(0, 40)) if (client !== hider) await client.leave();
  await until(() => (hider?.framesOf("awareness").length ?? 0) > nulls, "to be asked to announce itself again");
  hider?.send(encodeAwareness([{ clientId: id, clock: 30, state: stateOf(65_536) }]));
  await until(() => watcher.presence.get(id) !== null, "to be shown again");
}, 120_000);

it("[PRES-10] whoever is behind is not sent presence until it proves to have read, and then the newest, also over hibernation", async () => {
  const room = freshRoom();
  const reader = await openRoomful(room);
  reader.send(encodeQueryAwareness());
  await reader.settled();
  reader.answersProbes = false;
  const crowd = await crowdOf(room, 20, 60_000);
  const show = async (clock: number) => {
    for (const [index, client] of crowd.entries())
      client.sendPresence(index + 1, clock, { clock, s: "x".repeat(60_000) });
    await Promise.all(crowd.map((client) => client.settled()));
    await pause(100);
  };
  for (let clock = 2; clock <= 21; clock++) await show(clock);
  const left = crowd.pop();
  await left?.leave();
  await until(() => reader.presence.get(20) === null, "who left to be gone at once");
  expect(reader.closed).toBeNull();
  await passWindows();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  const { nonce } = await reader.heard("probe");
  reader.answersProbes = true;
  reader.tell({ type: "probed", nonce });
  const clocks = () => [...reader.presence.values()].map((state) => (state as { clock?: number } | null)?.clock);
  await until(() => clocks().filter((clock) => clock === 21).length === 19, "the newest of all");
  expect(reader.closed).toBeNull();
}, 120_000);

it("[TEXT-2] numbers of messages that are no safe integers are out of range", async () => {
  const room = freshRoom();
  const client = await openRoomful(room);
  client.tell({ type: "probed", nonce: 1e308 });
  const offer = { to: await peerOf(client), connection: "c", round: 1e308, description: { sdp: "" } };
  client.tell({ type: "offer", ...offer });
  await client.heard("error", 2);
  expect(client.messagesOf("error").map(({ code }) => code)).toEqual(["malformed-message", "malformed-message"]);
});

it("[RPC-7] a grant whose words or end are out of range is malformed", async () => {
  const handle = getRoom(env.ROOMS, freshRoom());
  const long = "x".repeat(SUBJECT_CHARACTERS + 1);
  for (const bad of [{ subject: long }, { name: long }, { expiresAt: Number.POSITIVE_INFINITY }]) {
    expect(await codeOfCall(Promise.resolve(handle.as({ capabilities: ["read"], ...bad })))).toBe("invalid-argument");
  }
});
