import { setTimeout as pause } from "node:timers/promises";
import { cursorFrames } from "./cursors.ts";
import { answerStep1, prefixOf, sayHello } from "./dialect.ts";
import type { TrafficJob, TrafficResult } from "./job.ts";
import { meter } from "./meter.ts";
import { kindOf, Progress, readAwareness, readUpdate } from "./progress.ts";
import { Samples } from "./quantiles.ts";
import { LoadSocket } from "./socket.ts";
import { FrameSource } from "./updates.ts";

const TICK_MS = 1;
/** By how much the generator itself may be late: beyond it a frame counts as written then, since it was held up by the server. */
const LATE_MS = 5;
const DRAIN_MS = 3_000;
/** Times of the last so many frames of a writer are kept. */
const TIMES = 65_536;
const OPENING_AT_ONCE = 50;

interface Writer {
  readonly socket: LoadSocket;
  readonly source: FrameSource;
  readonly sentAt: Float64Array;
  /** Milliseconds after the start at which its first frame is due. */
  readonly phase: number;
  sent: number;
}

interface Room {
  readonly sockets: LoadSocket[];
  readonly progress: Progress;
  readonly writers: Writer[];
}

/** People in rooms who write or move their pointers, and get what the others do. */
export async function runTraffic(job: TrafficJob): Promise<TrafficResult> {
  const traffic = new Traffic(job);
  await traffic.open();
  traffic.start();
  await pause(job.warmupSeconds * 1000);
  const usage = meter(job.target.pid);
  const before = traffic.reading();
  await pause(job.seconds * 1000);
  const after = traffic.reading();
  const used = usage();
  traffic.stop();
  const lost = await traffic.drain();
  traffic.close();
  return {
    seconds: (after.at - before.at) / 1000,
    sent: after.sent - before.sent,
    delivered: after.delivered - before.delivered,
    frames: after.frames - before.frames,
    bytes: after.bytes - before.bytes,
    lost,
    latency: traffic.latency.quantiles(),
    ...used,
  };
}

class Traffic {
  readonly #job: TrafficJob;
  readonly #rooms: Room[] = [];
  readonly #measured = { from: Number.POSITIVE_INFINITY };
  readonly latency = new Samples();
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #isRunning = false;
  #pumpDue = false;

  constructor(job: TrafficJob) {
    this.#job = job;
  }

