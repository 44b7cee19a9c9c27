import * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import { decodeStateVector, type StructId } from "../../shared/frames.ts";
import {
  INCOMPLETE_CLIENTS,
  MOVED_STRUCTS,
  ROOT_TYPES,
  STATE_VECTOR_ENTRIES,
  WINDOW_ITEMS,
  WINDOW_ITEMS_OF_ALL,
} from "../../shared/limits.ts";
import type { Roots, RootsAsJson } from "../../shared/rpc.ts";
import type { StoredDocument } from "../storage/stored-document.ts";
import { DocumentSize, type Growth, weigh } from "./document-size.ts";
import {
  APPLIED,
  type CountedWork,
  type Edit,
  itemsWorth,
  NO_WORK,
  needsDocument,
  type Outcome,
  POSTPONED,
  refuse,
  type UpdateEdit,
  type Window,
  type Work,
  workOf,
} from "./edit.ts";
import { IntegrationGuard } from "./integration-guard.ts";
import type { ReadMeter } from "./json-walk.ts";
import { contradictsKnown } from "./known-content.ts";
import { replay, replayUntilThrow, transactUnobserved } from "./replay.ts";
import { readRoots } from "./root-json.ts";
import { StoredCopy } from "./stored-copy.ts";
import { addsStructs, clockOf, countSplits, firstMissing, withoutKnown, wouldChange } from "./update-effect.ts";
import { readUpdateShape, UnusableUpdate, type UpdateShape } from "./update-shape.ts";

export interface DocumentOptions {
  /** Reads everything that was emitted before, committed or not. */
  readonly read: () => StoredDocument;
  /** Called when Yjs can't take what was read. The document is what came before that. */
  readonly reportUnreadable: (cause: unknown) => void;
  /** The encoded size above which an edit that adds something is refused. Asked for each window. */
  readonly maxBytes: () => number;
}

/** Deleted structs that are passed over in the time that one deletion takes. */
const PASSED_PER_DELETION = 25;

/** Bytes by which a deletion that splits a run makes the encoded document grow, about. */
const BYTES_PER_SPLIT = 20;

/**
 * The room's Y.Doc: validates, applies, coalesces, encodes. Memory is a cache of what `read` returns. It is discarded
 * after any throw inside Yjs, since a transaction that threw leaves a Y.Doc in an unknown state.
 */
export class RoomDocument {
  readonly #stored: StoredCopy;
  readonly #reportUnreadable: (cause: unknown) => void;
  readonly #maxBytes: () => number;
  readonly #size = new DocumentSize();
  #doc: Y.Doc | undefined;
  #guard = new IntegrationGuard();
  #version = 0;
  #emitted: Uint8Array[] = [];
  #loads = 0;
  /** Crowding by the edit that is being applied, see {@link Work.crowding}. */
  #crowding = 0;

