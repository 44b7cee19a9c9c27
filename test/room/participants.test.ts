import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";

/** Who is connected, as a client was told. */
function knownTo(client: WireClient): Map<PeerId, Participant> {
  const known = new Map<PeerId, Participant>();
  for (const { present, left } of client.messagesOf("participants")) {
    for (const participant of present) known.set(participant.peer, participant);
    for (const peer of left) known.delete(peer);
  }
  return known;
}

const peerOf = (client: WireClient) => client.messagesOf("welcome")[0]?.peer;

/** Waits until all of them know the same, which is what the room says. */
async function untilAgreed(room: string, clients: readonly WireClient[]): Promise<Participant[]> {
  const told = await getRoom(env.ROOMS, room).participants();
  const byPeer = (one: Participant, two: Participant) => (one.peer < two.peer ? -1 : 1);
  const all = JSON.stringify(told.sort(byPeer));
  await until(
    () => clients.every((client) => JSON.stringify([...knownTo(client).values()].sort(byPeer)) === all),
    "everybody knows everybody",
  );
  return told;
}

it("[PEER-1] everybody is told who is here, who comes, who gets a client id and who leaves", async () => {
  const room = freshRoom();
  const ada = await openRoomful(room, { capabilities: ["read", "write"], subject: "1", name: "Ada" });
  const stock = await openClient(room);
  const late = await openRoomful(room);
  expect(await untilAgreed(room, [ada, late])).toHaveLength(3);
  expect(knownTo(late).get(peerOf(ada) as PeerId)).toMatchObject({
    protocol: "roomful.v1",
    capabilities: ["read", "write"],
    subject: "1",
    name: "Ada",
  });
  ada.sendPresence(42, 1, {});
  await until(() => knownTo(late).get(peerOf(ada) as PeerId)?.clientId === 42, "the client id is told");
  ada.close();
  stock.close();
  await until(() => knownTo(late).size === 1, "leavers are told");
  expect([...knownTo(late).keys()]).toEqual([peerOf(late)]);
  expect(stock.frames).toEqual([]);
  expect((await getRoom(env.ROOMS, room).statistics()).document.loads).toBe(0);
});

it("[PEER-1] who may not read is told of nobody", async () => {
  const room = freshRoom();
  const blind = await openRoomful(room, { capabilities: ["call"] });
  const other = await openRoomful(room);
  await until(() => knownTo(other).size === 2, "the other knows both");
  await blind.settled();
  expect(blind.messages.map(({ type }) => type)).toEqual(["welcome", "pong"]);
});

it("[PEER-2] a storm of comings and goings costs few messages", async () => {
  const room = freshRoom();
  const watcher = await openRoomful(room);
  const storm = await Promise.all(Array.from({ length: 60 }, () => openRoomful(room)));
  await untilAgreed(room, [watcher, ...storm]);
  for (const client of storm) client.close();
  await until(() => knownTo(watcher).size === 1, "the storm is over");
  // One by one they would be 121.
  expect(watcher.messagesOf("participants").length).toBeLessThan(40);
});

it("[PEER-1] [LIFE-1] who slept through it is told of who leaves, and a newcomer of who slept", async () => {
  const room = freshRoom();
  const [sleeper, leaver] = [await openRoomful(room), await openRoomful(room)];
  await untilAgreed(room, [sleeper, leaver]);
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  leaver.close();
  await until(() => knownTo(sleeper).size === 1, "the leaver is gone");
  const newcomer = await openRoomful(room);
  expect(await untilAgreed(room, [sleeper, newcomer])).toHaveLength(2);
});
