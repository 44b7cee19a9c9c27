import * as Y from "yjs";

/** Deleted content: for each Yjs client id, runs of clocks. Sorted, and without overlaps. */
export type DeleteSet = ReturnType<typeof Y.createDeleteSet>;

/** Content of a document that the room has not acknowledged. */
export interface Unsaved {
  /** The first unsaved clock of each client id with unsaved content. All clocks after it are unsaved too. */
  readonly from: ReadonlyMap<number, number>;
  readonly deletions: DeleteSet;
}

/** Unsaved clocks from `clock` up to, not including, `end`. */
export interface ClaimedRun {
  readonly client: number;
  readonly clock: number;
  readonly end: number;
}

/** Transactions whose deletions are held apart before they are merged. */
const MANY_DELETIONS = 100;

/** Unsaved content that goes to the room in one frame. */
interface Layer {
  /** The number of the first edit in it; infinite when there is none. */
  firstEdit: number;
  /** Inserted and deleted clocks. */
  changes: number;
  /** The first clock in this layer, of each client id. */
  readonly from: Map<number, number>;
  readonly deletions: DeleteSet[];
}

/**
 * The content of a document that the room has not acknowledged. The ledger holds it in layers, one per frame on the present
 * socket and one for unsent content. Each frame carries all content that is unsaved and in no earlier frame.
 */
export class Ledger {
  readonly #doc: Y.Doc;
  #unsent: Layer = emptyLayer();
  /** By frame number, ascending. */
  readonly #sent = new Map<number, Layer>();
  readonly #refused: Layer[] = [];
  /** Client ids whose unsaved content is known exactly: this document wrote it, or the browser stored it as unsaved. */
  readonly #written = new Set<number>();
  #frames = 0;
  #savedFrame = 0;
  #edits = 0;

  /** Counts the document's present content as unsaved. */
  constructor(doc: Y.Doc) {
    this.#doc = doc;
    this.addEverything();
  }

  /** Counts a part of the document as unsaved. */
  add(unsaved: Unsaved): void {
    for (const client of unsaved.from.keys()) this.#written.add(client);
    this.#add(unsaved);
  }

