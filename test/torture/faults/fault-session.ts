import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import { errorCodeOf } from "../../../shared/errors.ts";
import { docOf } from "../../support/documents.ts";
import { until } from "../../support/until.ts";
import { contains, sameDocument } from "../support/contains.ts";
import type { FaultKind } from "../support/fault.ts";
import type { TorturedRoom, TorturedServer } from "../support/tortured-server.ts";
import { demand, Violation } from "../support/violation.ts";
import { Editor, Promises } from "./editor.ts";

/** Milliseconds after which the rooms of these sessions are quiet. */
export const QUIET_MS = 40;

/** The people and the backend of one room in the scripted session, and what must be true of them all the time. */
export class FaultSession {
  readonly room: TorturedRoom;
  readonly ann: Editor;
  readonly bob: Editor;
  readonly cleo: Editor;
  /** What a backend brings in by RPC. */
  readonly backend: Uint8Array;
  /** What Ann's own text and what all markers together must be. */
  text = "";
  readonly markers = new Set<string>();
  readonly #promises = new Promises();
  readonly #server: TorturedServer;
  readonly #name: string;
  readonly #url: string;
  readonly #where: () => string;
  readonly #kind: FaultKind | null;
  readonly #patience: number;
  #backendWasTold = false;
  #wasStruck = false;
  /** Who is meant to be in the room. */
  readonly #here = new Set<Editor>();

