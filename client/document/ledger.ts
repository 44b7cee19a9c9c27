import * as Y from "yjs";

/** Deleted content: for each Yjs client id, runs of clocks. Sorted, and without overlaps. */
export type DeleteSet = ReturnType<typeof Y.createDeleteSet>;

/** Content of a document that the room has not acknowledged. */
export interface Unsaved {
  /** For each client id of which something is unsaved, the first clock that is; all that follow are too. */
  readonly from: ReadonlyMap<number, number>;
  readonly deletions: DeleteSet;
}

/** Transactions whose deletions are held apart. */
const MANY_DELETIONS = 100;

/** Unsaved content that goes to the room in one frame. */
interface Layer {
  /** The number of the first edit in it; infinite when there is none. */
  firstEdit: number;
  /** Inserted and deleted clocks. */
  changes: number;
  /** For each client id of which something is in it, the first clock that is. */
  readonly from: Map<number, number>;
  readonly deletions: DeleteSet[];
}

/**
 * Which content of a document the room has not acknowledged. It is held in layers, one per frame on the present socket
 * and one for what was not sent: a frame always carries everything that is unsaved and in no earlier frame.
 */
export class Ledger {
  readonly #doc: Y.Doc;
  #unsent: Layer = emptyLayer();
  /** By frame number, ascending. */
  readonly #sent = new Map<number, Layer>();
  readonly #refused: Layer[] = [];
  #frames = 0;
  #savedFrame = 0;
  #edits = 0;

  /** All that is in the document already is unsaved. */
  constructor(doc: Y.Doc) {
    this.#doc = doc;
    this.addEverything();
  }

  /** Takes something of the document as unsaved. */
  add({ from, deletions }: Unsaved): void {
    const layer = this.#unsent;
    for (const [client, clock] of from) {
      if (clock >= Y.getState(this.#doc.store, client)) continue;
      layer.from.set(client, Math.min(layer.from.get(client) ?? clock, clock));
    }
    const all = Y.mergeDeleteSets([...layer.deletions, deletions]);
    layer.deletions.splice(0, layer.deletions.length, all);
    layer.changes = this.#countInserted(layer.from) + sizeOf(all);
    if (layer.changes > 0) layer.firstEdit = Math.min(layer.firstEdit, ++this.#edits);
  }

  /** Takes the whole document as unsaved. */
  addEverything(): void {
    const { ds, sv } = Y.snapshot(this.#doc);
    this.add({ from: new Map([...sv.keys()].map((client) => [client, 0])), deletions: ds });
  }

  /** How much is unsaved: one for each inserted or deleted character, element or entry. */
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

  /** Adds what a transaction changed. */
  record({ beforeState, afterState, deleteSet }: Y.Transaction): void {
    const layer = this.#unsent;
    for (const [client, clock] of afterState) {
      const before = beforeState.get(client) ?? 0;
      if (clock <= before) continue;
      layer.changes += clock - before;
      layer.from.set(client, Math.min(layer.from.get(client) ?? before, before));
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

  /** To be called when a socket opened: frames are counted from 1 again, and nothing of the unsaved was sent on it. */
  restartFrames(): void {
    this.#frames = 0;
    this.#savedFrame = 0;
    this.#unsend();
  }

  /**
   * Compares with the state vector that the room sent. It may have lost what it never committed, so that content of
   * others becomes this client's to save. Nothing becomes saved: what a room has is not always committed.
   */
  compareWithRoom(stateVector: ReadonlyMap<number, number>): void {
    this.#unsend();
    const layer = this.#unsent;
    for (const client of this.#doc.store.clients.keys()) {
      const clock = Y.getState(this.#doc.store, client);
      const known = stateVector.get(client) ?? 0;
      if (known < clock) layer.from.set(client, Math.min(layer.from.get(client) ?? known, known));
    }
    layer.changes = this.#countInserted(layer.from);
    for (const deletions of layer.deletions) layer.changes += sizeOf(deletions);
    if (layer.changes > 0) layer.firstEdit = Math.min(layer.firstEdit, ++this.#edits);
  }

  /** To be called when a frame with all that is unsent is sent. @returns the frame's number */
  markSent(): number {
    const frame = ++this.#frames;
    this.#sent.set(frame, this.#unsent);
    this.#unsent = emptyLayer();
    return frame;
  }

  /** The room has committed every frame up to this one that it did not reject. */
  markSaved(frame: number): void {
    this.#savedFrame = Math.max(this.#savedFrame, frame);
    for (const sent of this.#sent.keys()) if (sent <= frame) this.#sent.delete(sent);
  }

  /** The room keeps nothing of a frame: what is in it stays unsaved. */
  markRejected(frame: number): void {
    const layer = this.#sent.get(frame);
    this.#sent.delete(frame);
    if (layer !== undefined) this.#refused.push(layer);
  }

  /** What is unsaved. */
  get content(): Unsaved {
    const from = new Map<number, number>();
    const deletions: DeleteSet[] = [];
    for (const layer of this.#unsavedLayers()) {
      deletions.push(...layer.deletions);
      for (const [client, clock] of layer.from) from.set(client, Math.min(from.get(client) ?? clock, clock));
    }
    return { from, deletions: Y.mergeDeleteSets(deletions) };
  }

  /** What is unsaved, as an update. It holds all deletions: Yjs has no way to leave out the known ones. */
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

  /** Puts what was sent and not acknowledged back to what has to be sent. */
  #unsend(): void {
    for (const layer of this.#sent.values()) {
      for (const [client, clock] of layer.from) {
        this.#unsent.from.set(client, Math.min(this.#unsent.from.get(client) ?? clock, clock));
      }
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

/** The number of clocks in a set. */
export function sizeOf(set: DeleteSet): number {
  let size = 0;
  for (const runs of set.clients.values()) for (const { len } of runs) size += len;
  return size;
}
