import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { FOUND_DEAD_CLOSE } from "../../shared/messages.ts";
import { type Capability, type Grant, type Participant, type PeerId, ROLES } from "../../shared/rooms.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openRoomful } from "./room-client.ts";
import { freshRoom, passDeadlines, stubOf } from "./rooms.ts";

const MEDIA = { audio: true, video: false, muted: true };
const ADA: Grant = { subject: "ada", capabilities: ROLES.editor, name: "Ada" };
const handleOf = (room: string) => getRoom(env.ROOMS, room);

async function caller(room: string, grant?: Grant): Promise<{ client: WireClient; peer: PeerId; resume: string }> {
  const client = await openRoomful(room, grant);
  client.tell({ type: "call-join", media: MEDIA });
  await client.heard("call-joined");
  return { client, ...(await identityOf(client)) };
}

async function identityOf(client: WireClient): Promise<{ peer: PeerId; resume: string }> {
  const { peer, resume = "" } = await client.heard("welcome");
  return { peer, resume };
}

/** What a client was told of a peer, in order; `null` for that it left. */
function toldOf(client: WireClient, peer: PeerId): (Participant | null)[] {
  return client
    .messagesOf("participants")
    .flatMap(({ present, left }) => [
      ...present.filter((each) => each.peer === peer),
      ...(left.includes(peer) ? [null] : []),
    ]);
}

const stateOf = (client: WireClient, peer: PeerId) => toldOf(client, peer).at(-1)?.call?.state;

/** A caller whose socket was lost, and somebody else in the call who sees it. */
async function lost(grant?: Grant) {
  const room = freshRoom();
  const bob = await caller(room);
  const ada = await caller(room, grant);
  await until(() => stateOf(bob.client, ada.peer) === "connected", "ada is seen");
  ada.client.close(FOUND_DEAD_CLOSE);
  await until(() => stateOf(bob.client, ada.peer) === "reconnecting", "it is seen");
  return { room, ada, bob };
}

it("[RESUME-1] who lost its socket in the call comes back as the same peer, at its place, and others see no leaving", async () => {
  const { room, ada, bob } = await lost(ADA);
  expect((await handleOf(room).statistics()).callMembers).toBe(2);
  bob.client.tell({ type: "ice-candidates", to: ada.peer, connection: "c", candidates: [{ candidate: "" }] });
  expect(await bob.client.heard("error")).toMatchObject({ code: "peer-reconnecting", peer: ada.peer });
  const back = await openRoomful(room, ADA, ada.resume);
  expect((await identityOf(back)).peer).toBe(ada.peer);
  await until(() => stateOf(bob.client, ada.peer) === "connected", "it is back");
  await bob.client.settled();
  expect(toldOf(bob.client, ada.peer)).not.toContain(null);
  expect(toldOf(bob.client, ada.peer).at(-1)).toMatchObject({ subject: "ada", call: { media: MEDIA } });
  back.tell({ type: "ice-candidates", to: bob.peer, connection: "c", candidates: [{ candidate: "" }] });
  expect((await bob.client.heard("ice-candidates")).from).toBe(ada.peer);
  back.tell({ type: "call-join", media: MEDIA });
  expect((await back.heard("call-joined")).members).toEqual([bob.peer]);
  await bob.client.settled();
  expect([bob.client, back].map((client) => client.messagesOf("ice-candidates").length)).toEqual([1, 0]);
  expect((await handleOf(room).participants()).map(({ peer }) => peer).sort()).toEqual([ada.peer, bob.peer].sort());
});

it("[RESUME-1] the secret rides as a subprotocol that is not selected, and is not logged", async () => {
  const { room, ada } = await lost();
  const lines: unknown[] = [];
  const write = { log: console.log, warn: console.warn, error: console.error };
  for (const name of ["log", "warn", "error"] as const) console[name] = (...words) => lines.push(words);
  try {
    const back = await openRoomful(room, undefined, ada.resume);
    expect([back.subprotocol, (await identityOf(back)).peer]).toEqual(["roomful.v1", ada.peer]);
    await back.leave();
  } finally {
    Object.assign(console, write);
  }
  expect(JSON.stringify(lines)).not.toContain(ada.resume);
});

it("[RESUME-2] a close with a close frame, or one outside the call, leaves at once", async () => {
  const room = freshRoom();
  const bob = await caller(room);
  const leavers = [await caller(room), await caller(room)];
  leavers[0]?.client.close(1000);
  leavers[1]?.client.close(3000);
  const outside = await openRoomful(room);
  const outsider = await identityOf(outside);
  await until(() => toldOf(bob.client, outsider.peer).length === 1, "the outsider is seen");
  outside.close(FOUND_DEAD_CLOSE);
  for (const { peer, resume } of [...leavers, outsider]) {
    await until(() => toldOf(bob.client, peer).at(-1) === null, "it left");
    expect((await identityOf(await openRoomful(room, undefined, resume))).peer).not.toBe(peer);
  }
});

it("[RESUME-3] who comes back while its former socket looks open takes its place, and the former one is closed", async () => {
  const room = freshRoom();
  const [bob, ada] = [await caller(room), await caller(room)];
  ada.client.sendPresence(7, 1, { name: "ada" });
  await ada.client.settled();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  const back = await openRoomful(room, undefined, ada.resume);
  expect((await identityOf(back)).peer).toBe(ada.peer);
  await until(() => ada.client.closed !== null, "the former one is closed");
  back.tell({ type: "ice-candidates", to: bob.peer, connection: "c", candidates: [{ candidate: "" }] });
  expect((await bob.client.heard("ice-candidates")).from).toBe(ada.peer);
  await bob.client.settled();
  expect(bob.client.messagesOf("ice-candidates")).toHaveLength(1);
  expect(toldOf(bob.client, ada.peer)).not.toContain(null);
  expect(await handleOf(room).participants()).toHaveLength(2);
});

