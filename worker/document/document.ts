import * as Y from "yjs";
import { type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import { decodeStateVector, type StructId } from "../../shared/frames.ts";
import { DELETION_RESERVE, INCOMPLETE_CLIENTS, NEARLY_FULL, ROOT_TYPES } from "../../shared/limits.ts";
import type { Roots, RootsAsJson } from "../../shared/rpc.ts";
import { IntegrationGuard } from "./integration-guard.ts";
import { readRoots } from "./root-json.ts";
import { type StoredDocument, StoredForm } from "./stored-form.ts";
import { addsStructs, changes, clockOf, firstMissing, splits, withoutKnown } from "./update-effect.ts";
import { readUpdateShape, type UpdateShape } from "./update-shape.ts";

/** What somebody wants in the document, or wanted and is to be refused in its turn. */
export type Edit = {
  /** Whose it is. After a refusal the further edits of an author are taken whole or refused: see `whole`. */
  readonly author: object;
  /** Whether to refuse it when the document lacks something that it refers to, instead of dropping that part. */
  readonly whole: boolean;
} & (
  | {
      readonly update: Uint8Array;
      /** With which code to refuse it if it would change something; `null` when its author may write. */
      readonly denied: ErrorCode | null;
    }
  | { readonly refusal: RoomfulError }
);

/** What became of one edit. */
export type Outcome =
  /** All of it is in the document. */
  | { readonly kind: "applied" }
  /** The part that refers to what the document lacks, `missing` among it, was dropped; the rest is in the document. */
  | { readonly kind: "incomplete"; readonly missing: StructId }
  /** Nothing of it is in the document. */
  | { readonly kind: "refused"; readonly refusal: RoomfulError };

/** What an edit made the room do. */
export interface Work {
  readonly items: number;
  /** Deletions, and structs without content. */
  readonly deletions: number;
  /** Steps of searches for the places of items. */
  readonly searchSteps: number;
  /** How often the document had to be read again because of it. */
  readonly loads: number;
}

/** What became of a window of edits. */
export interface Window {
  /** One for each edit, in their order. */
  readonly outcomes: readonly Outcome[];
  /** One for each edit, in their order. */
  readonly works: readonly Work[];
  /** What Yjs emitted: none when nothing changed, one as a rule, several when a throw split the window. */
  readonly updates: readonly Uint8Array[];
  /** How often memory had to be discarded and read again because an edit threw. */
  readonly taints: number;
}

export interface DocumentOptions {
  readonly read: () => StoredDocument;
  readonly unreadable: (cause: unknown) => void;
  readonly maxBytes: () => number;
}

const APPLIED: Outcome = { kind: "applied" };
const NO_WORK: Work = { items: 0, deletions: 0, searchSteps: 0, loads: 0 };

/** Bytes by which a document's encoded size grows, about, where a deletion splits a run. */
const BYTES_PER_SPLIT = 20;

/**
 * The room's Y.Doc: validates, applies, coalesces, encodes. Memory is a cache of what `read` returns; after any throw
 * inside Yjs it is discarded, since a transaction that threw leaves a document in an unknown state.
 */
export class RoomDocument {
  readonly #stored: StoredForm;
  readonly #unreadable: (cause: unknown) => void;
  readonly #readLimit: () => number;
  /** The encoded size above which an edit that adds something is refused, as it was when the last window was opened. */
  #limit = Number.POSITIVE_INFINITY;
  #doc: Y.Doc | undefined;
  #guard = new IntegrationGuard();
  #version = 0;
  #emitted: Uint8Array[] = [];
  /** Upper estimate of the encoded size: its last measurement and all that was taken since. */
  #bytes = 0;
  #bytesWhenMeasured = 0;
  /** Whether something was deleted since then: it may have been most of the size. */
  #mayHaveShrunk = false;
  /** Whether the open transaction deletes: what it deletes is only dropped when it ends. */
  #isDeleting = false;
  #loads = 0;

  /**
   * @param read returns everything that was emitted before, committed or not
   * @param unreadable is told when Yjs can't take what was read; the document is what came before that
   * @param maxBytes asked for each window: the encoded size above which an edit that adds something is refused
   */
  constructor({ read, unreadable, maxBytes }: DocumentOptions) {
    this.#stored = new StoredForm(() => this.#count(read()));
    this.#unreadable = unreadable;
    this.#readLimit = maxBytes;
  }

  get loaded(): boolean {
    return this.#doc !== undefined;
  }

  /** Another one whenever the content may be another. */
  get version(): number {
    return this.#version;
  }

  /** Upper estimate of the encoded size, as it was when it was last read; 0 before that. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether most of its limit is used, measured when a hundredth of the limit was added since the last time. */
  get isNearlyFull(): boolean {
    // What is stored may be less than it seems to be.
    if (this.#doc === undefined) return false;
    const limit = this.#limit * NEARLY_FULL;
    if (this.bytes > limit && this.#hasGrown) this.#setMeasured(Y.encodeStateAsUpdate(this.#doc).length);
    return this.bytes > limit;
  }

  /** Whether enough was added since the last measurement to be worth another one. */
  get #hasGrown(): boolean {
    return this.#bytes - this.#bytesWhenMeasured >= this.#limit / 100;
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
    // Inside the transaction, a failure to read it would pass for an edit's.
    this.#limit = this.#readLimit();
    const refusedAuthors = new Set<object>();
    try {
      return { ...this.#transact(edits, refusedAuthors), taints: 0 };
    } catch (cause) {
      if (!(cause instanceof Taint)) throw cause;
      this.discard();
      const refusal = refusalOf(cause);
      // Alone, it would throw again; only what searches cost is counted anew by a load.
      if (edits.length === 1 && refusal.code !== "update-too-costly") {
        return { outcomes: [refuse(refusal)], works: [{ ...NO_WORK, loads: 1 }], updates: [], taints: 1 };
      }
      return this.#applyOneByOne(edits);
    }
  }

  /** After a throw: each edit has a transaction of its own, so that only the culprit is refused. */
  #applyOneByOne(edits: readonly Edit[]): Window {
    const refusedAuthors = new Set<object>();
    const outcomes: Outcome[] = [];
    const works: Work[] = [];
    const updates: Uint8Array[] = [];
    let taints = 1;
    const costlyAuthors = new Set<object>();
    for (const edit of edits) {
      if (costlyAuthors.has(edit.author)) {
        // Each try could take seconds, and this author's connection ends after the window.
        outcomes.push(refuse(new RoomfulError("update-too-costly")));
        works.push(NO_WORK);
        continue;
      }
      this.#load();
      const { steps } = this.#guard;
      try {
        const one = this.#transact([edit], refusedAuthors);
        outcomes.push(...one.outcomes);
        works.push(...one.works);
        updates.push(...one.updates);
      } catch (cause) {
        if (!(cause instanceof Taint)) throw cause;
        taints++;
        const refusal = refusalOf(cause);
        if (refusal.code === "update-too-costly") costlyAuthors.add(edit.author);
        outcomes.push(refuse(refusal));
        // Everything was done twice for it: with the others of its window, and alone.
        works.push({ ...NO_WORK, searchSteps: 2 * (this.#guard.steps - steps), loads: 2 });
        refusedAuthors.add(edit.author);
        this.discard();
        if (updates.length > 0) this.#loadWith(updates);
      }
    }
    return { outcomes, works, updates, taints };
  }

  /** Reads storage, and applies what was emitted since and is in nobody else's hands yet. */
  #loadWith(updates: readonly Uint8Array[]): void {
    const doc = this.#load();
    this.#changed();
    this.#guard.count(() => replay(doc, updates));
    for (const update of updates) this.#bytes += update.length;
    this.#emitted = [];
  }

  #transact(edits: readonly Edit[], refusedAuthors: Set<object>): Omit<Window, "taints"> {
    if (!edits.some(needsDocument)) {
      const outcomes = edits.map((edit) => ("refusal" in edit ? refuse(edit.refusal) : APPLIED));
      return { outcomes, works: edits.map(() => NO_WORK), updates: [] };
    }
    const doc = this.#load();
    const outcomes: Outcome[] = [];
    const works: Work[] = [];
    this.#emitted = [];
    try {
      this.#guard.enforce(doc, () =>
        relay(doc, () => {
          for (const edit of edits) {
            const whole = edit.whole || refusedAuthors.has(edit.author);
            const { steps } = this.#guard;
            const { outcome, shape } = this.#applyEdit(doc, { ...edit, whole });
            if (outcome.kind === "refused") refusedAuthors.add(edit.author);
            outcomes.push(outcome);
            works.push(workOf(shape, this.#guard.steps - steps));
          }
        }),
      );
    } catch (cause) {
      throw new Taint("Yjs threw", { cause });
    }
    if (this.#isDeleting) this.#mayHaveShrunk = true;
    this.#isDeleting = false;
    const updates = this.#emitted;
    this.#emitted = [];
    return { outcomes, works, updates };
  }

  #applyEdit(doc: Y.Doc, edit: Edit): { outcome: Outcome; shape: UpdateShape | null } {
    if ("refusal" in edit) return { outcome: refuse(edit.refusal), shape: null };
    let shape: UpdateShape;
    try {
      shape = readUpdateShape(edit.update);
    } catch (refusal) {
      if (refusal instanceof RoomfulError) return { outcome: refuse(refusal), shape: null };
      throw refusal;
    }
    return { outcome: this.#applyShape(doc, edit, shape), shape };
  }

  #applyShape(doc: Y.Doc, edit: Extract<Edit, { update: Uint8Array }>, shape: UpdateShape): Outcome {
    const { update } = edit;
    const missing = firstMissing(doc, shape);
    const isChange = changes(doc, shape);
    const cuts = splits(doc, shape);
    const growth = update.length + BYTES_PER_SPLIT * cuts;
    const refusal = this.#refusalOf(doc, edit, { shape, missing, isChange, cuts, growth });
    if (refusal !== null) return refuse(refusal);
    const outcome: Outcome = missing === null ? APPLIED : { kind: "incomplete", missing };
    // Yjs may split items for an update that changes nothing, and is not to be given one.
    if (!isChange) return outcome;
    this.#changed();
    Y.applyUpdate(doc, withoutKnown(doc, update, shape));
    this.#bytes += growth;
    if (shape.deletions.length > 0) this.#isDeleting = true;
    const { store } = doc;
    if (missing === null && (store.pendingStructs !== null || store.pendingDs !== null)) {
      throw new Error("items that wait for each other");
    }
    store.pendingStructs = null;
    store.pendingDs = null;
    return outcome;
  }

  /** Why an edit must not be applied, or `null`. Changes nothing. */
  #refusalOf(
    doc: Y.Doc,
    { denied, whole }: Extract<Edit, { update: Uint8Array }>,
    { shape, missing, isChange, cuts, growth }: Prospect,
  ): RoomfulError | null {
    if (denied !== null && (missing !== null || isChange)) return new RoomfulError(denied);
    let rootsLeft = ROOT_TYPES - doc.share.size;
    for (const root of shape.roots) {
      if (!doc.share.has(root) && --rootsLeft < 0) {
        return new RoomfulError("invalid-update", `more than ${ROOT_TYPES} root types`);
      }
    }
    if (missing !== null && (whole || shape.structs.length > INCOMPLETE_CLIENTS)) {
      return new RoomfulError("missing-dependencies");
    }
    if (!isChange) return null;
    const isAddition = addsStructs(doc, shape);
    // Deletions that split nothing are taken by every document.
    if (!isAddition && cuts === 0) return null;
    const limit = isAddition ? this.#limit : this.#limit * DELETION_RESERVE;
    return this.#hasRoomFor(doc, growth, limit) ? null : new RoomfulError("document-full");
  }

  #hasRoomFor(doc: Y.Doc, bytes: number, maxBytes: number): boolean {
    if (this.#bytes + bytes <= maxBytes) return true;
    // The sum of updates overstates a document that merges well. Measuring costs its size, so it is done only when
    // something was deleted or a hundredth of the limit was added since.
    if (!this.#mayHaveShrunk && !this.#hasGrown) return false;
    this.#setMeasured(Y.encodeStateAsUpdate(doc).length);
    return this.#bytes + bytes <= maxBytes;
  }

  #setMeasured(bytes: number): void {
    this.#bytes = bytes;
    this.#bytesWhenMeasured = bytes;
    this.#mayHaveShrunk = false;
  }

  /** The document as one update, or what a peer with this state vector lacks of it. */
  encode(stateVector?: Uint8Array): Uint8Array {
    const doc = this.#load();
    if (stateVector !== undefined) decodeStateVector(stateVector);
    let update: Uint8Array;
    try {
      update = Y.encodeStateAsUpdate(doc, stateVector);
    } catch (cause) {
      this.discard();
      throw cause;
    }
    if (stateVector === undefined) this.#setMeasured(update.length);
    return update;
  }

  /** What a peer with this state vector lacks. Who has nothing is given what is stored, while that is the document. */
  encodeMissing(stateVector: Uint8Array): Uint8Array {
    const encoded = decodeStateVector(stateVector).size === 0 ? this.#stored.encode() : null;
    return encoded?.update ?? this.encode(stateVector);
  }

  /** Whether the document holds this clock. */
  has({ client, clock }: StructId): boolean {
    return clock < clockOf(this.#load(), client);
  }

  encodeStateVector(): Uint8Array {
    const encoded = this.#doc === undefined ? this.#stored.encode() : null;
    return encoded?.stateVector ?? Y.encodeStateVector(this.#load());
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
    this.#version++;
    this.#stored.forget();
  }

  #changed(): void {
    this.#version++;
    this.#stored.outdated();
  }

  /** Only the snapshot's size is known; the log's is what a measurement may find to be less. @returns what was given */
  #count(stored: StoredDocument): StoredDocument {
    this.#setMeasured(stored.snapshot?.state.length ?? 0);
    for (const update of stored.updates) this.#bytes += update.length;
    this.#mayHaveShrunk = stored.updates.length > 0;
    return stored;
  }

  #load(): Y.Doc {
    if (this.#doc !== undefined) return this.#doc;
    const stored = this.#stored.read();
    const updates = stored.snapshot === null ? stored.updates : [stored.snapshot.state, ...stored.updates];
    let doc = new Y.Doc();
    this.#guard = new IntegrationGuard();
    try {
      this.#guard.count(() => replay(doc, updates));
    } catch (cause) {
      this.#changed();
      doc = replayUntilThrow(updates);
      this.#unreadable(cause);
    }
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
      this.#changed();
      // Kept, it would reach clients as if it were part of the document.
      doc.store.pendingStructs = null;
      doc.store.pendingDs = null;
      this.#unreadable(new Error("an update refers to what is not there"));
    }
    doc.on("update", (update: Uint8Array) => this.#emitted.push(update));
    this.#loads++;
    this.#doc = doc;
    return doc;
  }
}

/** Whether what becomes of an edit depends on the document. Who was asked and has nothing answers without content. */
export function needsDocument(edit: Edit): boolean {
  return "update" in edit && !(edit.update.length === 2 && edit.update[0] === 0 && edit.update[1] === 0);
}

function refusalOf({ cause }: Taint): RoomfulError {
  return cause instanceof RoomfulError ? cause : new RoomfulError("invalid-update", "it threw when applied", { cause });
}

function refuse(refusal: RoomfulError): Outcome {
  return { kind: "refused", refusal };
}

function workOf(shape: UpdateShape | null, searchSteps: number): Work {
  if (shape === null) return NO_WORK;
  return { items: shape.items, deletions: shape.deletions.length + shape.gaps, searchSteps, loads: 0 };
}

/** What an update would do to the document. */
interface Prospect {
  readonly shape: UpdateShape;
  readonly missing: StructId | null;
  readonly isChange: boolean;
  /** How many runs it would split. */
  readonly cuts: number;
  /** Bytes by which the document may grow. */
  readonly growth: number;
}

/** Yjs threw inside a transaction: what is in memory can't be trusted. */
class Taint extends Error {}

function replay(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  relay(doc, () => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
}

/**
 * A transaction in which the room takes over what others wrote. Nobody observes the room's types, and what Yjs does for
 * observers it must not do here: it would remove redundant formatting as an edit of its own, while the room holds what
 * clients wrote and nothing else; and it would list every changed type with each of its ancestors, which a few nested
 * kilobytes turn into hundreds of megabytes.
 */
function relay(doc: Y.Doc, work: () => void): void {
  doc.transact((transaction) => {
    try {
      work();
    } finally {
      transaction.changed.clear();
    }
  });
}

/** The longest beginning of the updates that Yjs takes. */
function replayUntilThrow(updates: readonly Uint8Array[]): Y.Doc {
  const trial = new Y.Doc();
  let good = 0;
  try {
    for (const update of updates) {
      replay(trial, [update]);
      good++;
    }
  } catch {
    // The document in which it threw can't be used.
  }
  const doc = new Y.Doc();
  replay(doc, updates.slice(0, good));
  return doc;
}
