import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import type { RoomStatistics } from "../../../shared/rpc.ts";
import { LoadClient } from "../load/load-client.ts";
import { demandSoon } from "../support/demand-soon.ts";
import type { Random } from "../support/scale.ts";
import type { TorturedServer } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";

export interface SoakRoomOptions {
  readonly server: TorturedServer;
  readonly name: string;
  readonly random: Random;
  /** Characters that an edit inserts at most. */
  readonly letters: number;
  /** Sockets that come and go at the same time. */
  readonly passersby: number;
  /** Milliseconds between evictions; `null`: it is never evicted. */
  readonly evictEveryMs: number | null;
  readonly say: (promise: string) => string;
  /** Milliseconds within which the room must do what is asked of it. */
  readonly patience: number;
}

/** What was done to a room and what that cost, since the beginning. */
export interface SoakCount {
  readonly edits: number;
  readonly rows: number;
  readonly bytesWritten: number;
  /** Bytes of update payload that the room received. */
  readonly updateBytes: number;
  /** Sockets that came and went. */
  readonly passed: number;
  readonly evictions: number;
}

const TYPISTS = 4;
const CURSORS = 3;
const FIRST_CURSOR_ID = 100;
const FIRST_PASSING_ID = 1_000;
const CURSOR_MS = 100;
/** Milliseconds between two edits of a typist: eight a second on average. */
const EDIT_MS = [50, 200] as const;
/** Characters that a typist keeps, for each that an edit may insert. */
const KEPT = 20;
/** Milliseconds that a passerby stays at most. */
const STAY_MS = 60;
const RPC_MS = 1_000;

interface Typist {
  readonly client: LoadClient;
  readonly doc: Y.Doc;
  sent: number;
}

