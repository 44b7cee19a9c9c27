import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { type Capability, type PeerId, ROLES } from "../../shared/rooms.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { codeOfCall } from "../support/code-of.ts";
import { textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";
import { enter, guarded, tokenOf } from "./test-tokens.ts";

const peerOf = (client: WireClient) => client.messagesOf("welcome")[0]?.peer as PeerId;
const as = (subject: string, capabilities: readonly Capability[] = ROLES.editor) => ({ subject, capabilities });
const moderate = (client: WireClient, moderation: object) =>
  client.send(JSON.stringify({ type: "moderate", moderation }));
const errorTo = async (client: WireClient, nth = 1) => {
  await until(() => client.messagesOf("error").length >= nth, "an answer");
  return client.messagesOf("error")[nth - 1]?.code;
};

it.each([
  ["awake", false],
  ["hibernated before it writes", true],
])(
  "[MOD-1] a moderator takes the right to write from a subject, and gives it back, in a room that %s",
  async (_, sleeps) => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const moderator = await openRoomful(room, as("mod", ROLES.moderator));
    const [ada, adaToo] = [await openRoomful(room, as("ada")), await openRoomful(room, as("ada"))];
    await ada.sync();
    moderate(moderator, { action: "set-capabilities", peer: peerOf(ada), capabilities: ["read"] });
    await until(() => ada.messagesOf("grant").length === 1 && adaToo.messagesOf("grant").length === 1, "both are told");
    expect(ada.messagesOf("grant")[0]).toEqual({ type: "grant", capabilities: ["read"] });
    if (sleeps) await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
    const before = await handle.getState();
    ada.sendUpdate(textUpdate("no", 1));
    await until(() => ada.messagesOf("rejected").length === 1, "it is refused");
    expect(ada.messagesOf("rejected")[0]?.code).toBe("forbidden");
    expect(await handle.getState()).toEqual(before);
    const again = await openRoomful(room, as("ada"));
    await until(() => again.messagesOf("welcome").length === 1, "welcome");
    expect(again.messagesOf("welcome")[0]?.capabilities).toEqual(["read"]);
    await until(
      () => (moderator.messagesOf("participants").at(-1)?.present ?? []).some(({ peer }) => peer === peerOf(again)),
      "the moderator sees it",
    );
    moderate(moderator, { action: "set-capabilities", peer: peerOf(again), capabilities: null });
    await until(() => again.messagesOf("grant").length === 1, "it is told");
    expect(again.messagesOf("grant")[0]?.capabilities).toEqual(ROLES.editor);
    await again.sync();
    await again.untilSaved(again.sendUpdate(textUpdate("yes", 2)));
  },
);

it("[MOD-1] who is given the right to write is asked for what it wrote before", async () => {
  const room = freshRoom();
  const viewer = await openRoomful(room, as("ada", ["read"]));
  await viewer.sync();
  expect(viewer.framesOf("sync-step-1")).toEqual([]);
  await getRoom(env.ROOMS, room).moderate({
    action: "set-capabilities",
    peer: peerOf(viewer),
    capabilities: ["read", "write"],
  });
  await until(() => viewer.framesOf("sync-step-1").length === 1, "the room's step 1");
  await viewer.untilSaved(viewer.sendStep2(textUpdate("drawn before")));
});

it("[MOD-2] a kicked client is closed for good, gone at once, and heard no more", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const [victim, other] = [await openRoomful(room), await openRoomful(room)];
  await victim.sync();
  victim.sendPresence(5, 1, { name: "victim" });
  await until(() => other.presence.get(5) === undefined && other.messagesOf("participants").length > 0, "present");
  await handle.moderate({ action: "kick", peer: peerOf(victim) });
  victim.sendUpdate(textUpdate("too late"));
  await until(() => victim.closed !== null, "closed");
  expect(victim.closed).toEqual({ code: 4403, reason: expect.stringMatching(/^kicked: /) });
  expect((await handle.participants()).map(({ peer }) => peer)).toEqual([peerOf(other)]);
  expect(await handle.getState()).toEqual(new Uint8Array([0, 0]));
  const back = await openRoomful(room);
  await until(() => back.messagesOf("welcome").length === 1, "it may come back");
});