  constructor({ read, reportUnreadable, maxBytes }: DocumentOptions) {
    this.#stored = new StoredCopy(() => {
      const stored = read();
      this.#size.setStored(stored);
      return stored;
    });
    this.#reportUnreadable = reportUnreadable;
    this.#maxBytes = maxBytes;
  }

  get loaded(): boolean {
    return this.#doc !== undefined;
  }

  /** A number that is another one whenever the content may be. */
  get version(): number {
    return this.#version;
  }

  /** Upper estimate of the encoded size; 0 before the first reading. */
  get bytes(): number {
    return this.#size.bytes;
  }

  /** The used part of the document's limits, as far as it was measured. */
  get fullness(): number {
    return this.#size.fullness;
  }

  /** Whether most of the limit is used. False until the document is loaded: its size in storage may be overstated. */
  get isNearlyFull(): boolean {
    return this.#doc !== undefined && this.#size.isNearlyFull(this.#doc);
  }

  /** Clients that ever wrote in the document; 0 while it is not loaded. Yjs looks at each of them in each transaction. */
  get clients(): number {
    return this.#doc?.store.clients.size ?? 0;
  }

  /** How often the document was loaded from storage. */
  get loads(): number {
    return this.#loads;
  }

  /**
   * Applies a window of edits in one transaction. Each edit is validated just before it is applied, since it may depend on
   * the edit before it.
   */
  apply(edits: readonly Edit[]): Window {
    // The limit is read before the transaction: a failure inside it would count against an edit.
    this.#size.limit = this.#maxBytes();
    try {
      return { ...this.#transact(edits, newPass()), taints: 0 };
    } catch (cause) {
      if (!(cause instanceof Taint)) throw cause;
      this.discard();
      const refusal = refusalOf(cause);
      // A lone edit would throw again.
      const culprit = cause.culprit ?? (edits.length === 1 ? 0 : null);
      if (culprit === null) return this.#applyInBatches(edits, oneByOne(edits));
      const before = edits.slice(0, culprit);
      if (cause.mayPass) return this.#applyInBatches(edits, [before, edits.slice(culprit, culprit + 1)]);
      return this.#applyInBatches(edits, [before], refuse(refusal), { ...NO_WORK, ...cause.counted, loads: 1 });
    }
  }

  /**
   * Applies edits of a window in which Yjs threw, each batch in a transaction of its own, until a lone edit throws. Only the culprit
   * is refused. The edits after it are postponed, so that a window loads the document a few times at most, whatever is in it.
   * @param culprit the outcome of the edit after the batches, if that is the culprit
   */
  #applyInBatches(
    edits: readonly Edit[],
    batches: readonly (readonly Edit[])[],
    culprit?: Outcome,
    culpritsWork: Work = NO_WORK,
  ): Window {
    const pass = newPass();
    let outcomes: readonly Outcome[] = [];
    let works: readonly Work[] = [];
    const updates: Uint8Array[] = [];
    let taints = 1;
    let last = culprit;
    let lastWork = culpritsWork;
    for (const batch of batches) {
      try {
        const taken = this.#transact(batch, pass);
        outcomes = outcomes.concat(taken.outcomes);
        works = works.concat(taken.works);
        updates.push(...taken.updates);
      } catch (cause) {
        if (!(cause instanceof Taint)) throw cause;
        taints++;
        this.discard();
        // Storage does not hold yet what this window emitted.
        if (updates.length > 0) this.#loadWith(updates);
        // These did not throw before, beside others. One of them is found alone.
        if (batch.length > 1) return this.#applyInBatches(edits, oneByOne(edits));
        last = refuse(refusalOf(cause));
        lastWork = twice(cause.counted);
        break;
      }
    }
    if (last !== undefined) {
      outcomes = outcomes.concat(last);
      works = works.concat(lastWork);
    }
    const postponed = edits.slice(outcomes.length);
    return {
      outcomes: outcomes.concat(postponed.map(() => POSTPONED)),
      works: works.concat(postponed.map(() => NO_WORK)),
      updates,
      taints,
    };
  }

  /** Loads the document and applies what this window emitted so far, which storage does not hold yet. */
  #loadWith(updates: readonly Uint8Array[]): void {
    const doc = this.#load();
    this.#markChanged();
    this.#guard.count(doc, () => replay(doc, updates));
    for (const update of updates) {
      this.#size.add({ bytes: update.length, ...weigh(readUpdateShape(update), null), isAddition: true });
    }
    this.#emitted = [];
  }

  #transact(edits: readonly Edit[], pass: Pass): Omit<Window, "taints"> {
    const { refusedAuthors, spent } = pass;
    if (!edits.some(needsDocument)) {
      const outcomes = edits.map((edit) => ("refusal" in edit ? refuse(edit.refusal) : APPLIED));
      return { outcomes, works: edits.map(() => NO_WORK), updates: [] };
    }
    const doc = this.#load();
    const outcomes: Outcome[] = [];
    const works: Work[] = [];
    const changed: number[] = [];
    this.#emitted = [];
    try {
      this.#guard.enforce(doc, () =>
        transactUnobserved(doc, () => {
          for (const [index, edit] of edits.entries()) {
            const spentBefore = spent.get(edit.author) ?? 0;
            if (spentBefore >= WINDOW_ITEMS || pass.spentByAll >= WINDOW_ITEMS_OF_ALL) {
              outcomes.push(POSTPONED);
              works.push(NO_WORK);
              changed.push(0);
              continue;
            }
            const whole = edit.whole || refusedAuthors.has(edit.author);
            this.#guard.begin(index, doc);
            const { outcome, work } = this.#applyEdit(doc, { ...edit, whole });
            if (outcome.kind === "refused") refusedAuthors.add(edit.author);
            outcomes.push(outcome);
            works.push(work);
            changed.push(this.#guard.changes);
            const worth = itemsWorth(work);
            spent.set(edit.author, spentBefore + worth);
            pass.spentByAll += worth;
          }
          this.#guard.begin(null, doc);
        }),
      );
    } catch (cause) {
      throw new Taint(cause, this.#guard);
    }
    this.#size.endTransaction();
    const updates = this.#emitted;
    this.#emitted = [];
    return { outcomes, works: shareMerging(works, changed, this.#guard.mergedStructs), updates };
  }

  #applyEdit(doc: Y.Doc, edit: Edit): { outcome: Outcome; work: Work } {
    if ("refusal" in edit) return { outcome: refuse(edit.refusal), work: NO_WORK };
    let shape: UpdateShape;
    try {
      shape = readUpdateShape(edit.update);
    } catch (refusal) {
      if (!(refusal instanceof UnusableUpdate)) throw refusal;
      return { outcome: refuse(refusal), work: { ...NO_WORK, checkedBytes: refusal.checkedBytes } };
    }
    this.#crowding = 0;
    const outcome = this.#applyShape(doc, edit, shape);
    return { outcome, work: workOf(shape, this.#guard.counted, this.#crowding) };
  }

  #applyShape(doc: Y.Doc, edit: UpdateEdit, shape: UpdateShape): Outcome {
    const { update } = edit;
    const missing = firstMissing(doc, shape);
    const isChange = wouldChange(doc, shape);
    const { count: splits, movedStructs, coveredStructs } = countSplits(doc, shape);
    // The room's content once more, as an answer to step 1 may hold it, is no growth.
    const added = isChange ? withoutKnown(doc, update, shape) : update;
    const growth = {
      bytes: added.length + BYTES_PER_SPLIT * splits,
      ...weigh(added === update ? shape : readUpdateShape(added), doc),
      isAddition: addsStructs(doc, shape),
    };
    const refusal = this.#refusalOf(doc, edit, { shape, missing, isChange, splits, growth });
    if (refusal !== null) return refuse(refusal);
    const outcome: Outcome = missing === null ? APPLIED : { kind: "incomplete", missing };
    if (!isChange) this.#guard.expect({ deletions: coveredStructs / PASSED_PER_DELETION, movedStructs: 0 }, 0);
    // Yjs may split items even for an update that changes nothing.
    if (!isChange) return outcome;
    // Nothing is thrown here, so that the document need not be loaded again.
    if (movedStructs > MOVED_STRUCTS) return refuse(new RoomfulError("update-too-costly"));
    this.#guard.expect(
      { deletions: coveredStructs, movedStructs },
      shape.deletions.reduce((sum, { length }) => sum + length, shape.items),
    );
    this.#markChanged();
    Y.applyUpdate(doc, added);
    this.#crowding = this.#size.crowding(doc, growth);
    this.#size.add(growth);
    if (shape.deletions.length > 0) this.#size.markDeleting();
    const { store } = doc;
    if (missing === null && (store.pendingStructs !== null || store.pendingDs !== null)) {
      throw new Error("items that wait for each other");
    }
    store.pendingStructs = null;
    store.pendingDs = null;
    return outcome;
  }

  /** Returns why an edit must not be applied, or `null`. Changes nothing. */
  #refusalOf(
    doc: Y.Doc,
    { update, denied, whole }: UpdateEdit,
    { shape, missing, isChange, splits, growth }: Prospect,
  ): RoomfulError | null {
    if (denied !== null && (missing !== null || isChange)) return new RoomfulError(denied);
    if (!this.#size.canHold(shape)) return new RoomfulError("document-full");
    if (contradictsKnown(doc, update, shape))
      return new RoomfulError("invalid-update", "known clocks with other content");
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
    // Even a full document takes deletions that split nothing.
    if (!growth.isAddition && splits === 0) return null;
    return this.#size.hasRoomFor(doc, growth) ? null : new RoomfulError("document-full");
  }

  /**
   * Encodes the document as one update, or the part of it that a peer with this state vector lacks.
   * @throws RoomfulError when the state vector is malformed
   */
  encode(stateVector?: Uint8Array): Uint8Array {
    const doc = this.#load();
    if (stateVector !== undefined) decodeStateVector(stateVector, STATE_VECTOR_ENTRIES + doc.store.clients.size);
    let update: Uint8Array;
    try {
      update = Y.encodeStateAsUpdate(doc, stateVector);
    } catch (cause) {
      this.discard();
      throw cause;
    }
    if (stateVector === undefined) this.#size.setMeasured(update.length);
    return update;
  }

  /**
   * Encodes what a peer with this state vector lacks. A peer that has nothing is served the stored bytes, while they are
   * equal to the document: no Y.Doc is loaded for it.
   */
  encodeMissing(stateVector: Uint8Array): Uint8Array {
    const snapshot = isEmptyStateVector(stateVector) ? this.#stored.fold() : null;
    return snapshot?.state ?? this.encode(stateVector);
  }

  /** Whether the document holds this clock. */
  has({ client, clock }: StructId): boolean {
    return clock < clockOf(this.#load(), client);
  }

  encodeStateVector(): Uint8Array {
    const snapshot = this.#doc === undefined ? this.#stored.fold() : null;
    return snapshot?.stateVector ?? Y.encodeStateVector(this.#load());
  }

  /**
   * Reads the named roots as JSON. The result shares plain values with the document and must not be changed.
   * @param meter counts what is read
   * @throws RoomfulError `invalid-argument`
   */
  toJson<Asked extends Roots>(roots: Asked, meter?: ReadMeter): RootsAsJson<Asked> {
    return readRoots(this.#load(), roots, meter);
  }

  /** Loads the document from storage if memory is empty. @throws what `read` throws */
  ensureLoaded(): void {
    this.#load();
  }

  /** Empties memory. The next use reads storage again. */
  discard(): void {
    this.#doc?.destroy();
    this.#doc = undefined;
    this.#emitted = [];
    this.#version++;
    this.#stored.forget();
  }

  #markChanged(): void {
    this.#version++;
    this.#stored.markOutdated();
  }

  #load(): Y.Doc {
    if (this.#doc !== undefined) return this.#doc;
    const stored = this.#stored.read();
    const updates = stored.snapshot === null ? stored.updates : [stored.snapshot.state, ...stored.updates];
    let doc = new Y.Doc();
    this.#guard = new IntegrationGuard();
    try {
      this.#guard.count(doc, () => replay(doc, updates));
    } catch (cause) {
      this.#markChanged();
      doc = replayUntilThrow(updates);
      this.#reportUnreadable(cause);
    }
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
      this.#markChanged();
      // Pending structs would reach clients as if they were part of the document.
      doc.store.pendingStructs = null;
      doc.store.pendingDs = null;
      this.#reportUnreadable(new Error("an update refers to what is not there"));
    }
    this.#size.setLoaded(updates);
    doc.on("update", (update: Uint8Array) => this.#emitted.push(update));
    this.#loads++;
    this.#doc = doc;
    return doc;
  }
}

function refusalOf({ cause }: Taint): RoomfulError {
  return cause instanceof RoomfulError ? cause : new RoomfulError("invalid-update", "it threw when applied", { cause });
}

function isEmptyStateVector(stateVector: Uint8Array): boolean {
  return stateVector.length === 1 && stateVector[0] === 0;
}

/** The effect that an update would have on the document. */
interface Prospect {
  readonly shape: UpdateShape;
  readonly missing: StructId | null;
  readonly isChange: boolean;
  /** How many runs it would split. */
  readonly splits: number;
  readonly growth: Growth;
}

/** Thrown when Yjs threw inside a transaction: the Y.Doc in memory can't be trusted. */
class Taint extends Error {
  /** The index of the edit during which it threw; `null` when it threw as the transaction ended. */
  readonly culprit: number | null;
  /** The work of Yjs for that edit. */
  readonly counted: CountedWork;
  /** Whether the edit may pass after a load, which counts the cost of all searches anew. */
  readonly mayPass: boolean;

  constructor(cause: unknown, { edit, counted, isExhausted }: IntegrationGuard) {
    super("Yjs threw", { cause });
    this.culprit = edit;
    this.counted = counted;
    this.mayPass = isExhausted && refusalOf(this).code === "update-too-costly";
  }
}

/** The state of one pass over a window, which may take several transactions. */
interface Pass {
  readonly refusedAuthors: Set<object>;
  /** Work that each author's edits made, in items. */
  readonly spent: Map<object, number>;
  spentByAll: number;
}

const newPass = (): Pass => ({ refusedAuthors: new Set(), spent: new Map(), spentByAll: 0 });

/** Edits of a window that are applied one by one: each is a transaction, and a frame for everybody. */
const ONE_BY_ONE = 100;

const oneByOne = (edits: readonly Edit[]): Edit[][] => edits.slice(0, ONE_BY_ONE).map((edit) => [edit]);

/** The work of an edit that threw beside others, and again alone. */
const twice = ({ deletions, searchSteps, movedStructs }: CountedWork): Work => ({
  ...NO_WORK,
  deletions: 2 * deletions,
  searchSteps: 2 * searchSteps,
  movedStructs: 2 * movedStructs,
  loads: 2,
});

/** Shifted structs that are worth a charge. */
const WORTH_CHARGING = 10_000;

/** Adds the structs that were shifted to merge neighbours to the works, in proportion to what each edit changed. */
function shareMerging(works: readonly Work[], changed: readonly number[], mergedStructs: number): readonly Work[] {
  if (mergedStructs < WORTH_CHARGING) return works;
  const each =
    mergedStructs /
    Math.max(
      1,
      changed.reduce((sum, changes) => sum + changes, 0),
    );
  return works.map((work, index) => ({ ...work, movedStructs: work.movedStructs + each * (changed[index] ?? 0) }));
}
