import type { Plant } from "../support/bare-room-server.ts";
import { demandSoon } from "./demand-soon.ts";
import { LoadClient, type SeenPresence } from "./load-client.ts";
import { type Random, randomFrom } from "./scale.ts";
import { TorturedServer } from "./tortured-server.ts";
import { demand } from "./violation.ts";

interface WakeOptions {
  readonly seed: number;
  readonly wakes: number;
  readonly members: number;
  /** Milliseconds within which somebody must be told. */
  readonly patience: number;
  readonly plant?: Plant;
}

interface WakeFigures {
  readonly wakes: number;
  /** Those that a newcomer caused; the others a leaver. */
  readonly newcomers: number;
  /** Milliseconds from a newcomer's first frame until it was shown everybody, the longest. */
  readonly slowestMs: number;
}

const ROOM = "sleeper";

/** Above what a socket's attachment holds, so that it must be kept in a row. */
const LARGE_STATE = "x".repeat(13_000);

/** Takes the room's memory again and again, and sees what the first event after it finds. */
export async function runWakes({ seed, wakes, members, patience, plant }: WakeOptions): Promise<WakeFigures> {
  const server = await TorturedServer.start(plant && { plant });
  const sleeper = new Sleeper(server, seed, patience);
  try {
    await sleeper.fill(members);
    let newcomers = 0;
    let slowestMs = 0;
    for (let round = 0; round < wakes; round++) {
      await sleeper.sleep(round);
      if (round % 2 === 0) {
        newcomers++;
        slowestMs = Math.max(slowestMs, await sleeper.wakeByNewcomer());
      } else await sleeper.wakeByLeaver();
      await sleeper.demandWoken();
    }
    return { wakes, newcomers, slowestMs };
  } finally {
    await server.stop();
  }
}

/** A room with members who have presence, stock and own clients in turn. */
class Sleeper {
  readonly #server: TorturedServer;
  readonly #patience: number;
  readonly #random: Random;
  readonly #seed: number;
  #url = "";
  #members: LoadClient[] = [];
  #round = 0;
  #boot = "";
  #nextId = 1;

  constructor(server: TorturedServer, seed: number, patience: number) {
    this.#server = server;
    this.#seed = seed;
    this.#random = randomFrom(seed);
    this.#patience = patience;
  }

  #say(promise: string): string {
    return `seed ${this.#seed}, wake ${this.#round}: ${promise}`;
  }

  async fill(members: number): Promise<void> {
    this.#url = `${await this.#server.url()}/${ROOM}`;
    for (let index = 0; index < members; index++) await this.#join(index === 0 ? LARGE_STATE : undefined);
  }

  async #join(large?: string): Promise<void> {
    const id = this.#nextId++;
    const member = await LoadClient.connect(this.#url, { stock: id % 2 === 0 });
    member.announce(id, { name: `member ${id}`, ...(large !== undefined && { large }) });
    this.#members.push(member);
    await this.#untilAllSeeAll(this.#members);
  }

  /** Everybody shown is as it announced itself, and nobody else is shown. */
  #shows(seen: ReadonlyMap<number, SeenPresence>, others: readonly LoadClient[]): boolean {
    const shown = [...seen].filter(([, { state }]) => state !== null);
    return (
      shown.length === others.length &&
      others.every(({ clientId, state }) => clientId !== undefined && seen.get(clientId)?.state === state)
    );
  }

  async #untilAllSeeAll(viewers: readonly LoadClient[]): Promise<void> {
    await demandSoon(
      () =>
        viewers.every((viewer) =>
          this.#shows(
            viewer.presence,
            this.#members.filter((member) => member !== viewer),
          ),
        ),
      this.#say("everybody is shown everybody, and nobody else"),
      this.#patience,
    );
  }

  /** Somebody moves, everybody is told, and the room sleeps. */
  async sleep(round: number): Promise<void> {
    this.#round = round;
    const mover = this.#members[this.#random(this.#members.length)];
    if (mover?.clientId !== undefined && mover.state !== undefined) {
      mover.announce(mover.clientId, { ...JSON.parse(mover.state), cursor: this.#random(1_000) });
    }
    await this.#untilAllSeeAll(this.#members);
    const boot = await this.#statistics();
    this.#boot = boot.boot;
    await this.#server.evict(ROOM);
  }

  #statistics() {
    return this.#server.room(ROOM).statistics();
  }

  /** @returns milliseconds until it was shown everybody */
  async wakeByNewcomer(): Promise<number> {
    const newcomer = await LoadClient.connect(this.#url, { stock: this.#random(2) === 0 });
    const started = performance.now();
    newcomer.askForPresence();
    await demandSoon(
      () => newcomer.firstAwareness !== null,
      this.#say("the first frame is answered with presence"),
      this.#patience,
    );
    const milliseconds = performance.now() - started;
    demand(
      newcomer.firstAwareness !== null && this.#shows(newcomer.firstAwareness, this.#members),
      this.#say(`the answer to a newcomer's first frame shows everybody, not ${[...(newcomer.firstAwareness ?? [])]}`),
    );
    newcomer.close();
    return milliseconds;
  }

  async wakeByLeaver(): Promise<void> {
    const [leaver] = this.#members.splice(this.#random(this.#members.length), 1);
    const id = leaver?.clientId;
    if (leaver === undefined || id === undefined) throw new Error("nobody to leave");
    if (this.#random(2) === 0) leaver.reset();
    else leaver.close();
    await demandSoon(
      () => this.#members.every(({ presence }) => presence.get(id)?.state === null),
      this.#say("all are told that the leaver is gone"),
      this.#patience,
    );
    await this.#untilAllSeeAll(this.#members);
    await this.demandWoken();
    await this.#join(this.#random(4) === 0 ? LARGE_STATE : undefined);
  }

  /** It did sleep, and nothing of this read the document. */
  async demandWoken(): Promise<void> {
    const { boot, document } = await this.#statistics();
    demand(boot !== this.#boot, this.#say("the room was evicted"));
    demand(!document.loaded && document.loads === 0, this.#say("presence does not load the document"));
    const gone = this.#members.find(({ closed }) => closed !== null);
    demand(gone === undefined, this.#say(`nobody is closed, but one was: ${gone?.closed}`));
  }
}