it.each<[string, { grant?: Grant; use?: (room: string, resume: string) => Promise<unknown>; secret?: string }]>([
  ["of another subject", { grant: { subject: "eve", capabilities: ROLES.editor } }],
  ["without a subject", { grant: { capabilities: ROLES.editor } }],
  ["without the right to call", { grant: { subject: "ada", capabilities: ["read"] as Capability[] } }],
  ["with another secret", { grant: ADA, secret: "0".repeat(48) }],
  ["with an empty one", { grant: ADA, secret: "" }],
])("[RESUME-4] who comes %s is somebody new, and the place stays kept", async (_what, { grant, secret }) => {
  const { room, ada, bob } = await lost(ADA);
  const thief = await identityOf(await openRoomful(room, grant, secret ?? ada.resume));
  expect(thief.peer).not.toBe(ada.peer);
  await bob.client.settled();
  expect(stateOf(bob.client, ada.peer)).toBe("reconnecting");
  expect((await identityOf(await openRoomful(room, ADA, ada.resume))).peer).toBe(ada.peer);
});

it("[RESUME-4] a secret is good once: the one who used it has another", async () => {
  const { room, ada } = await lost(ADA);
  const back = await openRoomful(room, ADA, ada.resume);
  const again = await identityOf(back);
  expect(again.resume).not.toBe(ada.resume);
  expect(again.resume.length * 4).toBeGreaterThanOrEqual(128);
  expect((await identityOf(await openRoomful(room, ADA, ada.resume))).peer).not.toBe(ada.peer);
  await back.leave(FOUND_DEAD_CLOSE);
  expect((await identityOf(await openRoomful(room, ADA, again.resume))).peer).toBe(ada.peer);
});

it.each(["hibernate", "close"] as const)(
  "[RESUME-5] a place is kept over an object that sleeps, restarts or loses its sockets (%s)",
  async (webSockets) => {
    const { room, ada } = await lost(ADA);
    const { boot } = await handleOf(room).statistics();
    await evictDurableObject(stubOf(room), { webSockets });
    const back = await openRoomful(room, ADA, ada.resume);
    expect((await identityOf(back)).peer).toBe(ada.peer);
    expect((await handleOf(room).statistics()).boot).not.toBe(boot);
    expect((await handleOf(room).statistics()).document.loads).toBe(0);
  },
);

it("[RESUME-5] whoever is not back in time has left, at the alarm", async () => {
  const { room, ada, bob } = await lost();
  expect(await passDeadlines(room)).toBe(true);
  await until(() => toldOf(bob.client, ada.peer).at(-1) === null, "it left");
  expect((await handleOf(room).statistics()).callMembers).toBe(1);
  expect((await identityOf(await openRoomful(room, undefined, ada.resume))).peer).not.toBe(ada.peer);
  bob.client.tell({ type: "ice-candidates", to: ada.peer, connection: "c", candidates: [{ candidate: "" }] });
  expect((await bob.client.heard("error")).code).toBe("unknown-peer");
});

it("[RESUME-5] the time is honoured before the alarm goes off, too", async () => {
  const { room, ada } = await lost();
  expect(await passDeadlines(room, { alarm: false })).toBe(false);
  expect((await handleOf(room).statistics()).callMembers).toBe(1);
  expect((await identityOf(await openRoomful(room, undefined, ada.resume))).peer).not.toBe(ada.peer);
  expect((await handleOf(room).participants()).map(({ peer }) => peer)).not.toContain(ada.peer);
});

it("[RESUME-6] when the object goes down with all its sockets, whoever was in the call comes back to its place", async () => {
  const room = freshRoom();
  const [ada, bob] = [await caller(room, ADA), await caller(room)];
  await evictDurableObject(stubOf(room), { webSockets: "close" });
  const back = await openRoomful(room, ADA, ada.resume);
  expect((await identityOf(back)).peer).toBe(ada.peer);
  await until(() => stateOf(back, bob.peer) === "reconnecting", "the other is expected");
  const bobBack = await openRoomful(room, undefined, bob.resume);
  expect((await identityOf(bobBack)).peer).toBe(bob.peer);
  back.tell({ type: "ice-candidates", to: bob.peer, connection: "c", candidates: [{ candidate: "" }] });
  expect((await bobBack.heard("ice-candidates")).from).toBe(ada.peer);
});

it("[RESUME-6] who does not come back after that has left in the end", async () => {
  const room = freshRoom();
  const [ada, bob] = [await caller(room, ADA), await caller(room)];
  await evictDurableObject(stubOf(room), { webSockets: "close" });
  const back = await openRoomful(room, ADA, ada.resume);
  await until(() => stateOf(back, bob.peer) === "reconnecting", "the other is expected");
  expect(await passDeadlines(room)).toBe(true);
  await until(() => toldOf(back, bob.peer).at(-1) === null, "it left");
});

it("[RESUME-7] a kick, a ban and a full call reach those who are reconnecting", async () => {
  const kicked = await lost();
  await handleOf(kicked.room).moderate({ action: "kick", peer: kicked.ada.peer });
  await until(() => toldOf(kicked.bob.client, kicked.ada.peer).at(-1) === null, "it left");
  const banned = await lost(ADA);
  await handleOf(banned.room).moderate({ action: "ban", subject: "ada" });
  await until(() => toldOf(banned.bob.client, banned.ada.peer).at(-1) === null, "it left");
  const full = await lost();
  for (let count = 2; count < 8; count++) await caller(full.room);
  const ninth = await openRoomful(full.room);
  ninth.tell({ type: "call-join", media: MEDIA });
  expect((await ninth.heard("error")).code).toBe("call-full");
});
