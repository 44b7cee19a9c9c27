import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { FOUND_DEAD_CLOSE } from "../../shared/messages.ts";
import { type Grant, type PeerId, ROLES } from "../../shared/rooms.ts";
import { upgradeRequest } from "../../worker/access/admission.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { SAVE_MS } from "../../worker/sessions/sessions.ts";
import { pause, until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openRoomful } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";

const MEDIA = { audio: true, video: false, muted: true };
const ADA: Grant = { subject: "ada", capabilities: ROLES.editor };
/** Milliseconds after which all that the room gathers was told and written: the rows of the call wait for a second. */
const GATHERED_MS = 1_500;

async function caller(room: string, grant?: Grant): Promise<PeerId> {
  const client = await openRoomful(room, grant);
  client.tell({ type: "call-join", media: MEDIA });
  await client.heard("call-joined");
  return (await client.heard("welcome")).peer;
}

const rowsOf = async (room: string) => (await getRoom(env.ROOMS, room).statistics()).storage.rowsWritten;
const alarmOf = (room: string) => runInDurableObject(stubOf(room), (_room, { storage }) => storage.getAlarm());

/** Everything that others see, and the cost, when members of a call are sent away by one decision. */
async function seen(members: number, grant: Grant, act: (room: string, peers: readonly PeerId[]) => Promise<void>) {
  const room = freshRoom();
  const bob = await openRoomful(room);
  const peers: PeerId[] = [];
  for (let member = 0; member < members; member++) peers.push(await caller(room, grant));
  await pause(GATHERED_MS);
  const rowsBefore = await rowsOf(room);
  const announcedBefore = bob.messagesOf("participants").length;
  await act(room, peers);
  await pause(GATHERED_MS);
  const told = bob.messagesOf("participants").slice(announcedBefore);
  return {
    rows: (await rowsOf(room)) - rowsBefore,
    leavings: peers.map((peer) => told.filter(({ left }) => left.includes(peer)).length),
    reconnecting: told.flatMap(({ present }) => present.filter(({ call }) => call?.state === "reconnecting")),
    alarm: await alarmOf(room),
  };
}

describe("[RESUME-7] members of a call that a moderator sends away", () => {
  it("by a kick leave once, at the price of one row, and are waited for by no alarm", async () => {
    const kick = async (room: string, [peer]: readonly PeerId[]) => {
      if (peer !== undefined) await getRoom(env.ROOMS, room).moderate({ action: "kick", peer });
    };
    expect(await seen(1, ADA, kick)).toEqual({ rows: 1, leavings: [1], reconnecting: [], alarm: null });
  });

  it("by a ban leave once each, at the price of a row each and the ban's", async () => {
    const ban = (room: string) => getRoom(env.ROOMS, room).moderate({ action: "ban", subject: "ada" });
    expect(await seen(3, ADA, ban)).toEqual({ rows: 4, leavings: [1, 1, 1], reconnecting: [], alarm: null });
  });
});

/** A socket whose client answers no close until it is told to. */
async function halfOpen(room: string, resume?: string) {
  const asked = { grant: ADA, subprotocol: "roomful.v1" as const, origin: null, network: null };
  const { webSocket } = await stubOf(room).fetch(upgradeRequest({ ...asked, ...(resume !== undefined && { resume }) }));
  if (webSocket === null) throw new Error("no socket");
  const texts: { readonly type: string; readonly peer?: PeerId; readonly resume?: string }[] = [];
  let isClosed = false;
  webSocket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") texts.push(JSON.parse(data));
  });
  webSocket.addEventListener("close", () => {
    isClosed = true;
  });
  webSocket.accept({ allowHalfOpen: true });
  webSocket.send(JSON.stringify({ type: "call-join", media: MEDIA }));
  await until(() => texts.some(({ type }) => type === "call-joined"), "it is in the call");
  // Its attachment says so too.
  await pause(2 * SAVE_MS);
  const welcome = texts.find(({ type }) => type === "welcome");
  return {
    peer: welcome?.peer as PeerId,
    resume: welcome?.resume ?? "",
    untilClosed: () => until(() => isClosed, "the room closed it"),
    /** Lets the room hibernate and then answers its close, as a client does that was away. */
    closeLate: async () => {
      await pause(2 * SAVE_MS);
      await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
      webSocket.close(FOUND_DEAD_CLOSE);
      await pause(GATHERED_MS);
    },
  };
}

/** The state of a peer in the call, as others know it. */
const knownOf = async (room: string, peer: PeerId) =>
  (await getRoom(env.ROOMS, room).participants()).filter((each) => each.peer === peer).map(({ call }) => call?.state);

describe("a close that is answered only after the room slept", () => {
  it("[RESUME-7] leaves nothing of a peer that was kicked", async () => {
    const room = freshRoom();
    const bob = await openRoomful(room);
    const ada = await halfOpen(room);
    await getRoom(env.ROOMS, room).moderate({ action: "kick", peer: ada.peer });
    await ada.untilClosed();
    await ada.closeLate();
    expect(await knownOf(room, ada.peer)).toEqual([]);
    expect((await getRoom(env.ROOMS, room).statistics()).callMembers).toBe(0);
    expect(bob.closed).toBeNull();
  });

  it("[RESUME-3] takes nothing from a peer that came back by another socket", async () => {
    const room = freshRoom();
    const bob: WireClient = await openRoomful(room);
    const ada = await halfOpen(room);
    const back = await openRoomful(room, ADA, ada.resume);
    expect((await back.heard("welcome")).peer).toBe(ada.peer);
    await ada.untilClosed();
    await ada.closeLate();
    expect(await knownOf(room, ada.peer)).toEqual(["connected"]);
    expect(bob.messagesOf("participants").flatMap(({ left }) => left)).not.toContain(ada.peer);
  });
});
