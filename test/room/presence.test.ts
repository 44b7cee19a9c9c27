import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { encodeAwareness, encodeQueryAwareness } from "../../shared/frames.ts";
import { CHALLENGE_MS } from "../../worker/people/presence.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { pause, until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, passWindows } from "./rooms.ts";

const state = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const ids = async (room: string) => (await getRoom(env.ROOMS, room).participants()).map(({ clientId }) => clientId);

/** Somebody holds the id 1, somebody else will claim it, and a third one looks on. */
async function heldId() {
  const room = freshRoom();
  const connect = () => openRoomful(room);
  const [holder, claimant, watcher] = await Promise.all([connect(), connect(), connect()]);
  watcher.send(encodeQueryAwareness());
  holder.sendPresence(1, 1, { name: "holder" });
  await until(() => watcher.presence.has(1), "the holder to be seen");
  return { room, holder, claimant, watcher };
}

/** Waits until the timer of a challenge that was made before has gone off. */
const challengeOver = () => pause(CHALLENGE_MS + 300);

/** Waits until the claimant is told that it may announce itself, and is seen with that clock. */
async function returns(claimant: WireClient, watcher: WireClient, clock: number): Promise<void> {
  await until(() => claimant.framesOf("awareness").some(({ entries }) => entries[0]?.state === null), "the id");
  claimant.sendPresence(1, clock, { name: "returned" });
  await until(() => JSON.stringify(watcher.presence.get(1)) === '{"name":"returned"}', "to be visible");
}