it("[MOD-3] a banned subject is shut out of sockets and calls, with every connection that it has, until it is let in again", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const [one, two, other] = [
    await openRoomful(room, as("eve")),
    await openClient(room, { grant: as("eve") }),
    await openRoomful(room, as("ada")),
  ];
  {
    using held = await handle.as(as("eve"));
    await held.getState();
    await handle.moderate({ action: "ban", subject: "eve" });
    expect(await codeOfCall(held.getState())).toBe("banned");
  }
  await until(() => one.closed !== null && two.closed !== null, "both are closed");
  expect([one.closed?.code, two.closed?.code, other.closed]).toEqual([4403, 4403, null]);
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  const app = guarded();
  const token = await tokenOf({ sub: "eve", room });
  expect(await enter(app, room, { token })).toMatchObject({ code: 4403, reason: expect.stringMatching(/^banned: /) });
  await handle.moderate({ action: "unban", subject: "eve" });
  expect(await enter(app, room, { token })).toHaveProperty("welcome");
});

it("[MOD-4] who is muted is so for everybody, on every connection, also later ones", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const [ada, bob] = [await openRoomful(room, as("ada")), await openRoomful(room, as("bob"))];
  await handle.moderate({ action: "mute", peer: peerOf(ada), muted: true });
  const mutedFor = (client: WireClient) =>
    client.messagesOf("participants").flatMap(({ present }) => present.filter(({ isMuted }) => isMuted));
  await until(() => mutedFor(ada).length > 0 && mutedFor(bob).length > 0, "both are told");
  expect(mutedFor(bob)[0]).toMatchObject({ peer: peerOf(ada), subject: "ada" });
  ada.close();
  const again = await openRoomful(room, as("ada"));
  expect((await handle.participants()).find(({ peer }) => peer === peerOf(again))).toMatchObject({ isMuted: true });
  await handle.moderate({ action: "mute", peer: peerOf(again), muted: false });
  expect((await handle.participants()).some(({ isMuted }) => isMuted)).toBe(false);
});

it("[MOD-5] a locked room lets in moderators and who was in, and nobody else", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const insider = await openRoomful(room, as("ada"));
  const moderator = await openRoomful(room, as("mod", ROLES.moderator));
  moderator.send('{"type":"settings","settings":{"locked":true}}');
  while (!(await handle.getSettings()).locked) await pause(5);
  insider.close();
  const app = guarded();
  const enters = async (claims: object) => enter(app, room, { token: await tokenOf({ room, ...claims }) });
  expect(await enters({ sub: "ada" })).toHaveProperty("welcome");
  expect(await enters({ sub: "another moderator", role: "moderator" })).toHaveProperty("welcome");
  expect(await enters({ sub: "eve" })).toMatchObject({ code: 4423, reason: expect.stringMatching(/^room-locked: /) });
  expect(await enters({})).toMatchObject({ code: 4423 });
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  expect(await enters({ sub: "eve" })).toMatchObject({ code: 4423 });
  await handle.changeSettings({ locked: false });
  expect(await enters({ sub: "eve" })).toHaveProperty("welcome");
});

it("[MOD-6] who may not moderate changes nothing, and nobody gives a right that it lacks", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const [editor, other] = [await openRoomful(room, as("ada")), await openRoomful(room, as("bob"))];
  const limited = await openRoomful(room, as("limited", ["read", "moderate"]));
  const before = JSON.stringify([await handle.participants(), await handle.getSettings()]);
  moderate(editor, { action: "kick", peer: peerOf(other) });
  editor.send('{"type":"settings","settings":{"locked":true}}');
  expect([await errorTo(editor, 1), await errorTo(editor, 2)]).toEqual(["forbidden", "forbidden"]);
  moderate(limited, { action: "set-capabilities", peer: peerOf(limited), capabilities: ["read", "write"] });
  expect(await errorTo(limited)).toBe("forbidden");
  const held = await handle.as(as("limited", ["read", "moderate"]));
  const raise = { action: "set-capabilities", peer: peerOf(limited), capabilities: ["read", "write"] } as const;
  expect(await codeOfCall(held.moderate(raise))).toBe("forbidden");
  const reader = await handle.as(as("bob"));
  for (const call of [
    reader.moderate(raise),
    reader.getSettings(),
    reader.changeSettings({ locked: true }),
    reader.delete(),
    reader.statistics(),
  ]) {
    expect(await codeOfCall(call)).toBe("forbidden");
  }
  expect(JSON.stringify([await handle.participants(), await handle.getSettings()])).toBe(before);
});

