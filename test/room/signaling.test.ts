import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { CallMember } from "../../shared/calls.ts";
import { CANDIDATE_CHARACTERS, CANDIDATES_PER_MESSAGE, SDP_CHARACTERS } from "../../shared/limits.ts";
import { type Capability, type Grant, type PeerId, ROLES } from "../../shared/rooms.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { textUpdate } from "../support/documents.ts";
import { until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openRoomful } from "./room-client.ts";
import { freshRoom, passWindows, stubOf } from "./rooms.ts";

const MEDIA = { audio: true, video: false, muted: false };
const as = (subject: string, capabilities: readonly Capability[] = ROLES.editor): Grant => ({ subject, capabilities });
const peerOf = async (client: WireClient): Promise<PeerId> => (await client.heard("welcome")).peer;

async function caller(room: string, grant?: Grant): Promise<WireClient> {
  const client = await openRoomful(room, grant);
  client.tell({ type: "call-join", media: MEDIA });
  await client.heard("call-joined");
  return client;
}

const offer = (to: string, sdp = "v=0\r\n") => ({
  type: "offer",
  to,
  connection: "c1",
  round: 1,
  description: { sdp },
});

/** What a client was last told of a peer's part in the call. */
function callOf(client: WireClient, peer: PeerId): CallMember | undefined {
  const told = client.messagesOf("participants").flatMap(({ present }) => present);
  return told.findLast((participant) => participant.peer === peer)?.call;
}

/** Everything that has to do with calls that a client heard. */
const heardOfCalls = (client: WireClient) =>
  client.messages.filter(({ type }) => ["offer", "answer", "ice-candidates", "error"].includes(type));

it("[CALL-1] who joins is told of the others in the call, everybody is told of it, and a second join changes nothing", async () => {
  const room = freshRoom();
  const ada = await caller(room);
  expect(await ada.heard("call-joined")).toEqual({ type: "call-joined", members: [], maxMembers: 8, iceServers: [] });
  const watcher = await openRoomful(room);
  const bob = await caller(room);
  expect((await bob.heard("call-joined")).members).toEqual([await peerOf(ada)]);
  const bobId = await peerOf(bob);
  await until(() => callOf(watcher, bobId) !== undefined, "the watcher sees it");
  expect(callOf(watcher, bobId)).toEqual({ media: MEDIA, state: "connected" });
  bob.tell({ type: "call-join", media: { ...MEDIA, muted: true } });
  expect((await bob.heard("call-joined", 2)).members).toEqual([await peerOf(ada)]);
  const { callMembers } = await getRoom(env.ROOMS, room).statistics();
  expect([callMembers, callOf(watcher, bobId)?.media.muted]).toEqual([2, false]);
});

