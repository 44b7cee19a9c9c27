import * as Y from "yjs";
import { DELETION_RESERVE, NEARLY_FULL } from "../../shared/limits.ts";
import type { StoredDocument } from "../storage/stored-document.ts";

/**
 * Upper estimate of a document's encoded size, against the document's limit: the last measurement and all that was
 * added since. The sum overstates a document that merges well, but a measurement encodes the whole document. So the
 * document is measured only when something was deleted, or when a hundredth of the limit was added.
 */
export class DocumentSize {
  /** The encoded size above which an edit that adds something is refused. */
  limit = Number.POSITIVE_INFINITY;
  #bytes = 0;
  #bytesWhenMeasured = 0;
  /** Whether something was deleted since the measurement: it may have been most of the document. */
  #mayHaveShrunk = false;
  /** Whether the open transaction deletes. Yjs drops the deleted content when the transaction ends. */
  #isDeleting = false;

  get bytes(): number {
    return this.#bytes;
  }

  /** Starts from what is stored. Only the snapshot's size is known: a measurement may find the log to be smaller. */
  setStored({ snapshot, updates }: StoredDocument): void {
    this.setMeasured(snapshot?.state.length ?? 0);
    for (const update of updates) this.#bytes += update.length;
    this.#mayHaveShrunk = updates.length > 0;
  }

  setMeasured(bytes: number): void {
    this.#bytes = bytes;
    this.#bytesWhenMeasured = bytes;
    this.#mayHaveShrunk = false;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  markDeleting(): void {
    this.#isDeleting = true;
  }

  /** Marks the end of a transaction. */
  endTransaction(): void {
    if (this.#isDeleting) this.#mayHaveShrunk = true;
    this.#isDeleting = false;
  }

  /** Whether an edit fits below the limit, measured when that may help. @param isAddition deletions may exceed the limit */
  hasRoomFor(doc: Y.Doc, growth: number, isAddition: boolean): boolean {
    const limit = isAddition ? this.limit : this.limit * DELETION_RESERVE;
    if (this.#bytes + growth <= limit) return true;
    if (!this.#mayHaveShrunk && !this.#hasGrown) return false;
    this.#measure(doc);
    return this.#bytes + growth <= limit;
  }

  /** Whether most of the limit is used, measured when enough was added since the last time. */
  isNearlyFull(doc: Y.Doc): boolean {
    const limit = this.limit * NEARLY_FULL;
    if (this.#bytes > limit && this.#hasGrown) this.#measure(doc);
    return this.#bytes > limit;
  }

  get #hasGrown(): boolean {
    return this.#bytes - this.#bytesWhenMeasured >= this.limit / 100;
  }

  #measure(doc: Y.Doc): void {
    this.setMeasured(Y.encodeStateAsUpdate(doc).length);
  }
}