describe.concurrent("presence", () => {
  it("[PRES-1] an opening claim is answered with the same id and clock and a null state", async () => {
    const client = await openClient(freshRoom());
    client.sendPresence(7, 12, { name: "a" });
    await until(() => client.framesOf("awareness").length >= 1, "an answer");
    expect(client.framesOf("awareness")[0]?.entries).toEqual([{ clientId: 7, clock: 12, state: null }]);
  });

  it("[PRES-2] a stock client alone in the room hears its own renewal", async () => {
    const client = await openClient(freshRoom());
    client.sendPresence(7, 1, { name: "a" });
    await until(() => client.presence.has(7), "an answer to the claim");
    client.sendPresence(7, 2, { name: "a" });
    const clocks = () => client.framesOf("awareness").flatMap(({ entries }) => entries.map(({ clock }) => clock));
    await until(() => clocks().includes(2), "an echo");
  });

  it("[PRES-3] changed cursors of a window go out as one frame", async () => {
    const room = freshRoom();
    const clients = await Promise.all(Array.from({ length: 10 }, () => openRoomful(room)));
    for (const [index, client] of clients.entries()) client.sendPresence(index + 1, 1, { at: 0 });
    const watcher = await openRoomful(room);
    watcher.send(encodeQueryAwareness());
    await until(() => watcher.presence.size === clients.length, "to see all");
    const heard = watcher.frames.length;
    for (let clock = 2; clock <= 11; clock++) {
      for (const [index, client] of clients.entries()) client.sendPresence(index + 1, clock, { at: clock });
    }
    await until(
      () => [...watcher.presence.values()].every((value) => JSON.stringify(value) === '{"at":11}'),
      "the last",
    );
    expect(watcher.frames.length - heard).toBeLessThan(30);
  });

  it("[PRES-4] a null never claims, entries for other ids are dropped without a word", async () => {
    const room = freshRoom();
    const [holder, echo] = await Promise.all([openRoomful(room), openRoomful(room)]);
    holder.sendPresence(1, 5, { name: "holder" });
    await holder.settled();
    echo.sendPresence(1, 6, null);
    echo.send(
      encodeAwareness([
        { clientId: 1, clock: 7, state: state({}) },
        { clientId: 2, clock: 1, state: state({}) },
      ]),
    );
    await echo.settled();
    expect(await ids(room)).toEqual([1, undefined]);
    echo.sendPresence(2, 1, { name: "echo" });
    echo.send(encodeAwareness([{ clientId: 1, clock: 9, state: state({ name: "forged" }) }]));
    echo.sendPresence(1, 9, null);
    // The answer holds every state that the room has.
    echo.send(encodeQueryAwareness());
    await echo.settled();
    expect(await ids(room)).toEqual([1, 2]);
    expect(echo.presence.get(1)).toEqual({ name: "holder" });
    expect(echo.messagesOf("error")).toEqual([]);
    expect((await getRoom(env.ROOMS, room).statistics()).refusals).toEqual({});
  });

  it("[PRES-5] a claim to a held id challenges the holder; one that answers keeps it", async () => {
    const room = freshRoom();
    const [holder, claimant] = await Promise.all([openRoomful(room), openRoomful(room)]);
    holder.sendPresence(1, 1, { name: "holder" });
    await holder.settled();
    claimant.sendPresence(1, 9, { name: "thief" });
    await until(() => holder.framesOf("query-awareness").length === 1, "the challenge");
    holder.sendPresence(1, 1, { name: "holder" });
    await holder.settled();
    claimant.sendPresence(1, 10, { name: "thief" });
    await challengeOver();
    // As an echo would.
    claimant.sendPresence(1, 1, { name: "holder" });
    await claimant.settled();
    await holder.settled();
    expect(holder.framesOf("query-awareness").length).toBe(1);
    expect(await ids(room)).toEqual([1, undefined]);
  });

  it("[PRES-5] a holder whose last words proved it alive is asked again, and loses the id when it is silent", async () => {
    const { room, holder, claimant, watcher } = await heldId();
    claimant.sendPresence(1, 2, { name: "returned" });
    await until(() => holder.framesOf("query-awareness").length === 1, "the first challenge");
    holder.sendPresence(1, 1, { name: "holder" });
    await challengeOver();
    claimant.sendPresence(1, 3, { name: "returned" });
    await until(() => holder.framesOf("query-awareness").length === 2, "the second challenge");
    await returns(claimant, watcher, 4);
    expect(await ids(room)).toEqual([undefined, 1, undefined]);
  });

  it("[PRES-5] a silent holder loses the id after 3 s, and its close then removes nothing", async () => {
    const { room, holder, claimant, watcher } = await heldId();
    claimant.sendPresence(1, 1, { name: "returned" });
    // The challenge is still open: its timer has 1.5 s left.
    await pause(CHALLENGE_MS - 1_500);
    expect(await ids(room)).toEqual([1, undefined, undefined]);
    await returns(claimant, watcher, 2);
    const heard = watcher.framesOf("awareness").length;
    await holder.leave();
    // Broadcasts keep their order: a removal would come before this change.
    claimant.sendPresence(1, 3, { name: "still there" });
    await until(() => JSON.stringify(watcher.presence.get(1)) === '{"name":"still there"}', "the change");
    const since = watcher.framesOf("awareness").slice(heard);
    expect(since.flatMap(({ entries }) => entries.map(({ clock, state }) => [clock, state === null]))).toEqual([
      [3, false],
    ]);
    expect(await ids(room)).toEqual([1, undefined]);
  });

  it("[PRES-5] the same subject takes its id over at once", async () => {
    const room = freshRoom();
    const grant = { capabilities: ["read"], subject: "ada" } as const;
    const [first, second] = await Promise.all([openRoomful(room, grant), openRoomful(room, grant)]);
    first.sendPresence(1, 1, { tab: 1 });
    await first.settled();
    second.sendPresence(1, 1, { tab: 2 });
    await until(() => second.framesOf("awareness").some(({ entries }) => entries[0]?.state === null), "the id");
    await first.settled();
    expect(first.framesOf("query-awareness")).toEqual([]);
    expect(await ids(room)).toEqual([undefined, 1]);
  });

  it("[PRES-6] a leaver is gone at once, with the clock that it had", async () => {
    const room = freshRoom();
    const [leaver, stayer] = await Promise.all([openClient(room), openRoomful(room)]);
    stayer.send(encodeQueryAwareness());
    leaver.sendPresence(1, 8, { name: "x" });
    await until(() => stayer.presence.has(1), "to be seen");
    leaver.close();
    await until(() => stayer.presence.get(1) === null, "to be gone", 500);
    expect(stayer.framesOf("awareness").at(-1)?.entries).toEqual([{ clientId: 1, clock: 8, state: null }]);
  });

  it("[PRES-6] who only asked for presence is sent it after hibernation too", async () => {
    const room = freshRoom();
    const [watcher, mover] = await Promise.all([openRoomful(room), openRoomful(room)]);
    watcher.send(encodeQueryAwareness());
    await watcher.settled();
    await evictDurableObject(env.ROOMS.getByName(room));
    mover.sendPresence(1, 1, { name: "x" });
    await until(() => watcher.presence.has(1), "to be seen");
  });

  it("[PRES-6] an echo of who has just left makes no ghost, and does not keep them out", async () => {
    const room = freshRoom();
    const [echo, watcher, leaver] = await Promise.all([1, 2, 3].map(() => openRoomful(room)));
    if (echo === undefined || watcher === undefined || leaver === undefined) throw new Error();
    for (const client of [echo, watcher]) client.send(encodeQueryAwareness());
    leaver.sendPresence(1, 5, { name: "x" });
    await until(() => watcher.presence.get(1) != null, "to be seen");
    leaver.close();
    await until(() => watcher.presence.get(1) === null, "to be gone");
    echo.sendPresence(1, 5, { name: "x" });
    await echo.settled();
    // The answer holds every state that the room has.
    watcher.send(encodeQueryAwareness());
    await watcher.settled();
    expect(watcher.presence.get(1)).toBeNull();
    expect(await ids(room)).toEqual([undefined, undefined]);
    const returned = await openRoomful(room);
    returned.sendPresence(1, 5, { name: "x" });
    await until(() => returned.framesOf("awareness").length === 1, "to be told that it is gone");
    returned.sendPresence(1, 6, { name: "x" });
    await until(() => watcher.presence.get(1) != null, "to be seen again", 1_000);
    expect(await ids(room)).toEqual([undefined, undefined, 1]);
  });

  it("[PRES-5] a denied claimant is told when the holder leaves", async () => {
    const room = freshRoom();
    const [holder, claimant] = await Promise.all([openRoomful(room), openRoomful(room)]);
    holder.sendPresence(7, 3, { name: "holder" });
    await holder.settled();
    claimant.sendPresence(7, 9, { name: "same id" });
    await until(() => holder.framesOf("query-awareness").length === 1, "the challenge");
    holder.sendPresence(7, 4, { name: "holder" });
    await holder.settled();
    holder.close();
    const isTold = () =>
      claimant.framesOf("awareness").some(({ entries }) => entries[0]?.clock === 9 && entries[0].state === null);
    await until(isTold, "to be told");
    claimant.sendPresence(7, 10, { name: "same id" });
    await claimant.settled();
    expect(await ids(room)).toEqual([7]);
  });

  it("[PRES-6] an echo that outlives a silent holder does not keep its owner out", async () => {
    const room = freshRoom();
    const [silent, echo] = await Promise.all([openRoomful(room), openRoomful(room)]);
    silent.sendPresence(1, 5, { name: "x" });
    await silent.settled();
    echo.sendPresence(1, 5, { name: "x" });
    await challengeOver();
    expect(await ids(room)).toEqual([undefined, undefined]);
    const returned = await openRoomful(room);
    const heard = echo.framesOf("awareness").length;
    returned.sendPresence(1, 6, { name: "x" });
    await until(() => echo.framesOf("awareness").length > heard, "to be shown");
    expect(await ids(room)).toEqual([undefined, undefined, 1]);
    expect(echo.presence.get(1)).toEqual({ name: "x" });
  });

  it("[PRES-5] of several claimants each is told when the silent holder loses the id, also when one has left", async () => {
    const room = freshRoom();
    const [holder, first, second, watcher] = await Promise.all([1, 2, 3, 4].map(() => openRoomful(room)));
    if (holder === undefined || first === undefined || second === undefined || watcher === undefined) throw new Error();
    watcher.send(encodeQueryAwareness());
    holder.sendPresence(1, 5, { name: "x" });
    await holder.settled();
    first.sendPresence(1, 5, { name: "x" });
    second.sendPresence(1, 5, { name: "x" });
    await Promise.all([first.settled(), second.settled()]);
    first.close();
    await until(() => watcher.presence.get(1) === null, "the holder's end");
    const isTold = () => second.framesOf("awareness").at(-1)?.entries[0]?.state === null;
    await until(isTold, "the claimant to be told");
    expect(second.framesOf("awareness").at(-1)?.entries).toEqual([{ clientId: 1, clock: 5, state: null }]);
    second.sendPresence(1, 6, { name: "x" });
    await until(() => watcher.presence.get(1) != null, "to be seen");
    expect(await ids(room)).toEqual([undefined, 1, undefined]);
  });

  it("[PRES-7] own clients are asked to renew while a stock client is there, and told when to stop", async () => {
    const room = freshRoom();
    const own = await openRoomful(room);
    const [stock, second] = await Promise.all([openClient(room), openClient(room)]);
    const late = await openRoomful(room);
    await until(() => late.messagesOf("welcome").length === 1, "welcome");
    expect(own.messagesOf("welcome")[0]?.renewPresence).toBe(false);
    expect(late.messagesOf("welcome")[0]?.renewPresence).toBe(true);
    expect(own.messagesOf("presence-renewal").map(({ active }) => active)).toEqual([true]);
    await stock.leave();
    await own.settled();
    expect(own.messagesOf("presence-renewal")).toHaveLength(1);
    await passWindows();
    await evictDurableObject(env.ROOMS.getByName(room));
    second.close();
    await until(() => own.messagesOf("presence-renewal").length === 2, "to be told");
    expect(own.messagesOf("presence-renewal").map(({ active }) => active)).toEqual([true, false]);
  });
});
