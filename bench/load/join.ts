import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { ByteWriter } from "./bytes.ts";
import { answerStep1, prefixOf, sayHello } from "./dialect.ts";
import type { JoinJob, JoinResult, PopulateJob, PopulateResult, Target } from "./job.ts";
import { meter } from "./meter.ts";
import { kindOf } from "./progress.ts";
import { LoadSocket } from "./socket.ts";

const TIMEOUT_MS = 180_000;

interface Joined {
  readonly socket: LoadSocket;
  readonly milliseconds: number;
  /** The message that answered. */
  readonly answerBytes: number;
  /** How many answers came on this connection until now. */
  readonly answers: number;
}

/** Connects, asks for the document, and waits for an answer of so many bytes. */
export async function joinOnce(
  target: Target,
  room: string,
  leastBytes: number,
  stateVector: readonly number[] = [0],
): Promise<Joined> {
  const prefix = prefixOf(target.dialect, room);
  const started = performance.now();
  const answered = Promise.withResolvers<number>();
  let answers = 0;
  const socket = await LoadSocket.open(`${target.url}/${room}`, (message, opened) => {
    const kind = kindOf(message, prefix.length);
    if (kind === "step-2") answers++;
    if (kind === "step-2" && message.length >= leastBytes) answered.resolve(message.length);
    if (kind === "step-1") answerStep1(opened, prefix);
  });
  sayHello(socket, target.dialect, prefix, stateVector);
  const timer = setTimeout(() => answered.reject(new Error(`no answer to step 1: ${socket.ended}`)), TIMEOUT_MS);
  const answerBytes = await answered.promise;
  clearTimeout(timer);
  return {
    socket,
    milliseconds: performance.now() - started,
    answerBytes,
    get answers() {
      return answers;
    },
  };
}

export async function runJoin(job: JoinJob): Promise<JoinResult> {
  const usage = meter(job.target.pid);
  const milliseconds: number[] = [];
  let bytes = 0;
  // The one before leaves when the next is there, so that no server lets go of the room.
  let leaving: readonly Joined[] = [];
  for (let turn = 0; turn < job.turns; turn++) {
    const joined = await Promise.all(
      Array.from({ length: job.joiners }, () => joinOnce(job.target, job.room, job.leastBytes, job.stateVector)),
    );
    for (const { socket } of leaving) socket.close();
    leaving = joined;
    milliseconds.push(...joined.map((one) => one.milliseconds));
    bytes = joined[0]?.socket.bytesReceived ?? 0;
  }
  const used = usage();
  for (const { socket } of leaving) socket.close();
  return { milliseconds, bytes, ...used };
}

export async function runPopulate({ target, rooms, document }: PopulateJob): Promise<PopulateResult> {
  const update = readFileSync(document);
  for (const room of rooms) {
    const prefix = prefixOf(target.dialect, room);
    const { socket } = await joinOnce(target, room, 0);
    const header = new ByteWriter();
    header.bytes(prefix);
    header.byte(0);
    header.byte(2);
    header.varUint(update.length);
    socket.send(Buffer.concat([header.take(), update]));
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      const joined = await joinOnce(target, room, 0);
      joined.socket.close();
      if (joined.answerBytes >= 0.9 * update.length) break;
      if (performance.now() > deadline) throw new Error(`${room} never had the document: ${socket.ended}`);
      await pause(100);
    }
    socket.close();
  }
  return { bytes: update.length };
}
