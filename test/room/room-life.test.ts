import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { getRoom } from "../../worker/room/namespace.ts";
import { ROW_MS, SAVE_MS } from "../../worker/sessions/sessions.ts";
import { docOf, textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, passDeadlines, stubOf } from "./rooms.ts";

/** Everything that a room has in storage, and when its alarm goes off. */
function stored(room: string): Promise<{ tables: string[]; keys: number; alarm: number | null }> {
  return runInDurableObject(stubOf(room), async (_object, { storage }) => ({
    tables: storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name),
    keys: (await storage.list()).size,
    alarm: await storage.getAlarm(),
  }));
}

const NOTHING = { tables: [], keys: 0, alarm: null };

async function roomWithText(text: string): Promise<string> {
  const room = freshRoom();
  await getRoom(env.ROOMS, room).applyUpdate(textUpdate(text, 1));
  return room;
}

it("[LIFE-5] an empty room is deleted when its alarm goes off, and nothing is left", async () => {
  const room = await roomWithText("to be deleted");
  await getRoom(env.ROOMS, room).changeSettings({ deleteEmptyAfter: 60 });
  const client = await openRoomful(room);
  await client.leave();
  const { alarm } = await stored(room);
  expect(Math.abs((alarm ?? 0) - (Date.now() + 60_000))).toBeLessThan(10_000);
  expect(await passDeadlines(room)).toBe(true);
  expect(await stored(room)).toEqual(NOTHING);
  expect(await getRoom(env.ROOMS, room).getState()).toEqual(new Uint8Array([0, 0]));
  expect((await getRoom(env.ROOMS, room).getSettings()).deleteEmptyAfter).toBeNull();
});

it("[LIFE-5] a room in which somebody is, is not deleted", async () => {
  const room = await roomWithText("kept");
  await getRoom(env.ROOMS, room).changeSettings({ deleteEmptyAfter: 60 });
  const client = await openRoomful(room);
  expect(await passDeadlines(room)).toBe(true);
  expect(
    docOf(await client.sync())
      .getText("text")
      .toString(),
  ).toBe("kept");
  await client.leave();
  expect((await stored(room)).alarm).not.toBeNull();
});

it("[LIFE-5] unless it is configured nothing is deleted, and no alarm is set", async () => {
  const room = await roomWithText("kept");
  const client = await openRoomful(room);
  await client.leave();
  expect((await stored(room)).alarm).toBeNull();
  // What was set before the settings changed goes off, and does nothing.
  await getRoom(env.ROOMS, room).changeSettings({ deleteEmptyAfter: 60 });
  await getRoom(env.ROOMS, room).changeSettings({ deleteEmptyAfter: 0 });
  expect(await passDeadlines(room)).toBe(true);
  expect(
    docOf(await getRoom(env.ROOMS, room).getState())
      .getText("text")
      .toString(),
  ).toBe("kept");
});

it("[LIFE-6] delete closes everybody for good and leaves nothing behind; the room can be used anew at once", async () => {
  const room = await roomWithText("to be deleted");
  const handle = getRoom(env.ROOMS, room);
  await handle.changeSettings({ deleteEmptyAfter: 600, locked: true });
  await handle.changeSettings({ locked: false });
  await handle.flush();
  const [one, two] = [await openRoomful(room), await openClient(room)];
  await one.sync();
  one.sendPresence(1, 1, { large: "x".repeat(20_000) });
  // The timer that saves a large presence state in a row.
  await pause(SAVE_MS + 200);
  await one.untilSaved(one.sendUpdate(textUpdate("opens a commit window", 2)));
  const frame = one.sendUpdate(textUpdate("not yet committed", 3));
  await handle.delete();
  await until(() => one.closed !== null && two.closed !== null, "everybody is closed");
  expect([one.closed?.code, two.closed?.code]).toEqual([4410, 4410]);
  expect(one.saved).toBeLessThan(frame);
  // Every timer that saves something: it would write again.
  await pause(SAVE_MS + ROW_MS + 200);
  expect(await stored(room)).toEqual(NOTHING);
  const fresh = await openRoomful(room);
  expect(await fresh.sync()).toEqual(new Uint8Array([0, 0]));
  await fresh.untilSaved(fresh.sendUpdate(textUpdate("anew", 4)));
  await evictDurableObject(stubOf(room), { webSockets: "close" });
  expect(
    docOf(await handle.getState())
      .getText("text")
      .toString(),
  ).toBe("anew");
});
