import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { ByteWriter } from "./bytes.ts";
import { prefixOf } from "./dialect.ts";
import type { HistoryJob, HistoryResult } from "./job.ts";
import { joinOnce } from "./join.ts";
import { meter } from "./meter.ts";
import { frameHeader } from "./websocket-frame.ts";

const STEP_1 = [0, 0, 1, 0];

/** One client writes what a recording says, and asks for the document once, at the end. */
export async function runHistory(job: HistoryJob): Promise<HistoryResult> {
  const { target, room } = job;
  const prefix = prefixOf(target.dialect, room);
  const updates = readHistory(job.history);
  const writer = await joinOnce(target, room, 0);
  const { socket } = writer;
  const usage = meter(target.pid);
  const started = performance.now();
  for (let at = 0; at < updates.length; at += job.batch) {
    const due = started + (at / job.batch + 1) * job.pauseMs;
    socket.write(Buffer.concat(updates.slice(at, at + job.batch).map((update) => updateFrame(prefix, update))));
    while (socket.waiting > 0) await pause(1);
    await pause(Math.max(0, due - performance.now()));
    if (socket.ended !== null) throw new Error(`the writer's socket ended: ${socket.ended}`);
  }
  // What is asked on the same socket is answered after all that came before.
  const { answers } = writer;
  socket.send(Buffer.from([...prefix, ...STEP_1]));
  while (writer.answers === answers && socket.ended === null) await pause(5);
  const used = usage();
  const seconds = (performance.now() - started) / 1000;
  socket.close();
  return {
    seconds,
    updates: updates.length,
    payloadBytes: updates.reduce((sum, { length }) => sum + length, 0),
    ...used,
  };
}

function readHistory(file: string): Buffer[] {
  const bytes = readFileSync(file);
  const updates: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    updates.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return updates;
}

function updateFrame(prefix: Buffer, update: Buffer): Buffer {
  const header = new ByteWriter();
  header.bytes(prefix);
  header.byte(0);
  header.byte(2);
  header.varUint(update.length);
  const length = header.length + update.length;
  return Buffer.concat([frameHeader(length, true), header.take(), update]);
}