  #add({ from, deletions }: Unsaved): void {
    const layer = this.#unsent;
    for (const [client, clock] of from) {
      if (clock >= Y.getState(this.#doc.store, client)) continue;
      lowerClock(layer.from, client, clock);
    }
    const all = Y.mergeDeleteSets([...layer.deletions, deletions]);
    layer.deletions.splice(0, layer.deletions.length, all);
    layer.changes = this.#countInserted(layer.from) + sizeOf(all);
    if (layer.changes > 0) layer.firstEdit = Math.min(layer.firstEdit, ++this.#edits);
  }

  /** Counts the whole document as unsaved. */
  addEverything(): void {
    const { ds, sv } = Y.snapshot(this.#doc);
    this.#add({ from: new Map([...sv.keys()].map((client) => [client, 0])), deletions: ds });
  }

  /** The number of unsaved changes: one for each inserted or deleted character, element or entry. */
  get unsaved(): number {
    let changes = 0;
    for (const layer of this.#unsavedLayers()) changes += layer.changes;
    return changes;
  }

  /** The number of the last edit. */
  get edits(): number {
    return this.#edits;
  }

  /** Every edit up to this number is saved. */
  get savedEdits(): number {
    let firstUnsaved = this.#edits + 1;
    for (const layer of this.#unsavedLayers()) firstUnsaved = Math.min(firstUnsaved, layer.firstEdit);
    return firstUnsaved - 1;
  }

  /** The last frame that the room acknowledged on this socket. */
  get savedFrame(): number {
    return this.#savedFrame;
  }

  /** Adds the changes of a transaction. */
  record({ beforeState, afterState, deleteSet, local }: Y.Transaction): void {
    const layer = this.#unsent;
    for (const [client, clock] of afterState) {
      const before = beforeState.get(client) ?? 0;
      if (clock <= before) continue;
      layer.changes += clock - before;
      lowerClock(layer.from, client, before);
      if (local) this.#written.add(client);
    }
    if (deleteSet.clients.size > 0) {
      layer.deletions.push(deleteSet);
      layer.changes += sizeOf(deleteSet);
      if (layer.deletions.length > MANY_DELETIONS) {
        layer.deletions.splice(0, layer.deletions.length, Y.mergeDeleteSets(layer.deletions));
      }
    }
    layer.firstEdit = Math.min(layer.firstEdit, ++this.#edits);
  }

  /** Starts on a new socket: the room counts its frames from 1, and has received none. */
  restartFrames(): void {
    this.#frames = 0;
    this.#savedFrame = 0;
    this.#unsend();
  }

  /**
   * Adds the content that the room lacks by its state vector. A room may have lost content of others that it never committed,
   * which this client then has to save. Nothing becomes saved: a room may hold content that it has not committed.
   */
  compareWithRoom(stateVector: ReadonlyMap<number, number>): void {
    this.#unsend();
    const layer = this.#unsent;
    for (const client of this.#doc.store.clients.keys()) {
      const clock = Y.getState(this.#doc.store, client);
      const known = stateVector.get(client) ?? 0;
      if (known < clock) lowerClock(layer.from, client, known);
    }
    layer.changes = this.#countInserted(layer.from);
    for (const deletions of layer.deletions) layer.changes += sizeOf(deletions);
    if (layer.changes > 0) layer.firstEdit = Math.min(layer.firstEdit, ++this.#edits);
  }

  /**
   * The runs of unsaved clocks that this document wrote and that a state vector claims to have. The room received them, or holds
   * what somebody else said of these clocks.
   */
  claimedBy(stateVector: ReadonlyMap<number, number>): ClaimedRun[] {
    const runs: ClaimedRun[] = [];
    for (const client of this.#written) {
      let clock = Number.POSITIVE_INFINITY;
      for (const { from } of this.#unsavedLayers()) clock = Math.min(clock, from.get(client) ?? clock);
      const end = Math.min(stateVector.get(client) ?? 0, Y.getState(this.#doc.store, client));
      if (clock < end) runs.push({ client, clock, end });
    }
    return runs;
  }

  /** Records that a frame carried all unsent content. @returns the frame's number */
  markSent(): number {
    const frame = ++this.#frames;
    this.#sent.set(frame, this.#unsent);
    this.#unsent = emptyLayer();
    return frame;
  }

  /** Records that the room has committed every frame up to this one, except those that it rejected. */
  markSaved(frame: number): void {
    this.#savedFrame = Math.max(this.#savedFrame, frame);
    for (const sent of this.#sent.keys()) if (sent <= frame) this.#sent.delete(sent);
  }

  /** Records that the room keeps nothing of a frame: its content stays unsaved. */
  markRejected(frame: number): void {
    const layer = this.#sent.get(frame);
    this.#sent.delete(frame);
    if (layer !== undefined) this.#refused.push(layer);
  }

  /** The unsaved content. */
  get content(): Unsaved {
    const from = new Map<number, number>();
    const deletions: DeleteSet[] = [];
    for (const layer of this.#unsavedLayers()) {
      deletions.push(...layer.deletions);
      for (const [client, clock] of layer.from) lowerClock(from, client, clock);
    }
    return { from, deletions: Y.mergeDeleteSets(deletions) };
  }

  /** The unsaved content as an update. It holds all deletions: Yjs has no way to leave out the known ones. */
  unsavedUpdate(): Uint8Array {
    const known = Y.snapshot(this.#doc).sv;
    for (const [client, clock] of this.content.from) known.set(client, Math.min(known.get(client) ?? 0, clock));
    return Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(known));
  }

  *#unsavedLayers(): Iterable<Layer> {
    yield* this.#refused;
    yield* this.#sent.values();
    yield this.#unsent;
  }

  /** Moves sent and unacknowledged content back to the unsent layer. */
  #unsend(): void {
    for (const layer of this.#sent.values()) {
      for (const [client, clock] of layer.from) lowerClock(this.#unsent.from, client, clock);
      this.#unsent.deletions.push(...layer.deletions);
      this.#unsent.changes += layer.changes;
      this.#unsent.firstEdit = Math.min(this.#unsent.firstEdit, layer.firstEdit);
    }
    this.#sent.clear();
  }

  #countInserted(from: ReadonlyMap<number, number>): number {
    let count = 0;
    for (const [client, clock] of from) count += Y.getState(this.#doc.store, client) - clock;
    return count;
  }
}

function emptyLayer(): Layer {
  return { firstEdit: Number.POSITIVE_INFINITY, changes: 0, from: new Map(), deletions: [] };
}

/** Lowers the first unsaved clock of a client id. */
export function lowerClock(from: Map<number, number>, client: number, clock: number): void {
  from.set(client, Math.min(from.get(client) ?? clock, clock));
}

/** The number of clocks in a set. */
export function sizeOf(set: DeleteSet): number {
  let size = 0;
  for (const runs of set.clients.values()) for (const { len } of runs) size += len;
  return size;
}