  constructor(
    server: TorturedServer,
    url: string,
    name: string,
    { where, kind, patience }: { where: () => string; kind: FaultKind | null; patience: number },
  ) {
    this.#server = server;
    this.#name = name;
    this.#where = where;
    this.#kind = kind;
    this.#patience = patience;
    this.#url = `${url}/${name}`;
    this.room = server.room(name);
    this.ann = new Editor("ann", this.#url, "roomful.v1", this.#promises);
    this.bob = new Editor("bob", this.#url, "stock", this.#promises);
    this.cleo = new Editor("cleo", this.#url, "roomful.v1", this.#promises);
    const doc = new Y.Doc();
    doc.clientID = 5;
    doc.transact(() => {
      doc.getMap("backend").set("first", 1);
      doc.getArray("backend list").push(["second"]);
    });
    this.backend = Y.encodeStateAsUpdate(doc);
  }

  async enter(editor: Editor): Promise<void> {
    this.#here.add(editor);
    await editor.connect();
  }

  leave(editor: Editor): void {
    this.#here.delete(editor);
    editor.leave();
  }

  evict(): Promise<void> {
    return this.#server.evict(this.#name);
  }

  /** Whether the fault struck. */
  async struck(): Promise<boolean> {
    return this.#wasStruck || (await this.room.storageCalls()).happened;
  }

  /** A call from another Worker. @returns `undefined` when it was refused, which only a fault may lead to */
  async rpc<Value>(call: (room: TorturedRoom) => Promise<Value>): Promise<Value | undefined> {
    try {
      return await call(this.room);
    } catch (caught) {
      this.#demand(this.#kind !== null && (await this.struck()), `a call fails only because of a fault: ${caught}`);
      // A reset of the object is the platform's to tell.
      const isCoded = errorCodeOf(caught) !== undefined || this.#kind === "reset";
      this.#demand(isCoded, `a caller is told a code, not: ${caught}`);
      return undefined;
    }
  }

  /** A call that no fault is planted for, or no longer. */
  async #answer<Value>(call: (room: TorturedRoom) => Promise<Value>): Promise<Value> {
    try {
      return await call(this.room);
    } catch (caught) {
      throw new Violation(`${this.#where()}: a room that nothing fails answers, not: ${caught}`, { cause: caught });
    }
  }

  async applyFromBackend(): Promise<void> {
    const applied = await this.rpc((room) => room.applyUpdate(this.backend));
    if (applied === undefined) return;
    this.#backendWasTold = true;
    this.#promises.acknowledge(this.backend);
  }

  /** A read holds everything that was acknowledged before it. */
  async checkRead(): Promise<void> {
    const state = await this.rpc((room) => room.getState());
    if (state !== undefined) this.#checkPromises(docOf(state), "what a caller reads");
  }

  /** Waits for the snapshot that a quiet room writes, unless a fault came between. */
  async quietSnapshot(): Promise<void> {
    const deadline = Date.now() + this.#patience;
    while (!(await this.struck())) {
      // The fault may strike in between.
      const storage = (await this.rpc((room) => room.statistics()))?.storage;
      if (storage?.logBytesSinceSnapshot === 0 && storage.snapshotGeneration > 0) return;
      this.#demand(Date.now() < deadline, "a quiet room writes a snapshot");
      await pause(QUIET_MS / 2);
    }
  }

  /** Waits until nobody in the room is owed anything: all have the same document and all is saved, or are sent away. */
  async settle(): Promise<void> {
    const open = () => [...this.#here].filter(({ closed }) => closed === null);
    let compared: string | null = null;
    let same = false;
    const inStep = () => {
      const [first, ...others] = open();
      const now = open()
        .map(({ name, changes }) => `${name} ${changes}`)
        .join();
      if (now !== compared) same = others.every((other) => first !== undefined && inSameState(first.doc, other.doc));
      compared = now;
      return same;
    };
    const left = [this.ann, this.bob, this.cleo].filter((editor) => !this.#here.has(editor));
    try {
      await until(
        () =>
          this.#promises.broken.length > 0 ||
          (open().every(({ isServed }) => isServed) && left.every(({ closed }) => closed !== null) && inStep()),
        "",
        this.#patience,
      );
    } catch {
      const state = [this.ann, this.bob, this.cleo]
        .map(({ name, closed, unsaved }) => `${name} ${closed ?? `open, ${unsaved} unsaved`}`)
        .join("; ");
      throw new Violation(`${this.#where()}: nobody waits in vain: ${state}; in step: ${inStep()}`);
    }
    this.#demand(this.#promises.broken.length === 0, `${this.#promises.broken[0]}`);
    // Without an answer to its close, a client waits for seconds, until the platform gives up.
    const unanswered = left.filter(({ closed }) => closed?.startsWith("1006") && this.#kind !== "reset");
    this.#demand(unanswered.length === 0, `whoever leaves is let go: ${unanswered[0]?.name}`);
  }

  /** Whoever was sent away comes again, once each. */
  async comeBack(): Promise<void> {
    const away = [...this.#here].filter(({ closed }) => closed !== null);
    if (away.length === 0) return;
    this.#demand(await this.struck(), `nobody is sent away without a fault: ${away[0]?.closed}`);
    for (const editor of away) {
      // 44xx would be final: a stock client would never come again.
      const mayReturn = editor.closes.every((close) => !/^44\d\d /.test(close));
      this.#demand(mayReturn, `${editor.name} is told to come again: ${editor.closes.join(", ")}`);
      await editor.connect();
    }
  }

  /** Comes until everybody in the room is served. */
  async recover(): Promise<void> {
    const deadline = Date.now() + this.#patience;
    do {
      await this.comeBack();
      await this.settle();
    } while ([...this.#here].some(({ closed }) => closed !== null) && Date.now() < deadline);
    this.#demand(
      [...this.#here].every(({ closed }) => closed === null),
      "the room works again once the fault is gone",
    );
  }

  /** While storage fails: a newcomer is shown everything that was acknowledged, or sent away. */
  async visitWhileItFails(): Promise<void> {
    const visitor = new Editor("visitor", this.#url, "roomful.v1", this.#promises);
    if (!(await visitor.connect())) return;
    await until(() => visitor.closed !== null || visitor.isServed, "a visitor to be answered", this.#patience);
    const wasShown = visitor.closed === null;
    visitor.vanish();
    if (wasShown) this.#checkPromises(visitor.doc, "a newcomer while storage fails");
    this.#demand(this.#promises.broken.length === 0, `${this.#promises.broken[0]}`);
  }

  /** Takes the fault away; that it struck stays known. */
  async mend(): Promise<void> {
    this.#wasStruck = true;
    await this.room.plantFault(null);
  }

  /** The object crashes after the fault: what it kept must be all that it promised. Then everybody comes back. */
  async crash(): Promise<void> {
    await this.mend();
    await this.checkStorage();
  }

  /** Everybody vanishes, the object crashes, and what storage holds is compared with what was promised. */
  async checkStorage(): Promise<Uint8Array> {
    for (const editor of [this.ann, this.bob, this.cleo]) editor.vanish();
    await this.#server.abort(this.#name);
    const state = await this.#answer((room) => room.getState());
    const { document } = await this.#answer((room) => room.statistics());
    this.#demand(document.readOnly === null, "the room is not read-only after the fault");
    this.#checkPromises(docOf(state), "storage");
    return state;
  }

  /** Everybody is in step with the room and with the script. */
  async checkEnd(): Promise<void> {
    // One that has not struck by now would strike the checks.
    await this.mend();
    const state = await this.#answer((room) => room.getState());
    for (const editor of this.#here) {
      this.#demand(sameDocument(state, Y.encodeStateAsUpdate(editor.doc)), `${editor.name} has what the room has`);
    }
    const doc = docOf(state);
    this.#demand(doc.getText("ann").toString() === this.text, "the text is what was typed");
    const markers = doc.getArray("markers").toArray() as string[];
    this.#demand(
      markers.length === this.markers.size && markers.every((marker) => this.markers.has(marker)),
      `each marker is there once: ${markers}, not ${[...this.markers]}`,
    );
    this.#demand(sameDocument(await this.checkStorage(), state), "storage has what the room had");
  }

  #checkPromises(doc: Y.Doc, what: string): void {
    const lost = this.#promises.acknowledged.filter((update) => !contains(doc, update)).length;
    this.#demand(lost === 0, `${what} has everything that was acknowledged; ${lost} frames are not there`);
    const brought = [doc.getMap("backend").has("first"), doc.getArray("backend list").length === 1];
    this.#demand(brought[0] === brought[1], `${what} has all of the backend's update, or nothing of it`);
    this.#demand(!this.#backendWasTold || brought[0] === true, `${what} has the backend's update`);
  }

  #demand(holds: boolean, promise: string): asserts holds {
    demand(holds, `${this.#where()}: ${promise}`);
  }
}

function inSameState(one: Y.Doc, other: Y.Doc): boolean {
  return sameDocument(Y.encodeStateAsUpdate(one), Y.encodeStateAsUpdate(other));
}