it("[CALL-2] what is for one peer reaches that one alone, as it was, with the name of its true sender", async () => {
  const room = freshRoom();
  const [ada, bob, eve] = [await caller(room), await caller(room), await caller(room)];
  const [adaId, bobId] = [await peerOf(ada), await peerOf(bob)];
  ada.tell({ ...offer(bobId, "v=0 offer"), from: await peerOf(eve) });
  bob.tell({ ...offer(adaId, "v=0 answer"), type: "answer" });
  const candidates = [
    { candidate: "candidate:1 1 udp 1 192.0.2.1 1 typ host", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u" },
    { candidate: "", sdpMid: null },
  ];
  ada.tell({ type: "ice-candidates", to: bobId, connection: "c1", candidates });
  await bob.heard("ice-candidates");
  await ada.heard("answer");
  for (const client of [ada, bob, eve]) await client.settled();
  const common = { connection: "c1", round: 1 };
  expect(heardOfCalls(bob)).toEqual([
    { type: "offer", from: adaId, ...common, description: { sdp: "v=0 offer" } },
    { type: "ice-candidates", from: adaId, connection: "c1", candidates },
  ]);
  expect(heardOfCalls(ada)).toEqual([{ type: "answer", from: bobId, ...common, description: { sdp: "v=0 answer" } }]);
  expect(heardOfCalls(eve)).toEqual([]);
});

it("[CALL-3] who sends and who is sent to must be in the call of this room; who asks too often is not closed for it", async () => {
  const room = freshRoom();
  const [ada, outsider, elsewhere] = [await caller(room), await openRoomful(room), await caller(freshRoom())];
  const [adaId, outsiderId] = [await peerOf(ada), await peerOf(outsider)];
  outsider.tell(offer(adaId));
  expect(await outsider.heard("error")).toMatchObject({ code: "not-in-call", about: "offer", peer: adaId });
  ada.tell(offer(outsiderId));
  expect(await ada.heard("error")).toMatchObject({ code: "not-in-call", about: "offer", peer: outsiderId });
  elsewhere.tell(offer(adaId));
  expect(await elsewhere.heard("error")).toMatchObject({ code: "unknown-peer", about: "offer", peer: adaId });
  outsider.tell({ type: "media-state", media: MEDIA });
  expect(await outsider.heard("error", 2)).toMatchObject({ code: "not-in-call", about: "media-state" });
  for (let times = 0; times < 30; times++) ada.tell(offer("nobody"));
  await ada.heard("error", 31);
  expect([ada.closed, heardOfCalls(outsider).length]).toEqual([null, 2]);
});

it("[CALL-4] media are told to everybody; who leaves, or closes, is out at once", async () => {
  const room = freshRoom();
  const [ada, bob, eve] = [await caller(room), await caller(room), await caller(room)];
  const [bobId, eveId] = [await peerOf(bob), await peerOf(eve)];
  bob.tell({ type: "media-state", media: { ...MEDIA, muted: true } });
  await until(() => callOf(ada, bobId)?.media.muted === true, "the mute is seen");
  bob.tell({ type: "call-leave" });
  bob.tell({ type: "call-leave" });
  await until(() => callOf(ada, bobId) === undefined, "the leaving is seen");
  ada.tell(offer(bobId));
  expect((await ada.heard("error")).code).toBe("not-in-call");
  eve.close();
  await until(() => ada.messagesOf("participants").some(({ left }) => left.includes(eveId)), "the close is seen");
  ada.tell(offer(eveId));
  expect((await ada.heard("error", 2)).code).toBe("unknown-peer");
  expect((await getRoom(env.ROOMS, room).statistics()).callMembers).toBe(1);
});

it("[CALL-5] a full call refuses the next one, who gets in when somebody left, and is not closed meanwhile", async () => {
  const room = freshRoom();
  const members: WireClient[] = [];
  for (let count = 0; count < 8; count++) members.push(await caller(room));
  const ninth = await openRoomful(room);
  for (let times = 1; times <= 15; times++) {
    ninth.tell({ type: "call-join", media: MEDIA });
    expect(await ninth.heard("error", times)).toMatchObject({ code: "call-full", about: "call-join" });
  }
  const heardOf = () =>
    ninth.messagesOf("participants").flatMap(({ present }) => present.filter(({ call }) => call)).length;
  await until(() => heardOf() >= 8, "the ninth knows of the others");
  members[0]?.tell({ type: "call-leave" });
  const first = await peerOf(members[0] as WireClient);
  const hasLeft = () =>
    ninth.messagesOf("participants").some(({ present }) => present.some(({ peer, call }) => peer === first && !call));
  await until(hasLeft, "it left");
  ninth.tell({ type: "call-join", media: MEDIA });
  expect((await ninth.heard("call-joined")).members).toHaveLength(7);
});

it("[CALL-6] who may not call is refused, and who loses the right is out of the call at once", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const reader = await openRoomful(room, as("reader", ["read"]));
  for (const message of [{ type: "call-join", media: MEDIA }, offer("x"), { type: "ice-servers" }])
    reader.tell(message);
  await reader.heard("error", 3);
  expect(reader.messagesOf("error").map(({ code, about }) => [code, about])).toEqual([
    ["forbidden", "call-join"],
    ["forbidden", "offer"],
    ["forbidden", "ice-servers"],
  ]);
  const [ada, bob] = [await caller(room, as("ada")), await caller(room, as("bob"))];
  const [adaId, bobId] = [await peerOf(ada), await peerOf(bob)];
  await handle.moderate({ action: "set-capabilities", peer: adaId, capabilities: ["read", "write"] });
  await until(() => callOf(bob, adaId) === undefined && ada.messagesOf("grant").length === 1, "it is out");
  ada.tell(offer(bobId));
  expect((await ada.heard("error")).code).toBe("forbidden");
  bob.tell(offer(adaId));
  expect((await bob.heard("error")).code).toBe("not-in-call");
  expect((await handle.statistics()).callMembers).toBe(1);
});

it("[CALL-6] who is kicked signals no more, and others are told at once that it left", async () => {
  const room = freshRoom();
  const [ada, bob] = [await caller(room), await caller(room)];
  const [adaId, bobId] = [await peerOf(ada), await peerOf(bob)];
  await getRoom(env.ROOMS, room).moderate({ action: "kick", peer: adaId });
  await until(() => bob.messagesOf("participants").some(({ left }) => left.includes(adaId)), "it left");
  await until(() => ada.closed?.code === 4403, "closed");
  const back = await openRoomful(room, undefined, (await ada.heard("welcome")).resume);
  expect(await peerOf(back)).not.toBe(adaId);
  back.tell(offer(bobId));
  expect((await back.heard("error")).code).toBe("not-in-call");
  await bob.settled();
  expect(heardOfCalls(bob)).toEqual([]);
});

