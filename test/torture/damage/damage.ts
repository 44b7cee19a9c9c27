import * as Y from "yjs";
import { errorCodeOf } from "../../../shared/errors.ts";
import { encodeSyncStep1 } from "../../../shared/frames.ts";
import { docOf } from "../../support/documents.ts";
import { NodeClient } from "../../support/node-client.ts";
import type { Plant } from "../../support/plant.ts";
import { until } from "../../support/until.ts";
import { contains, sameDocument } from "../support/contains.ts";
import { ALL, type Sample } from "../support/scale.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand, Violation } from "../support/violation.ts";
import { dump, type Image, makeImage } from "./damage-image.ts";
import { type Damage, damages, doubleDamages } from "./damage-kinds.ts";

export interface DamageOptions {
  /** Whether records and snapshots span rows. */
  readonly large: boolean;
  /** Whether to damage two places at once, too. */
  readonly double: boolean;
  /** Which damages: all, or, in a smaller size, those whose place leaves this remainder. */
  readonly sample?: Sample;
  readonly plant?: Plant;
}

export interface DamageFigures {
  /** Rooms, by what they had to be like. */
  readonly whole: number;
  readonly readOnly: number;
  readonly cut: number;
}

const SIDE_BY_SIDE = 6;
const PATIENCE_MS = 20_000;

/** An edit of somebody who knows nothing of the document. */
function anEdit(): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = 77;
  doc.getMap("after").set("the damage", true);
  return Y.encodeStateAsUpdate(doc);
}

/**
 * Damages what a room has stored, in each place and each way, and opens it.
 * @throws Violation when a room takes edits over a document that is not whole, writes over it, or can't be opened
 */
export async function runDamage({ large, double, sample = ALL, plant }: DamageOptions): Promise<DamageFigures> {
  // A room that heals itself meanwhile would not be what was damaged.
  const server = await TorturedServer.start({
    settings: { COMMIT_MS: "0", SNAPSHOT_QUIET_MS: "9000" },
    ...(plant && { plant }),
  });
  try {
    const image = await makeImage(server.room("image"), large);
    const all = [...damages(image), ...(double ? doubleDamages(image) : [])].filter(
      (_, place) => place % sample.of === sample.remainder % sample.of,
    );
    const waiting = [...all.entries()];
    const workers = Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await new DamagedRoom(server, `damaged-${next[0]}`, image, next[1]).check();
      }
    });
    await Promise.all(workers).finally(() => {
      waiting.length = 0;
    });
    const count = (kind: string) => all.filter(({ outcome }) => outcome.kind === kind).length;
    return { whole: count("whole"), readOnly: count("read-only"), cut: count("cut") };
  } finally {
    await server.stop();
  }
}

class DamagedRoom {
  readonly #server: TorturedServer;
  readonly #name: string;
  readonly #image: Image;
  readonly #damage: Damage;

  constructor(server: TorturedServer, name: string, image: Image, damage: Damage) {
    this.#server = server;
    this.#name = name;
    this.#image = image;
    this.#damage = damage;
  }

  async check(): Promise<void> {
    const { outcome, statements } = this.#damage;
    const room = this.#server.room(this.#name);
    await room.sql([...this.#image.statements, ...statements]);
    if (outcome.kind === "read-only") {
      await this.#checkReadOnly();
      return;
    }
    const expected = outcome.kind === "whole" ? this.#image.state : this.#image.stateAt.get(outcome.after);
    if (expected === undefined) throw new Error(`no record ends at ${JSON.stringify(outcome)}`);
    await this.#checkOpen(expected);
  }

  /** It has what it should, and goes on as if nothing had been. */
  async #checkOpen(expected: Uint8Array): Promise<void> {
    const room = this.#server.room(this.#name);
    const { client, state: shown } = await this.#visit();
    this.#demand(sameDocument(shown, expected), "the room has the document");
    this.#demand(textOf(shown) === textOf(expected), "the text is what was typed");
    const { document } = await room.statistics();
    this.#demand(document.readOnly === null, "the room is not read-only");
    client.sendUpdate(anEdit());
    await this.#until(() => client.saved > 0, client, "the edit to be saved");
    const doc = docOf(expected);
    Y.applyUpdate(doc, anEdit());
    const edited = Y.encodeStateAsUpdate(doc);
    await this.#server.abort(this.#name);
    this.#demand(sameDocument(await room.getState(), edited), "the edit is there beside the document");
    // The next snapshot takes the place of a damaged one.
    await room.flush();
    await this.#server.abort(this.#name);
    const healed = await room.getState();
    this.#demand(sameDocument(healed, edited), "the next snapshot is good");
    this.#demand(textOf(healed) === textOf(expected), "the text in the next snapshot is what was typed");
  }

  /** It tells everybody, and nothing that anybody does changes a byte. */
  async #checkReadOnly(): Promise<void> {
    const room = this.#server.room(this.#name);
    const before = await dump(room);
    for (const visit of ["first visit", "visit after a restart"]) {
      const { client, state } = await this.#visit();
      const whole = docOf(this.#image.state);
      this.#demand(contains(whole, state), `${visit}: nothing is shown that never was`);
      const { document } = await room.statistics();
      this.#demand(document.readOnly === "room-damaged", `${visit}: statistics say that the room is damaged`);
      const told = () => client.messagesOf("error").some(({ code }) => code === "room-damaged");
      await this.#until(told, client, `${visit}: the client to be told`);
      client.sendUpdate(anEdit());
      const rejected = () => client.messagesOf("rejected").some(({ code }) => code === "room-damaged");
      await this.#until(rejected, client, `${visit}: the edit to be rejected`);
      this.#demand(client.framesOf("sync-step-1").length === 0, `${visit}: the room asks for nothing`);
      await this.#refuses(() => room.applyUpdate(anEdit()), `${visit}: a caller's update`);
      // It may have nothing to do; it may not write.
      await room.flush().catch(() => {});
      // The room's goodbye is waited for: what it writes on it has to be in the dump.
      client.close();
      await until(() => client.closed !== null, "the room to say goodbye");
      this.#demand((await dump(room)) === before, `${visit}: what is stored is as it was`);
      await this.#server.abort(this.#name);
    }
  }

  /** Opens the room and asks for the document. */
  async #visit(): Promise<{ client: NodeClient; state: Uint8Array }> {
    const client = await NodeClient.open(`${await this.#server.url()}/${this.#name}`);
    client.send(encodeSyncStep1(new Uint8Array([0])));
    const answers = () => client.framesOf("sync-step-2");
    await this.#until(() => answers().length > 0, client, "the document to be shown");
    return { client, state: answers()[0]?.update ?? new Uint8Array() };
  }

  async #refuses(call: () => Promise<unknown>, what: string): Promise<void> {
    const caught: unknown = await call().then(
      () => null,
      (error: unknown) => error,
    );
    this.#demand(errorCodeOf(caught) === "room-damaged", `${what} is refused as room-damaged, not: ${caught}`);
  }

  async #until(holds: () => boolean, client: NodeClient, what: string): Promise<void> {
    await until(() => holds() || client.closed !== null, what, PATIENCE_MS).catch(() => {
      throw new Violation(`${this.#damage.name}: nobody waits in vain for ${what}`);
    });
    this.#demand(holds(), `${what}, instead of a close: ${client.refusal}`);
  }

  #demand(holds: boolean, promise: string): asserts holds {
    demand(holds, `${this.#damage.name}: ${promise}`);
  }
}

function textOf(state: Uint8Array): string {
  return docOf(state).getText("text").toString();
}
