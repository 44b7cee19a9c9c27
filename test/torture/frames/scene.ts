import { readRoots } from "../../../worker/document/root-json.ts";
import { bringOnlookers } from "../../support/onlookers.ts";
import { until } from "../../support/until.ts";
import type { TorturedServer } from "../support/tortured-server.ts";
import { demand, Violation } from "../support/violation.ts";
import { Bystander, PATIENCE, StockBystander } from "./bystanders.ts";
import { docOf, inOrder, isWhole, sameHistory } from "./histories.ts";

interface SceneParts {
  readonly server: TorturedServer;
  readonly name: string;
  readonly url: string;
  readonly mirror: Bystander;
  readonly stock: StockBystander;
  readonly endOnlookers: () => void;
}

/** Bytes of a state above which its roots are not read as JSON, which would take longer than all else. */
const READABLE_BYTES = 300_000;

const READABLE_ROOTS = 20;

/** So many that frames which come soon after one another share a window. */
const ONLOOKERS = 40;

const KINDS = ["text", "array", "map", "xml"] as const;

/** A room with two honest participants, which is attacked. */
export class Scene {
  readonly name: string;
  readonly url: string;
  readonly mirror: Bystander;
  readonly stock: StockBystander;
  readonly #server: TorturedServer;
  readonly #endOnlookers: () => void;
  #boot: string | undefined;
  /** Times that the room's memory was read again. */
  taints = 0;

  private constructor({ server, name, url, mirror, stock, endOnlookers }: SceneParts) {
    this.#server = server;
    this.#endOnlookers = endOnlookers;
    this.name = name;
    this.url = url;
    this.mirror = mirror;
    this.stock = stock;
  }

  static async open(server: TorturedServer, name: string): Promise<Scene> {
    const serverUrl = await server.url();
    const url = `${serverUrl}/${name}`;
    const [mirror, stock, endOnlookers] = await Promise.all([
      Bystander.join(url),
      StockBystander.join(serverUrl, name),
      bringOnlookers(url, ONLOOKERS),
    ]);
    return new Scene({ server, name, url, mirror, stock, endOnlookers });
  }

  get room() {
    return this.#server.room(this.name);
  }

  /** Demands that nobody noticed anything. @param when for the words of a violation */
  async demandUndisturbed(when: string): Promise<void> {
    const { mirror, stock } = this;
    const words = `${Math.random()}`;
    const frame = mirror.edit(words);
    stock.edit(words);
    await this.#demandSoon(() => mirror.saved >= frame, `${when}: a bystander's edit is saved`);
    await this.#demandSoon(
      () => mirror.doc.getText("stock").toString().startsWith(words),
      `${when}: a stock client's edit is broadcast`,
    );
    await this.#demandSoon(
      () => stock.doc.getText("bystander").toString().startsWith(words),
      `${when}: a bystander's edit is broadcast`,
    );
    demand(mirror.closed === null, `${when}: a bystander's socket stays open, and not: ${mirror.closed}`);
    demand(stock.closes === 0, `${when}: a stock client's socket stays open`);
    demand(mirror.broken === undefined, `${when}: a bystander takes all that it is sent: ${mirror.broken}`);
    demand(mirror.rejected === 0, `${when}: nothing of a bystander's is rejected`);
    const { boot, document } = await this.room.statistics();
    this.#boot ??= boot;
    demand(boot === this.#boot, `${when}: the room's object lives on`);
    demand(document.readOnly === null, `${when}: the room can be edited`);
    this.taints = Math.max(this.taints, document.loads - 1);
    await this.#demandEqual(when);
    await this.#demandPresence(when);
  }

  async #demandSoon(holds: () => boolean, promise: string): Promise<void> {
    await until(() => holds() || this.mirror.closed !== null, promise, PATIENCE).catch((cause) => {
      throw new Violation(promise, { cause });
    });
    demand(holds(), `${promise} (bystander's socket: ${this.mirror.closed})`);
  }

  /** The mirrors are the room, and the room can be loaded. */
  async #demandEqual(when: string): Promise<void> {
    let state = docOf(await this.room.getState());
    for (const [who, doc] of [
      ["a bystander's", this.mirror.doc],
      ["a stock client's", this.stock.doc],
    ] as const) {
      for (let attempt = 0; attempt < 20 && !sameHistory(state, doc); attempt++) {
        await this.mirror.ping();
        state = docOf(await this.room.getState());
      }
      demand(sameHistory(state, doc), `${when}: ${who} document is the room's`);
      demand(isWhole(doc), `${when}: nothing is pending in ${who} document`);
    }
    demand(isWhole(state), `${when}: nothing is pending in the room's state`);
  }

  /** Whoever joins is shown the bystanders. */
  async #demandPresence(when: string): Promise<void> {
    const newcomer = await Bystander.join(this.url);
    try {
      for (const id of [this.mirror.clientId, this.stock.clientId]) {
        await until(() => (newcomer.presence.get(id)?.state ?? null) !== null, "presence", PATIENCE).catch((cause) => {
          throw new Violation(`${when}: a bystander is shown as present`, { cause });
        });
        const { state } = newcomer.presence.get(id) ?? {};
        const shown = new TextDecoder().decode(state ?? new Uint8Array());
        demand(
          shown === (id === this.mirror.clientId ? '{"bystander":true}' : '{"stock":true}'),
          `${when}: a bystander's presence is its own, and not ${shown.slice(0, 100)}`,
        );
      }
    } finally {
      newcomer.close();
    }
  }

  /** Crashes the room and demands that it is read again as it was. Ends the bystanders. */
  async demandReloads(when: string): Promise<void> {
    await this.mirror.ping();
    const { room } = this;
    const state = await room.getState();
    const before = docOf(state);
    const roots = state.length > READABLE_BYTES ? [] : [...before.share.keys()];
    const shown = await this.#readRoots(roots);
    for (const [root, value] of this.#readMirror(roots)) {
      demand(shown.get(root) === value, `${when}: ${root} reads the same for who was sent it`);
    }
    await room.flush();
    this.close();
    await this.#server.abort(this.name);
    const after = docOf(await room.getState());
    demand(isWhole(after), `${when}: nothing is pending in what is read again`);
    demand((await room.statistics()).document.readOnly === null, `${when}: what is read again can be edited`);
    demand(sameHistory(before, after), `${when}: the room is the same when it is read again`);
    const shownAfter = await this.#readRoots(roots);
    for (const [root, value] of shown) {
      demand(shownAfter.get(root) === value, `${when}: ${root} reads the same when it is read again`);
    }
  }

  async #readRoots(names: readonly string[]): Promise<Map<string, string>> {
    const read = new Map<string, string>();
    for (const name of names.slice(0, READABLE_ROOTS)) {
      for (const kind of KINDS) {
        // What a root holds can't be read as every kind.
        const value = await this.room.getJson({ [name]: kind }).catch(() => null);
        read.set(`${name} as ${kind}`, JSON.stringify(inOrder(value)));
      }
    }
    return read;
  }

  /** The same, of what the bystander was sent. */
  #readMirror(names: readonly string[]): Map<string, string> {
    const read = new Map<string, string>();
    for (const name of names.slice(0, READABLE_ROOTS)) {
      for (const kind of KINDS) {
        let value: unknown = null;
        try {
          value = readRoots(this.mirror.doc, { [name]: kind });
        } catch {
          // As above.
        }
        read.set(`${name} as ${kind}`, JSON.stringify(inOrder(value)));
      }
    }
    return read;
  }

  close(): void {
    this.mirror.close();
    this.stock.close();
    this.#endOnlookers();
  }
}
