import * as Y from "yjs";
import { type DeleteSet, sizeOf, subtract } from "./id-sets.ts";

/** Content of the document: a state vector, and what is deleted. */
export type Content = Y.Snapshot;

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

  /** @param acknowledged what the room is known to have; of a new document, nothing */
  constructor(doc: Y.Doc, acknowledged: Content = Y.emptySnapshot) {
    this.#doc = doc;
    this.load(acknowledged);
  }

  /** Takes the whole document as unsaved but for what was acknowledged. */
  load(acknowledged: Content): void {
    const { ds, sv } = Y.snapshot(this.#doc);
    // Who waits for an edit that was made before waits for it still.
    const firstUnsaved = this.savedEdits + 1;
    this.#sent.clear();
    this.#unsent = emptyLayer();
    const missing = subtract(ds, acknowledged.ds);
    if (missing.clients.size > 0) this.#unsent.deletions.push(missing);
    for (const [client, clock] of sv) {
      const known = acknowledged.sv.get(client) ?? 0;
      if (known < clock) this.#unsent.from.set(client, known);
    }
    this.#unsent.changes = sizeOf(missing) + this.#countInserted(this.#unsent.from);
    if (this.#unsent.changes === 0) return;
    this.#edits++;
    this.#unsent.firstEdit = firstUnsaved;
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
    }
    layer.firstEdit = Math.min(layer.firstEdit, ++this.#edits);
  }

  /** To be called when a socket opened: frames are counted from 1 again, and nothing of the unsaved was sent on it. */
  opened(): void {
    this.#frames = 0;
    this.#savedFrame = 0;
    this.#unsend();
  }

  /**
   * Compares with the state vector that the room sent. It may have lost what it never committed, so that content of
   * others becomes this client's to save. Nothing becomes saved: what a room has is not always committed.
   */
  roomHas(stateVector: ReadonlyMap<number, number>): void {
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
  sent(): number {
    const frame = ++this.#frames;
    this.#sent.set(frame, this.#unsent);
    this.#unsent = emptyLayer();
    return frame;
  }

  /** The room has committed every frame up to this one that it did not reject. */
  saved(frame: number): void {
    this.#savedFrame = Math.max(this.#savedFrame, frame);
    for (const sent of this.#sent.keys()) if (sent <= frame) this.#sent.delete(sent);
  }

  /** The room keeps nothing of a frame: what is in it stays unsaved. */
  rejected(frame: number): void {
    const layer = this.#sent.get(frame);
    this.#sent.delete(frame);
    if (layer !== undefined) this.#refused.push(layer);
  }

  /** What the room is known to have, as far as this document has it too. */
  acknowledged(): Content {
    const { ds, sv } = Y.snapshot(this.#doc);
    const deletions: DeleteSet[] = [];
    for (const layer of this.#unsavedLayers()) {
      deletions.push(...layer.deletions);
      for (const [client, clock] of layer.from) {
        const known = Math.min(sv.get(client) ?? 0, clock);
        if (known > 0) sv.set(client, known);
        else sv.delete(client);
      }
    }
    return Y.createSnapshot(subtract(ds, Y.mergeDeleteSets(deletions)), sv);
  }

  /** What is unsaved, as an update. It holds all deletions: Yjs has no way to leave out the known ones. */
  unsavedUpdate(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(this.acknowledged().sv));
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
