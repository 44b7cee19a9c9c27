import * as Y from "yjs";
import { type ErrorCode, RoomfulError } from "../shared/errors.ts";
import { decodeStateVector } from "../shared/frames.ts";
import { ROOT_TYPES } from "../shared/limits.ts";
import type { Roots, RootsAsJson } from "../shared/rooms.ts";
import { readRoots } from "./root-json.ts";
import { readUpdateShape, type UpdateShape } from "./update-shape.ts";

/** One update that somebody wants in the document. */
export interface Edit {
  readonly update: Uint8Array;
  /** With which code to refuse it if it would change something; `null` when its author may write. */
  readonly denied: ErrorCode | null;
  /** Whether to refuse it when the document lacks something that it refers to, instead of dropping that part. */
  readonly whole: boolean;
}

/** What became of one edit. */
export type Outcome =
  /** All of it is in the document. */
  | { readonly kind: "applied" }
  /** The part that refers to what the document lacks was dropped, the rest is in the document. */
  | { readonly kind: "incomplete" }
  /** Nothing of it is in the document. */
  | { readonly kind: "refused"; readonly refusal: RoomfulError };

/** What became of a window of edits. */
export interface Window {
  /** One for each edit, in their order. */
  readonly outcomes: readonly Outcome[];
  /** What Yjs emitted: none when nothing changed, one as a rule, several when a throw split the window. */
  readonly updates: readonly Uint8Array[];
  /** How often memory had to be discarded and read again because an edit threw. */
  readonly taints: number;
}

/** What storage holds of a document. */
export interface StoredDocument {
  readonly snapshot: Uint8Array | null;
  readonly updates: readonly Uint8Array[];
}

const APPLIED: Outcome = { kind: "applied" };
const INCOMPLETE: Outcome = { kind: "incomplete" };

/**
 * The room's Y.Doc: validates, applies, coalesces, encodes. Memory is a cache of what `read` returns; after any throw
 * inside Yjs it is discarded, since a transaction that threw leaves a document in an unknown state.
 */
export class RoomDocument {
  readonly #read: () => StoredDocument;
  readonly #maxBytes: number;
  #doc: Y.Doc | undefined;
  #emitted: Uint8Array[] = [];
  /** Upper estimate of the encoded size: its last measurement and all that was emitted since. */
  #bytes = 0;
  #bytesWhenMeasured = 0;
  /** Clocks deleted since then: what they held may have been most of the size. */
  #deletedSinceMeasured = 0;
  #loads = 0;

  /**
   * @param read returns everything that was emitted before, committed or not
   * @param maxBytes encoded size above which an edit that adds something is refused
   */
  constructor(read: () => StoredDocument, maxBytes: number) {
    this.#read = read;
    this.#maxBytes = maxBytes;
  }

  get loaded(): boolean {
    return this.#doc !== undefined;
  }

  /** Times the document was read from storage. */
  get loads(): number {
    return this.#loads;
  }

  /**
   * Applies a window of edits in one transaction, each validated just before its own apply, since it may depend on the
   * edit before it.
   */
  apply(edits: readonly Edit[]): Window {
    try {
      return { ...this.#transact(edits), taints: 0 };
    } catch (cause) {
      if (cause instanceof Taint) return this.#applyOneByOne(edits);
      throw cause;
    }
  }

  /** After a throw: each edit has a transaction of its own, so that only the culprit is refused. */
  #applyOneByOne(edits: readonly Edit[]): Window {
    const outcomes: Outcome[] = [];
    const updates: Uint8Array[] = [];
    let taints = 1;
    this.discard();
    for (const edit of edits) {
      try {
        const one = this.#transact([edit]);
        outcomes.push(...one.outcomes);
        updates.push(...one.updates);
      } catch (cause) {
        if (!(cause instanceof Taint)) throw cause;
        taints++;
        outcomes.push({
          kind: "refused",
          refusal: new RoomfulError("invalid-update", "it threw when applied", { cause }),
        });
        this.discard();
        // What the edits before it emitted is in nobody else's hands yet.
        replay(this.#load(), updates);
        this.#emitted = [];
      }
    }
    return { outcomes, updates, taints };
  }

  #transact(edits: readonly Edit[]): Omit<Window, "taints"> {
    const doc = this.#load();
    const outcomes: Outcome[] = [];
    this.#emitted = [];
    try {
      doc.transact((transaction) => {
        for (const edit of edits) outcomes.push(this.#applyEdit(doc, edit));
        onlyRelay(transaction);
      });
    } catch (cause) {
      throw new Taint("Yjs threw", { cause });
    }
    const updates = this.#emitted;
    this.#emitted = [];
    for (const update of updates) this.#bytes += update.length;
    return { outcomes, updates };
  }

  #applyEdit(doc: Y.Doc, edit: Edit): Outcome {
    try {
      this.#check(doc, edit);
    } catch (refusal) {
      if (!(refusal instanceof RoomfulError)) throw refusal;
      return { kind: "refused", refusal };
    }
    Y.applyUpdate(doc, edit.update);
    const { store } = doc;
    if (store.pendingStructs === null && store.pendingDs === null) return APPLIED;
    store.pendingStructs = null;
    store.pendingDs = null;
    return INCOMPLETE;
  }

