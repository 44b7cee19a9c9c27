import { setTimeout as pause } from "node:timers/promises";
import { prefixOf } from "./dialect.ts";
import type { EditJob } from "./job.ts";
import { joinOnce } from "./join.ts";
import { FrameSource } from "./updates.ts";

/** Somebody makes some edits and leaves. */
export async function runEdit({ target, room, edits }: EditJob): Promise<object> {
  const { socket } = await joinOnce(target, room, 0);
  FrameSource.updates(prefixOf(target.dialect, room), 0).take(0, edits, (frames) => socket.write(frames));
  await pause(500);
  socket.close();
  return {};
}
