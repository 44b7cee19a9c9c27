import { setTimeout as pause } from "node:timers/promises";
import { AwarenessEcho } from "./awareness-echo.ts";
import { cursorFrames, cursorState, renewal } from "./cursors.ts";
import { answerStep1, prefixOf, sayHello } from "./dialect.ts";
import type { PeopleJob, PeopleResult } from "./job.ts";
import { meter } from "./meter.ts";
import { kindOf } from "./progress.ts";
import { LoadSocket } from "./socket.ts";
import { FrameSource } from "./updates.ts";

/** A stock client renews its awareness so often, unless it changed meanwhile. */
const RENEWAL_MS = 15_000;
const PING_MS = 20_000;
const PING = Buffer.from('{"type":"ping"}');
const SUBPROTOCOL = "roomful.v1";
const ROOM = "people";

/** People in a room as they are, stock clients with all that these send of their own accord. */
export async function runPeople(job: PeopleJob): Promise<PeopleResult> {
  const { target, stock, own, settleSeconds, seconds } = job;
  const people = await Promise.all(Array.from({ length: stock + own }, (_, index) => Person.enter(job, index)));
  await pause(settleSeconds * 1000);
  const reading = () => ({
    at: performance.now(),
    bytes: sumOf(people, ({ bytesReceived }) => bytesReceived),
    messages: sumOf(people, ({ messages }) => messages),
    updates: sumOf(people, ({ updates }) => updates),
  });
  const usage = meter(target.pid);
  const before = reading();
  await pause(seconds * 1000);
  const after = reading();
  const used = usage();
  for (const person of people) person.leave();
  return {
    seconds: (after.at - before.at) / 1000,
    messages: after.messages - before.messages,
    updates: after.updates - before.updates,
    bytes: after.bytes - before.bytes,
    ...used,
  };
}

/** Whether a client has to renew its presence: a stock client always, others when the room says so. */
class Renewal {
  isNeeded: boolean;

  constructor(isStock: boolean) {
    this.isNeeded = isStock;
  }

  listen(text: string): void {
    const message = JSON.parse(text) as { type: string; active?: boolean; renewPresence?: boolean };
    if (message.type === "welcome") this.isNeeded = message.renewPresence === true;
    if (message.type === "presence-renewal") this.isNeeded = message.active === true;
  }
}

class Person {
  readonly #socket: LoadSocket;
  readonly #presence: FrameSource;
  readonly #edits: FrameSource;
  readonly #renew: (clock: number) => Buffer;
  #clock = 0;
  readonly #renewal: Renewal;
  readonly #timers: NodeJS.Timeout[] = [];
  /** That the room had to be there for: pings are answered without it. */
  messages = 0;
  updates = 0;

  private constructor(socket: LoadSocket, prefix: Buffer, index: number, renewing: Renewal) {
    this.#socket = socket;
    this.#presence = cursorFrames(prefix, index);
    this.#edits = FrameSource.updates(prefix, index);
    this.#renewal = renewing;
    // Who renews does not move.
    this.#renew = (clock) => renewal(prefix, index, clock, cursorState(index, 0));
  }

  static async enter(job: PeopleJob, index: number): Promise<Person> {
    const { target, stock, own, editors, updatesPerSecond, movers, cursorsPerSecond } = job;
    const isStock = index < stock;
    const prefix = prefixOf(target.dialect, ROOM);
    const echo = isStock ? new AwarenessEcho(prefix, index) : null;
    const renewing = new Renewal(isStock);
    let person: Person | undefined;
    const socket = await LoadSocket.open(
      `${target.url}/${ROOM}`,
      (message, opened) => {
        const kind = kindOf(message, prefix.length);
        if (kind === "step-1") answerStep1(opened, prefix);
        const echoed = kind === "awareness" ? echo?.of(message) : undefined;
        if (echoed !== undefined) opened.send(echoed);
        if (person !== undefined && (kind === "step-1" || echoed !== undefined)) person.messages++;
      },
      isStock ? undefined : SUBPROTOCOL,
      (text) => renewing.listen(text),
    );
    person = new Person(socket, prefix, index, renewing);
    sayHello(socket, target.dialect, prefix);
    person.#move();
    // All at their own times, as people come.
    const phase = index / (stock + own);
    const isMover = index < movers;
    if (isMover) person.#every(1000 / cursorsPerSecond, phase, () => person.#move());
    else person.#every(RENEWAL_MS, phase, () => person.#renewIfNeeded());
    if (index < editors) person.#every(1000 / updatesPerSecond, phase, () => person.#edit());
    if (!isStock) person.#every(PING_MS, phase, () => socket.sendText(PING));
    return person;
  }

  get bytesReceived(): number {
    return this.#socket.bytesReceived;
  }

  #every(milliseconds: number, phase: number, act: () => void): void {
    this.#timers.push(setTimeout(() => this.#timers.push(setInterval(act, milliseconds)), phase * milliseconds));
  }

  #move(): void {
    this.#presence.take(this.#clock, this.#clock + 1, (frames) => this.#socket.write(frames));
    this.#clock++;
    this.messages++;
  }

  #renewIfNeeded(): void {
    if (!this.#renewal.isNeeded) return;
    this.#clock++;
    this.messages++;
    this.#socket.send(this.#renew(this.#clock));
  }

  #edit(): void {
    this.#edits.take(this.updates, this.updates + 1, (frames) => this.#socket.write(frames));
    this.updates++;
    this.messages++;
  }

  /** @throws Error when the socket had ended before */
  leave(): void {
    for (const timer of this.#timers) clearInterval(timer);
    const { ended } = this.#socket;
    this.#socket.close();
    if (ended !== null) throw new Error(`a socket ended: ${ended}`);
  }
}

function sumOf(people: readonly Person[], figure: (person: Person) => number): number {
  return people.reduce((sum, person) => sum + figure(person), 0);
}