  /** Throws the refusal of an edit that must not be applied. Changes nothing. */
  #check(doc: Y.Doc, edit: Edit): void {
    const shape = readUpdateShape(edit.update);
    if (edit.denied !== null && changes(doc, shape)) throw new RoomfulError(edit.denied);
    for (const root of shape.roots) {
      if (doc.share.size >= ROOT_TYPES && !doc.share.has(root)) {
        throw new RoomfulError("invalid-update", `more than ${ROOT_TYPES} root types`);
      }
    }
    if (edit.whole && lacksDependencies(doc, shape)) throw new RoomfulError("missing-dependencies");
    if (addsStructs(doc, shape) && !this.#hasRoomFor(doc, edit.update.length)) throw new RoomfulError("document-full");
  }

  #hasRoomFor(doc: Y.Doc, bytes: number): boolean {
    if (this.#bytes + bytes <= this.#maxBytes) return true;
    // The sum of updates overstates a document that merges well. Measuring costs its size, so it is done once per
    // hundredth of the limit that was added or deleted.
    const turnover = this.#bytes - this.#bytesWhenMeasured + this.#deletedSinceMeasured;
    if (turnover < this.#maxBytes / 100) return false;
    this.#setBytes(Y.encodeStateAsUpdate(doc).length);
    return this.#bytes + bytes <= this.#maxBytes;
  }

  #setBytes(bytes: number): void {
    this.#bytes = bytes;
    this.#bytesWhenMeasured = bytes;
    this.#deletedSinceMeasured = 0;
  }

  /** The document as one update, or what a peer with this state vector lacks of it. */
  encode(stateVector?: Uint8Array): Uint8Array {
    const doc = this.#load();
    if (stateVector !== undefined) decodeStateVector(stateVector);
    const update = Y.encodeStateAsUpdate(doc, stateVector);
    if (stateVector === undefined) this.#setBytes(update.length);
    return update;
  }

  encodeStateVector(): Uint8Array {
    return Y.encodeStateVector(this.#load());
  }

  /** The named roots as JSON. @throws RoomfulError `invalid-argument` */
  toJson<Asked extends Roots>(roots: Asked): RootsAsJson<Asked> {
    return readRoots(this.#load(), roots);
  }

  /** Reads storage if memory is empty. @throws what `read` throws */
  ensureLoaded(): void {
    this.#load();
  }

  /** Forgets what is in memory; the next use reads storage again. */
  discard(): void {
    this.#doc?.destroy();
    this.#doc = undefined;
    this.#emitted = [];
  }

  #load(): Y.Doc {
    if (this.#doc !== undefined) return this.#doc;
    const stored = this.#read();
    const doc = new Y.Doc();
    replay(doc, stored.snapshot === null ? stored.updates : [stored.snapshot, ...stored.updates]);
    // Left over only where a damaged record is missing; kept, it would reach clients as if it were whole.
    doc.store.pendingStructs = null;
    doc.store.pendingDs = null;
    doc.on("update", (update: Uint8Array, _origin: unknown, _doc: Y.Doc, { deleteSet }: Y.Transaction) => {
      this.#emitted.push(update);
      for (const ranges of deleteSet.clients.values()) {
        for (const { len } of ranges) this.#deletedSinceMeasured += len;
      }
    });
    this.#loads++;
    this.#setBytes((stored.snapshot?.length ?? 0) + stored.updates.reduce((sum, update) => sum + update.length, 0));
    this.#doc = doc;
    return doc;
  }
}

/** Yjs threw inside a transaction: what is in memory can't be trusted. */
class Taint extends Error {}

function replay(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  doc.transact((transaction) => {
    for (const update of updates) Y.applyUpdate(doc, update);
    onlyRelay(transaction);
  });
}

/**
 * After a transaction of others Yjs removes redundant formatting from rich text, as an edit of its own. Clients do that;
 * the room holds what they wrote and nothing else.
 */
function onlyRelay(transaction: Y.Transaction): void {
  transaction.local = true;
}

function clockOf(doc: Y.Doc, client: number): number {
  const last = doc.store.clients.get(client)?.at(-1);
  return last === undefined ? 0 : last.id.clock + last.length;
}

function addsStructs(doc: Y.Doc, shape: UpdateShape): boolean {
  return shape.structs.some((range) => range.end > clockOf(doc, range.client));
}

/** Whether applying the update would add a struct or delete one. What the document lacks it can't delete. */
function changes(doc: Y.Doc, shape: UpdateShape): boolean {
  if (addsStructs(doc, shape)) return true;
  return shape.deletions.some(({ client, clock, length }) => {
    const structs = doc.store.clients.get(client);
    const end = Math.min(clock + length, clockOf(doc, client));
    if (structs === undefined || clock >= end) return false;
    for (let index = Y.findIndexSS(structs, clock); index < structs.length; index++) {
      const struct = structs[index];
      if (struct === undefined || struct.id.clock >= end) return false;
      if (!struct.deleted) return true;
    }
    return false;
  });
}

/** Whether the update refers to anything that is neither in the document nor in itself. */
function lacksDependencies(doc: Y.Doc, shape: UpdateShape): boolean {
  const ends = new Map<number, number>();
  for (const range of shape.structs) {
    const clock = clockOf(doc, range.client);
    if (range.start > clock || (range.gapEnd > clock && range.gapEnd > range.start)) return true;
    ends.set(range.client, Math.max(clock, range.end));
  }
  const endOf = (client: number) => ends.get(client) ?? clockOf(doc, client);
  for (const [client, clock] of shape.references) if (clock >= endOf(client)) return true;
  return shape.deletions.some(({ client, clock, length }) => clock + length > endOf(client));
}
