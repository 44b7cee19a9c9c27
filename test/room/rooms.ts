/** Rooms for the tests inside workerd. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SETTINGS } from "../../worker/settings/settings.ts";
import { pause } from "../support/until.ts";
import { openClient } from "./room-client.ts";

let rooms = 0;

/** A room name that no other test uses. */
export function freshRoom(): string {
  rooms++;
  return `room/${crypto.randomUUID()}/${rooms}`;
}

/** The stub of a room, for the helpers that take one. */
export const stubOf = (room: string) => env.ROOMS.getByName(room);

/**
 * Waits out the windows in which a room gathers edits, presence and commits. A room of the deployment hibernates only when no
 * timer is pending.
 */
export function passWindows(): Promise<void> {
  return pause(SETTINGS.COMMIT_MS.default + 50);
}

/** Makes every deadline of a room due, and evicts the room meanwhile. @returns whether an alarm was set */
export async function passDeadlines(room: string, { alarm = true } = {}): Promise<boolean> {
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  await runInDurableObject(stubOf(room), async (_object, { storage }) => {
    storage.sql.exec("UPDATE deadline SET at = 1 WHERE at IS NOT NULL").toArray();
  });
  return alarm && runDurableObjectAlarm(stubOf(room));
}

/** Brings in so many silent stock clients that a single edit is followed by a whole window. */
export async function bringCrowd(room: string): Promise<void> {
  await Promise.all(Array.from({ length: 60 }, () => openClient(room)));
}