it.each([
  ["somebody who is not there", { action: "kick", peer: "nobody" }, "unknown-peer"],
  ["with an unknown action", { action: "praise", peer: "x" }, "malformed-message"],
  [
    "to take the right to read",
    { action: "set-capabilities", peer: "x", capabilities: ["write"] },
    "malformed-message",
  ],
  ["without a subject", { action: "ban", subject: "" }, "malformed-message"],
])("[MOD-6] to moderate %s is refused", async (_what, moderation, code) => {
  const client = await openRoomful(freshRoom(), as("mod", ROLES.moderator));
  moderate(client, moderation);
  expect(await errorTo(client)).toBe(code);
});

it("[MOD-7] a room's own origins are checked when a page enters, and when it calls", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  await handle.changeSettings({ origins: ["https://app.example"] });
  const app = guarded({ ALLOWED_ORIGINS: "*" });
  const token = await tokenOf({ room, role: "moderator" });
  const enters = (origin?: string) => enter(app, room, { token, ...(origin !== undefined && { origin }) });
  expect(await enters("https://app.example")).toHaveProperty("welcome");
  expect(await enters()).toHaveProperty("welcome");
  expect(await enters("https://evil.example")).toMatchObject({
    code: 4403,
    reason: expect.stringMatching(/^origin-not-allowed: /),
  });
  const calls = (origin: string) =>
    app.request(
      `/api/rooms/${encodeURIComponent(room)}/settings`,
      { headers: { authorization: `Bearer ${token}`, origin } },
      env,
    );
  expect([(await calls("https://app.example")).status, (await calls("https://evil.example")).status]).toEqual([
    200, 403,
  ]);
});

it("[MOD-8] a room's own limits are lower than its deployment's, never higher, and hold at once", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  await handle.changeSettings({ maxParticipants: 3, maxParticipantsPerSubject: 2, maxDocumentBytes: 2_000 });
  const app = guarded();
  const enters = async (sub: string) => enter(app, room, { token: await tokenOf({ room, sub }) });
  expect(await enters("ada")).toHaveProperty("welcome");
  expect(await enters("ada")).toHaveProperty("welcome");
  expect(await enters("ada")).toMatchObject({ reason: expect.stringMatching(/^too-many-connections: /) });
  expect(await enters("bob")).toHaveProperty("welcome");
  expect(await enters("eve")).toMatchObject({ reason: expect.stringMatching(/^room-full: /) });
  await handle.applyUpdate(textUpdate("x".repeat(1_500), 1));
  expect(await codeOfCall(handle.applyUpdate(textUpdate("x".repeat(1_000), 2)))).toBe("document-full");
  await handle.changeSettings({ maxParticipants: 1_000_000, maxDocumentBytes: null });
  await handle.applyUpdate(textUpdate("x".repeat(1_000), 2));
  expect(await enters("eve")).toHaveProperty("welcome");
});

it.each([
  [{ locked: "yes" }, "locked"],
  [{ origins: ["https://app.example/path"] }, "origins.0"],
  [{ maxParticipants: 0 }, "maxParticipants"],
  [{ deleteEmptyAfter: -1 }, "deleteEmptyAfter"],
  [{ color: "red" }, "color"],
  [null, "not an object"],
])("settings %j are refused whole, and the field is named", async (settings, field) => {
  const handle = getRoom(env.ROOMS, freshRoom());
  const before = await handle.getSettings();
  const patch = settings === null ? settings : { locked: true, ...settings };
  const refused = await handle.changeSettings(patch as never).catch((caught: Error) => caught.message);
  expect(refused).toContain("invalid-argument");
  expect(refused).toContain(field);
  expect(await handle.getSettings()).toEqual(before);
});