  async open(): Promise<void> {
    const { rooms, subscribers } = this.#job;
    const places = Array.from({ length: rooms * subscribers }, (_, index) => index);
    for (let index = 0; index < rooms; index++) {
      this.#rooms.push({ sockets: [], progress: new Progress(subscribers, this.#job.writers), writers: [] });
    }
    while (places.length > 0) await Promise.all(places.splice(0, OPENING_AT_ONCE).map((place) => this.#openOne(place)));
    // What is answered to the opening is not to be measured.
    await pause(300 + rooms);
  }

  async #openOne(place: number): Promise<void> {
    const { target, subscribers, writers, content, pace } = this.#job;
    const index = place % subscribers;
    const name = `room-${Math.floor(place / subscribers)}`;
    const room = this.#rooms[Math.floor(place / subscribers)];
    if (room === undefined) throw new Error("no such room");
    const prefix = prefixOf(target.dialect, name);
    const samplesLatency = pace.kind === "rate" || index === subscribers - 1;
    const carried = (writer: number, from: number, to: number) => {
      const first = room.progress.advance(index, writer, from, to);
      if (samplesLatency && first < to) this.#sample(room.writers[writer], first, to);
    };
    const read = content === "updates" ? readUpdate : readAwareness;
    const answers = this.#job.isPopulated ? [] : ["step-2"];
    const wanted = content === "updates" ? ["update", ...answers] : ["awareness"];
    let hasAnswered = false;
    const socket = await LoadSocket.open(`${target.url}/${name}`, (message, opened) => {
      const kind = kindOf(message, prefix.length);
      // A relay forwards everybody's step 1: one answer is what a server asks for.
      if (kind === "step-1" && !hasAnswered) {
        hasAnswered = true;
        answerStep1(opened, prefix);
      }
      if (!wanted.includes(kind)) return;
      read(message, prefix.length, carried);
      this.#wantPump();
    });
    room.sockets.push(socket);
    if (index < writers) {
      room.writers[index] = {
        socket,
        source: content === "updates" ? FrameSource.updates(prefix, index) : cursorFrames(prefix, index),
        sentAt: new Float64Array(TIMES),
        phase: pace.kind === "rate" ? (((place * 0.618) % 1) * 1000) / pace.perSecond : 0,
        sent: 0,
      };
    }
    sayHello(socket, target.dialect, prefix);
  }

  #sample(writer: Writer | undefined, from: number, to: number): void {
    const now = performance.now();
    if (writer === undefined || now < this.#measured.from) return;
    for (let clock = from; clock < to; clock++) this.latency.add(now - (writer.sentAt[clock % TIMES] ?? now));
  }

  start(): void {
    this.#isRunning = true;
    this.#startedAt = performance.now();
    const { pace } = this.#job;
    if (pace.kind === "window") this.#fillWindows(pace.inFlight);
    else this.#tick(pace.perSecond);
  }

  #tick(perSecond: number): void {
    if (!this.#isRunning) return;
    const now = performance.now();
    for (const room of this.#rooms) {
      for (const writer of room.writers) {
        const elapsed = now - this.#startedAt - writer.phase;
        const due = Math.floor((elapsed * perSecond) / 1000) + 1;
        if (due <= writer.sent) continue;
        for (let clock = writer.sent; clock < due; clock++) {
          const dueAt = this.#startedAt + writer.phase + (clock * 1000) / perSecond;
          writer.sentAt[clock % TIMES] = Math.min(now, dueAt + LATE_MS);
        }
        writer.source.take(writer.sent, due, (frames) => writer.socket.write(frames));
        writer.sent = due;
      }
    }
    this.#timer = setTimeout(() => this.#tick(perSecond), TICK_MS);
  }

  #wantPump(): void {
    const { pace } = this.#job;
    if (pace.kind !== "window" || this.#pumpDue || !this.#isRunning) return;
    this.#pumpDue = true;
    setImmediate(() => {
      this.#pumpDue = false;
      if (this.#isRunning) this.#fillWindows(pace.inFlight);
    });
  }

  #fillWindows(inFlight: number): void {
    const now = performance.now();
    for (const room of this.#rooms) {
      for (const [index, writer] of room.writers.entries()) {
        const end = room.progress.slowest(index) + inFlight;
        // Some at least, so that frames go out together.
        if (end - writer.sent < inFlight / 8) continue;
        for (let clock = writer.sent; clock < end; clock++) writer.sentAt[clock % TIMES] = now;
        writer.source.take(writer.sent, end, (frames) => writer.socket.write(frames));
        writer.sent = end;
      }
    }
  }

  /** Reads every counter. The first reading starts the measurement. */
  reading() {
    const at = performance.now();
    this.#measured.from = Math.min(this.#measured.from, at);
    const sockets = this.#rooms.flatMap((room) => room.sockets);
    const ended = sockets.find((socket) => socket.ended !== null);
    if (ended !== undefined) throw new Error(`a socket ended: ${ended.ended}`);
    const sum = (figures: number[]) => figures.reduce((total, figure) => total + figure, 0);
    return {
      at,
      sent: sum(this.#rooms.flatMap((room) => room.writers.map(({ sent }) => sent))),
      delivered: sum(this.#rooms.map(({ progress }) => progress.delivered)),
      frames: sum(sockets.map(({ framesReceived }) => framesReceived)),
      bytes: sum(sockets.map(({ bytesReceived }) => bytesReceived)),
    };
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#measured.from = Number.POSITIVE_INFINITY;
  }

  /** Waits for what is under way. @returns how many edits never came, counted once per subscriber */
  async drain(): Promise<number> {
    const { subscribers } = this.#job;
    const missing = () => {
      let count = 0;
      for (const { writers, progress } of this.#rooms) {
        const sent = writers.reduce((sum, writer) => sum + writer.sent, 0);
        count += sent * (subscribers - 1) - progress.delivered;
      }
      return count;
    };
    const deadline = performance.now() + DRAIN_MS;
    while (missing() > 0 && performance.now() < deadline) await pause(20);
    const gaps = this.#rooms.reduce((sum, { progress }) => sum + progress.gaps, 0);
    return missing() + (this.#job.content === "updates" ? gaps : 0);
  }

  close(): void {
    for (const { sockets } of this.#rooms) for (const socket of sockets) socket.close();
  }
}
