import { setTimeout as pause } from "node:timers/promises";
import { answerStep1, prefixOf, sayHello } from "./dialect.ts";
import type { BurstJob, BurstResult } from "./job.ts";
import { joinOnce } from "./join.ts";
import { meter } from "./meter.ts";
import { kindOf, Progress, readUpdate } from "./progress.ts";
import { LoadSocket } from "./socket.ts";
import { FrameSource } from "./updates.ts";

const ROOM = "burst";
const PORTION = 500;
/** Bytes that may wait in this process for the socket. */
const WAITING_BYTES = 256 * 1024;

/** The first of two sockets writes, the second waits for all of it. */
export async function runBurst({ target, updates, timeoutSeconds }: BurstJob): Promise<BurstResult> {
  const prefix = prefixOf(target.dialect, ROOM);
  const progress = new Progress(2, 1);
  const done = Promise.withResolvers<void>();
  const [writer, subscriber] = await Promise.all(
    [0, 1].map(async (index) => {
      const socket = await LoadSocket.open(`${target.url}/${ROOM}`, (message, opened) => {
        const kind = kindOf(message, prefix.length);
        if (kind === "step-1") answerStep1(opened, prefix);
        if (kind !== "update" && kind !== "step-2") return;
        readUpdate(message, prefix.length, (author, from, to) => progress.advance(index, author, from, to));
        if (index === 1 && progress.slowest(0) >= updates) done.resolve();
      });
      sayHello(socket, target.dialect, prefix);
      return socket;
    }),
  );
  if (writer === undefined || subscriber === undefined) throw new Error("two sockets");
  await pause(300);

  const source = FrameSource.updates(prefix, 0);
  const usage = meter(target.pid);
  const framesBefore = subscriber.framesReceived;
  const started = performance.now();
  const deadline = started + timeoutSeconds * 1000;
  let joining: Promise<number | null> = Promise.resolve(null);
  for (let sent = 0; sent < updates && performance.now() < deadline; sent += PORTION) {
    while (writer.waiting > WAITING_BYTES && performance.now() < deadline) await pause(1);
    source.take(sent, Math.min(sent + PORTION, updates), (frames) => writer.write(frames));
    if (sent === Math.floor(updates / 2 / PORTION) * PORTION) joining = joinMeanwhile();
    await new Promise(setImmediate);
  }
  const remaining = Math.max(0, deadline - performance.now());
  const timer = setTimeout(() => done.resolve(), remaining);
  await done.promise;
  clearTimeout(timer);
  const seconds = (performance.now() - started) / 1000;
  const used = usage();
  const joinMilliseconds = await joining;
  writer.close();
  subscriber.close();
  return {
    seconds,
    delivered: progress.delivered,
    joinMilliseconds,
    frames: subscriber.framesReceived - framesBefore,
    lost: progress.gaps,
    ...used,
  };

  async function joinMeanwhile(): Promise<number | null> {
    try {
      const { socket, milliseconds } = await joinOnce(target, ROOM, 0);
      socket.close();
      return milliseconds;
    } catch {
      return null;
    }
  }
}
