import * as Y from "yjs";
import {
  DELETION_RESERVE,
  HEAP_PER_BYTE,
  LASTING_BYTES_OF_AN_EDIT,
  LASTING_PART,
  NEARLY_FULL,
  SMALLEST_HEAP,
} from "../../shared/limits.ts";
import type { StoredDocument } from "../storage/stored-document.ts";
import { CLIENT } from "./heap-weights.ts";
import { readUpdateShape, type UpdateShape } from "./update-shape.ts";

/** Encoded bytes of a client id with its counts, among the structs and among the deletions. */
const CLIENT_BYTES = 16;

interface Weights {
  /** Bytes of heap, about. */
  readonly heap: number;
  /** Encoded bytes, about, that no deletion removes. */
  readonly lasting: number;
}

/** An edit by what it adds. */
export interface Growth extends Weights {
  readonly bytes: number;
  /** Deletions may exceed the limit. */
  readonly isAddition: boolean;
}

/** The growth that structs bring to a document that has some of their client ids. */
export function weigh({ heap, lasting, structs }: UpdateShape, doc: Y.Doc | null): Weights {
  let clients = 0;
  for (const { client } of structs) if (doc?.store.clients.has(client) !== true) clients++;
  return { heap: heap + CLIENT * clients, lasting: lasting + CLIENT_BYTES * clients };
}

/**
 * Upper estimates of a document's size against its limits: encoded bytes, heap, and what no deletion removes. Each is the last
 * measurement and all that was added since. The sums overstate a document that merges well, but a measurement encodes the
 * whole document. So the document is measured only when something was deleted, or when a hundredth of a limit was added.
 */
export class DocumentSize {
  /** The encoded size above which an edit that adds something is refused. The other limits follow from it. */
  limit = Number.POSITIVE_INFINITY;
  #bytes = 0;
  #heap = 0;
  #lasting = 0;
  #bytesWhenMeasured = 0;
  #heapWhenMeasured = 0;
  #lastingWhenMeasured = 0;
  /** Whether something was deleted since the measurement: it may have been most of the document. */
  #mayHaveShrunk = false;
  /** Whether the open transaction deletes. Yjs drops the deleted content when the transaction ends. */
  #isDeleting = false;

  get bytes(): number {
    return this.#bytes;
  }

  /** The used part of the limit that is nearest, as far as it was measured. */
  get fullness(): number {
    return Math.max(this.#bytes / this.limit, this.#heap / this.#heapLimit);
  }

  /** Starts from what is stored. Only the snapshot's size is known: a measurement may find the log to be smaller. */
  setStored({ snapshot, updates }: StoredDocument): void {
    this.setMeasured(snapshot?.state.length ?? 0);
    for (const update of updates) this.#bytes += update.length;
    this.#mayHaveShrunk = updates.length > 0;
  }

  /** Starts from what was loaded. Only the first update's weights are exact: each of the others counts what it repeats. */
  setLoaded([first, ...others]: readonly Uint8Array[]): void {
    const { heap, lasting } = first === undefined ? { heap: 0, lasting: 0 } : weightsOf(first);
    this.#heap = this.#heapWhenMeasured = heap;
    this.#lasting = this.#lastingWhenMeasured = lasting;
    for (const update of others) this.#addWeights(weightsOf(update));
  }

  setMeasured(bytes: number): void {
    this.#bytes = bytes;
    this.#bytesWhenMeasured = bytes;
    this.#mayHaveShrunk = false;
  }

  add(growth: Growth): void {
    this.#bytes += growth.bytes;
    this.#addWeights(growth);
  }

  /** The part of an edit that no deletion removes and that the document has enough of. */
  crowding(doc: Y.Doc, { lasting }: Growth): number {
    if (lasting === 0 || !this.#isCrowdedBy(lasting)) return 0;
    if (this.#hasGrown) this.#measure(doc);
    return this.#isCrowdedBy(lasting) ? lasting : 0;
  }

  markDeleting(): void {
    this.#isDeleting = true;
  }

  /** Marks the end of a transaction. */
  endTransaction(): void {
    if (this.#isDeleting) this.#mayHaveShrunk = true;
    this.#isDeleting = false;
  }

  /** Whether an update, known or new, is small enough in memory to be part of any document here. */
  canHold(shape: UpdateShape): boolean {
    return weigh(shape, null).heap <= this.#heapLimit;
  }

  /** Whether an edit fits below the limits, measured when that may help. */
  hasRoomFor(doc: Y.Doc, growth: Growth): boolean {
    if (this.#fits(growth)) return true;
    if (!this.#mayHaveShrunk && !this.#hasGrown) return false;
    this.#measure(doc);
    return this.#fits(growth);
  }

  /** Whether most of a limit is used, measured when enough was added since the last time. */
  isNearlyFull(doc: Y.Doc): boolean {
    if (this.fullness > NEARLY_FULL && this.#hasGrown) this.#measure(doc);
    return this.fullness > NEARLY_FULL;
  }

  get #heapLimit(): number {
    return Math.max(SMALLEST_HEAP, HEAP_PER_BYTE * this.limit);
  }

  get #hasGrown(): boolean {
    return (
      this.#bytes - this.#bytesWhenMeasured >= this.limit / 100 ||
      this.#heap - this.#heapWhenMeasured >= this.#heapLimit / 100 ||
      this.#lasting - this.#lastingWhenMeasured >= this.limit / 100
    );
  }

  #isCrowdedBy(lasting: number): boolean {
    return this.#lasting + lasting > this.limit * LASTING_PART;
  }

  #fits({ bytes, heap, lasting, isAddition }: Growth): boolean {
    if (!isAddition) return this.#bytes + bytes <= this.limit * DELETION_RESERVE;
    if (this.#bytes + bytes > this.limit || this.#heap + heap > this.#heapLimit) return false;
    return lasting <= LASTING_BYTES_OF_AN_EDIT || !this.#isCrowdedBy(lasting);
  }

  #addWeights({ heap, lasting }: Weights): void {
    this.#heap += heap;
    this.#lasting += lasting;
  }

  #measure(doc: Y.Doc): void {
    const update = Y.encodeStateAsUpdate(doc);
    this.setMeasured(update.length);
    this.setLoaded([update]);
  }
}

/** The weights of what the room stored or encoded. What can't be read is reported elsewhere, and counts as a whiteboard does. */
function weightsOf(update: Uint8Array): Weights {
  try {
    return weigh(readUpdateShape(update), null);
  } catch {
    return { heap: HEAP_PER_BYTE * update.length, lasting: 0 };
  }
}