/** One room and all that goes on in it. */
export class SoakRoom {
  readonly name: string;
  readonly #options: SoakRoomOptions;
  readonly #typists: Typist[] = [];
  readonly #cursors: LoadClient[] = [];
  #url = "";
  #isOver = false;
  /** How many want everybody to hold still. */
  #holds = 0;
  /** Passersby who are there just now. */
  #passing = 0;
  #count: SoakCount = { edits: 0, rows: 0, bytesWritten: 0, updateBytes: 0, passed: 0, evictions: 0 };
  #last: RoomStatistics | undefined;
  #nextPasserby = FIRST_PASSING_ID;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: SoakRoomOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get #room() {
    return this.#options.server.room(this.name);
  }

  async open(): Promise<void> {
    this.#url = `${await this.#options.server.url()}/${this.name}`;
    for (let index = 0; index < TYPISTS; index++) this.#typists.push(await this.#openTypist(index + 1));
    for (let index = 0; index < CURSORS; index++) {
      const client = await LoadClient.connect(this.#url, { stock: index === 0 });
      client.askForDocument();
      client.announce(FIRST_CURSOR_ID + index, { cursor: null });
      this.#cursors.push(client);
    }
  }

  async #openTypist(id: number): Promise<Typist> {
    const client = await LoadClient.connect(this.#url);
    const doc = new Y.Doc();
    doc.clientID = id;
    client.onUpdate = (update) => Y.applyUpdate(doc, update, "room");
    const typist: Typist = { client, doc, sent: 0 };
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === "room") return;
      typist.sent = client.sendUpdate(update);
      this.#add({ edits: 1 });
    });
    client.askForDocument();
    client.announce(id, { name: `typist ${id}` });
    return typist;
  }

  #add(more: Partial<SoakCount>): void {
    const sum = (key: keyof SoakCount) => this.#count[key] + (more[key] ?? 0);
    this.#count = {
      edits: sum("edits"),
      rows: sum("rows"),
      bytesWritten: sum("bytesWritten"),
      updateBytes: sum("updateBytes"),
      passed: sum("passed"),
      evictions: sum("evictions"),
    };
  }

  /** Begins all that goes on. */
  start(): void {
    const { random, passersby, evictEveryMs } = this.#options;
    const [least, most] = EDIT_MS;
    const lanes = [
      ...this.#typists.map((typist) =>
        this.#repeat(
          () => least + random(most - least),
          () => this.#type(typist),
        ),
      ),
      ...this.#cursors.map((client) =>
        this.#repeat(
          () => CURSOR_MS,
          () => client.announce(client.clientId ?? 0, { cursor: random(10_000) }),
        ),
      ),
      ...Array.from({ length: passersby }, () =>
        this.#repeat(
          () => 1,
          () => this.#passBy(),
        ),
      ),
      this.#repeat(
        () => RPC_MS,
        () => this.#read(),
      ),
    ];
    if (evictEveryMs !== null) lanes.push(this.#evictNowAndThen(evictEveryMs));
    this.#work = Promise.all(lanes);
    // It is looked at when the room is stopped.
    this.#work.catch(() => {});
  }

  async #repeat(milliseconds: () => number, work: () => unknown): Promise<void> {
    while (!this.#isOver) {
      if (this.#holds === 0) await work();
      await pause(milliseconds());
    }
  }

  /** At the end of its own text, and as much away from the beginning: neither text nor struct store grows. */
  #type({ doc }: Typist): void {
    const text = doc.getText(`${doc.clientID}`);
    const { random, letters } = this.#options;
    const most = KEPT * letters;
    doc.transact(() => {
      text.insert(text.length, "x".repeat(1 + random(letters)));
      if (text.length > most) text.delete(0, text.length - most);
    });
  }

  async #passBy(): Promise<void> {
    const { random } = this.#options;
    this.#passing++;
    const client = await LoadClient.connect(this.#url, { stock: random(2) === 0 });
    client.announce(this.#nextPasserby++, { name: "passerby", color: "#123456" });
    if (random(2) === 0) client.askForDocument();
    await pause(random(STAY_MS));
    if (random(2) === 0) client.reset();
    else client.close();
    this.#passing--;
    this.#add({ passed: 1 });
  }

  async #read(): Promise<void> {
    const room = this.#room;
    await Promise.all([room.participants(), room.getState(), room.getJson({ "1": "text" })]);
  }

  async #evictNowAndThen(everyMs: number): Promise<void> {
    let next = performance.now() + everyMs;
    while (!this.#isOver) {
      await pause(100);
      if (performance.now() < next || this.#holds > 0) continue;
      await this.whileAtRest(async () => {
        await this.#untilAlone();
        await this.measure();
        await this.evict("between two spells of work");
        this.#add({ evictions: 1 });
      });
      next = performance.now() + everyMs;
    }
  }

  /** Does something while nobody does anything else, nothing is on its way any more, and no passerby is there. */
  async whileAtRest<Result>(work: () => Promise<Result>): Promise<Result> {
    const { say, patience } = this.#options;
    this.#holds++;
    try {
      await demandSoon(
        () =>
          this.#passing === 0 &&
          this.#typists.every(({ client, sent }) => client.saved >= sent || client.closed !== null),
        say(`${this.name}: every edit is saved`),
        patience,
      );
      return await work();
    } finally {
      this.#holds--;
    }
  }

  /** The room counts those who stay, and nobody else. */
  async #untilAlone(): Promise<void> {
    const { say, patience } = this.#options;
    let last = "";
    const alone = async () => {
      const { roomful, stock } = (await this.#room.statistics()).connections;
      last = `${roomful} and ${stock}`;
      return stock === 1 && roomful === TYPISTS + CURSORS - 1;
    };
    await demandSoon(alone, () => say(`${this.name}: those who went are gone, but there are ${last}`), patience);
  }

  /** Takes the room's memory. @throws Violation when it can't be had, because a timer is pending */
  async evict(when: string): Promise<void> {
    const { server, say, patience } = this.#options;
    let evicted = false;
    const eviction = server.evict(this.name).then(() => {
      evicted = true;
    });
    const gaveUp = eviction.catch(() => {});
    await Promise.race([gaveUp, pause(patience)]);
    demand(evicted, say(`${this.name}: no timer is left in a quiet room, ${when}`));
  }

  /** Counts what was written since the last time. */
  async measure(): Promise<SoakCount> {
    const statistics = await this.#room.statistics();
    const last = this.#last?.boot === statistics.boot ? this.#last : undefined;
    this.#last = statistics;
    this.#add({
      rows: statistics.storage.rowsWritten - (last?.storage.rowsWritten ?? 0),
      bytesWritten: statistics.storage.bytesWritten - (last?.storage.bytesWritten ?? 0),
      updateBytes: statistics.updateBytes - (last?.updateBytes ?? 0),
    });
    return this.#count;
  }

  /** Ends all that goes on; those who type and point stay. */
  async stop(): Promise<void> {
    const { say, patience } = this.#options;
    this.#isOver = true;
    await this.#work;
    await this.whileAtRest(() => this.#untilAlone());
    for (const client of [...this.#cursors, ...this.#typists.map(({ client }) => client)]) {
      demand(client.closed === null, say(`${this.name}: nobody is closed, but one was: ${client.closed}`));
      demand(client.rejected === 0, say(`${this.name}: nothing is rejected`));
    }
    const roots = Object.fromEntries(this.#typists.map(({ doc }) => [`${doc.clientID}`, "text" as const]));
    const stored = await this.#room.getJson(roots);
    await demandSoon(
      () => this.#typists.every(({ doc }) => Object.keys(roots).every((id) => doc.getText(id).toJSON() === stored[id])),
      say(`${this.name}: all have the same text`),
      patience,
    );
  }

  /** Ends all that goes on, whatever became of it. */
  abandon(): void {
    this.#isOver = true;
    for (const client of [...this.#cursors, ...this.#typists.map((typist) => typist.client)]) client.reset();
  }

  /** Nothing happens in the room unless it is called. @returns whether it hibernated by itself meanwhile */
  async demandSilence(milliseconds: number): Promise<boolean> {
    const { say } = this.#options;
    await this.evict("after all work");
    const before = await this.#room.statistics();
    await pause(milliseconds);
    const after = await this.#room.statistics();
    const hibernated = after.boot !== before.boot;
    const events = hibernated ? after.events - 1 : after.events - before.events - 1;
    demand(
      events === 0,
      say(`${this.name}: in ${milliseconds} ms of silence nothing happens, but ${events} events did`),
    );
    return hibernated;
  }
}