it.each([
  ["a description that is too long", offer("x", "v".repeat(SDP_CHARACTERS + 1))],
  ["a message that is too long", { ...offer("x"), padding: "x".repeat(70_000) }],
  ["no candidates", { type: "ice-candidates", to: "x", connection: "c", candidates: [] }],
  [
    "too many candidates",
    {
      type: "ice-candidates",
      to: "x",
      connection: "c",
      candidates: Array.from({ length: CANDIDATES_PER_MESSAGE + 1 }, () => ({ candidate: "" })),
    },
  ],
  [
    "a candidate that is too long",
    {
      type: "ice-candidates",
      to: "x",
      connection: "c",
      candidates: [{ candidate: "x".repeat(CANDIDATE_CHARACTERS + 1) }],
    },
  ],
  ["no connection", { ...offer("x"), connection: "" }],
  ["a round below 1", { ...offer("x"), round: 0 }],
  ["media that are none", { type: "call-join", media: { audio: "yes", video: false, muted: false } }],
])("[CALL-7] %s: refused, and the others are not disturbed", async (_what, message) => {
  const room = freshRoom();
  const [ada, bob] = [await caller(room), await caller(room)];
  const [adaId, bobId] = [await peerOf(ada), await peerOf(bob)];
  ada.tell("to" in message ? { ...message, to: bobId } : message);
  expect((await ada.heard("error")).code).toBe("malformed-message");
  bob.tell(offer(adaId));
  await ada.heard("offer");
  await bob.settled();
  expect(heardOfCalls(bob)).toEqual([]);
});

it("[CALL-7] who goes on with what nobody can use is closed for good, and out of the call", async () => {
  const room = freshRoom();
  const [ada, bob] = [await caller(room), await caller(room)];
  const adaId = await peerOf(ada);
  for (let times = 0; times < 12; times++) ada.tell({ type: "offer", to: 1 });
  await until(() => ada.closed !== null, "closed");
  await until(() => bob.messagesOf("participants").some(({ left }) => left.includes(adaId)), "it left");
  expect([ada.closed?.code, bob.closed]).toEqual([4400, null]);
});

it("[CALL-8] [LIFE-1] a call goes on over hibernation, and never loads the document", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const [ada, bob] = [await caller(room), await caller(room)];
  const [adaId, bobId] = [await peerOf(ada), await peerOf(bob)];
  ada.tell({ type: "media-state", media: { ...MEDIA, muted: true } });
  await until(() => callOf(bob, adaId)?.media.muted === true, "the mute is seen");
  await passWindows();
  const { boot } = await handle.statistics();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  ada.tell(offer(bobId));
  expect((await bob.heard("offer")).from).toBe(adaId);
  const late = await caller(room);
  expect(new Set((await late.heard("call-joined")).members)).toEqual(new Set([adaId, bobId]));
  await until(() => callOf(late, adaId) !== undefined, "who slept is known");
  expect(callOf(late, adaId)).toEqual({ media: { ...MEDIA, muted: true }, state: "connected" });
  const statistics = await handle.statistics();
  expect(statistics.boot).not.toBe(boot);
  expect(statistics.document.loads).toBe(0);
});

it("[CALL-8] nothing of what peers say to each other is stored or logged", async () => {
  const room = freshRoom();
  const [ada, bob] = [await caller(room), await caller(room)];
  const lines: unknown[] = [];
  const write = { log: console.log, warn: console.warn, error: console.error };
  for (const name of ["log", "warn", "error"] as const) console[name] = (...words) => lines.push(words);
  try {
    ada.tell(offer(await peerOf(bob), "a telling address"));
    ada.tell(offer("a telling peer", "a telling address"));
    ada.tell({ ...offer("x", "a telling address"), round: "a telling round" });
    await bob.heard("offer");
    await ada.heard("error", 2);
  } finally {
    Object.assign(console, write);
  }
  expect(JSON.stringify(lines)).not.toContain("telling");
  const { storage } = await getRoom(env.ROOMS, room).statistics();
  // A row for each member, and the schema's own.
  expect([storage.logRows, storage.snapshotBytes]).toEqual([0, 0]);
});

it("[CALL-9] who never sends a binary frame joins, calls and leaves, and is sent no binary frame", async () => {
  const room = freshRoom();
  const [editor, watcher] = [await openRoomful(room), await openRoomful(room)];
  await Promise.all([editor.sync(), watcher.sync()]);
  const [ada, bob] = [await caller(room), await caller(room)];
  editor.sendPresence(1, 1, { name: "editor" });
  editor.sendUpdate(textUpdate("x"));
  await until(() => watcher.presence.has(1) && watcher.updates.length === 1, "both to reach the one who asked");
  ada.tell(offer(await peerOf(bob)));
  await bob.heard("offer");
  ada.tell({ type: "call-leave" });
  await until(() => callOf(bob, peerOfNow(ada)) === undefined, "it left");
  for (const client of [ada, bob]) await client.settled();
  expect([...ada.frames, ...bob.frames]).toEqual([]);
});

const peerOfNow = (client: WireClient) => client.messagesOf("welcome")[0]?.peer as PeerId;
