/**
 * Bounds the integration of updates where only the document shows the cost: how long Yjs searches for the place of an item
 * among concurrent ones, how many structs it shifts to split and merge runs, how deeply shared types nest, how many values a
 * key is given.
 *
 * Yjs has no hook there, so this module replaces `Item.integrate`, and `mergeWith` of items and of what was collected, for every
 * document of the isolate. Without a guard at work the replacements only call the originals.
 */
import * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import {
  MOVED_STRUCTS,
  SEARCH_STEPS,
  SEARCH_STEPS_AFTER_LOAD,
  SEARCH_STEPS_PER_UPDATE,
  TYPE_DEPTH,
} from "../../shared/limits.ts";
import type { CountedWork } from "./edit.ts";

/** Counts the searches and the shifted structs in one document, beginning with its load. */
export class IntegrationGuard {
  #spent = 0;
  #limit = SEARCH_STEPS;
  #steps = 0;
  #edit: number | null = null;
  #spentBefore = 0;
  #stepsBefore = 0;
  #splitStructs = 0;
  #changes = 0;
  /** Length of the transaction's list of structs to merge, to which each split adds one. */
  #splitsSeen = 0;
  #knownDeletions = 0;
  #merging: Merging | null = null;

  /** Steps that all searches took so far. The cost of crafted neighbours is higher, see {@link searchCost}. */
  get steps(): number {
    return this.#steps;
  }

  /** The edit that is integrated, by the number that it was begun with; after a throw the culprit. `null`: it can't be told. */
  get edit(): number | null {
    return this.#edit;
  }

  /** The work for the edit that was begun last. */
  get counted(): CountedWork {
    return {
      deletions: this.#knownDeletions,
      searchSteps: this.#steps - this.#stepsBefore,
      movedStructs: this.#splitStructs,
    };
  }

  /** Items and deleted clocks of the edit that was begun last; 0 when it changes nothing. */
  get changes(): number {
    return this.#changes;
  }

  /** Structs that were shifted to merge neighbours when the last transaction ended. */
  get mergedStructs(): number {
    return this.#merging?.movedStructs ?? 0;
  }

  /** Whether all searches together reached their bound. A load counts them anew, and may find fewer. */
  get isExhausted(): boolean {
    return this.#spent >= this.#limit;
  }

  /** Begins an edit, or with `null` the end of the transaction. */
  begin(edit: number | null, doc: Y.Doc): void {
    this.#edit = edit;
    this.#spentBefore = this.#spent;
    this.#stepsBefore = this.#steps;
    this.#splitStructs = 0;
    this.#changes = 0;
    this.#knownDeletions = 0;
    this.#splitsSeen = doc._transaction?._mergeStructs.length ?? 0;
  }

  /** Counts the work of the edit that was begun as far as it is known beforehand. */
  expect({ deletions, movedStructs }: Omit<CountedWork, "searchSteps">, changes: number): void {
    this.#knownDeletions = deletions;
    this.#splitStructs = movedStructs;
    this.#changes = changes;
  }

  /** Runs work that loads the document. Its searches are counted, never refused: a room must load what it once took. */
  count(doc: Y.Doc, work: () => void): void {
    this.#run(doc, work, (item) => {
      this.#spent += searchCost(item, Number.POSITIVE_INFINITY).cost;
    });
    this.#limit = Math.max(SEARCH_STEPS, this.#spent + SEARCH_STEPS_AFTER_LOAD);
  }

  /**
   * Runs work that integrates new updates.
   * @throws RoomfulError `update-too-costly` or `invalid-update`, during the work or after it
   */
  enforce(doc: Y.Doc, work: () => void): void {
    this.begin(null, doc);
    const keyedRuns: { readonly id: Y.ID; readonly length: number; readonly edit: number | null }[] = [];
    this.#run(doc, work, (item, transaction) => {
      const most = Math.min(this.#limit, this.#spentBefore + SEARCH_STEPS_PER_UPDATE);
      const { steps, cost } = searchCost(item, most - this.#spent);
      this.#steps += steps;
      this.#spent += cost;
      this.#countSplits(transaction);
      if (this.#spent > most || this.#splitStructs > MOVED_STRUCTS) {
        this.#spent = Math.min(this.#spent, most);
        throw new RoomfulError("update-too-costly");
      }
      if (item.content instanceof Y.ContentType && isTooDeep(item)) {
        throw new RoomfulError("invalid-update", "types nested too deeply");
      }
      if (item.parentSub !== null && item.length > 1)
        keyedRuns.push({ id: item.id, length: item.length, edit: this.#edit });
    });
    for (const { id, length, edit } of keyedRuns) {
      if (isDeleted(doc, id, length)) continue;
      this.#edit = edit;
      throw new RoomfulError("invalid-update", "a key with several values at once");
    }
  }

  /** Counts the structs that were shifted for the splits since the last item: those at which items of the update stand. */
  #countSplits({ doc, _mergeStructs: made }: Y.Transaction): void {
    for (; this.#splitsSeen < made.length; this.#splitsSeen++) {
      const id = made[this.#splitsSeen]?.id;
      const structs = id && doc.store.clients.get(id.client);
      if (id && structs) this.#splitStructs += structs.length - Y.findIndexSS(structs, id.clock);
    }
  }

  #run(doc: Y.Doc, work: () => void, inspector: Inspect): void {
    const outer = { inspect, merging };
    inspect = inspector;
    merging = this.#merging = { doc, movedStructs: 0, left: null };
    try {
      work();
    } finally {
      ({ inspect, merging } = outer);
    }
  }
}

/** Inspects an item that is about to be integrated. */
type Inspect = (item: Y.Item, transaction: Y.Transaction) => void;

let inspect: Inspect | null = null;

const { integrate } = Y.Item.prototype;

Y.Item.prototype.integrate = function (transaction: Y.Transaction, offset: number): void {
  inspect?.(this, transaction);
  integrate.call(this, transaction, offset);
};

/** The merging of neighbours in one document. */
interface Merging {
  readonly doc: Y.Doc;
  /** Structs that were shifted for it. */
  movedStructs: number;
  /** The struct that was merged into last. What is merged into the one before it is removed from the array together with it. */
  left: Y.AbstractStruct | null;
}

/** Merges that take as long as one split: taking out of an array is quicker than putting in, and shifts half of it on average. */
const MERGES_PER_SPLIT = 4;

let merging: Merging | null = null;

/**
 * Whether neighbours may still be merged. Yjs does without: they stay two structs, in memory and in what is encoded, until
 * a load has its turn at them.
 */
function mayMerge(): boolean {
  return merging === null || merging.movedStructs <= MOVED_STRUCTS;
}

function countMerge(left: Y.AbstractStruct, right: Y.AbstractStruct): void {
  if (merging === null) return;
  if (right !== merging.left) {
    const structs = merging.doc.store.clients.get(left.id.client)?.length ?? 0;
    merging.movedStructs += structs / MERGES_PER_SPLIT;
  }
  merging.left = left;
}

const { mergeWith: mergeItems } = Y.Item.prototype;
const { mergeWith: mergeCollected } = Y.GC.prototype;

Y.Item.prototype.mergeWith = function (right: Y.Item): boolean {
  if (!mayMerge() || !mergeItems.call(this, right)) return false;
  countMerge(this, right);
  return true;
};

Y.GC.prototype.mergeWith = function (right: Y.GC): boolean {
  if (!mayMerge() || !mergeCollected.call(this, right)) return false;
  countMerge(this, right);
  return true;
};

interface Search {
  readonly steps: number;
  readonly cost: number;
}

const NO_SEARCH: Search = { steps: 0, cost: 0 };

/**
 * The cost of the search for an item's place. As a rule it is nothing, since the item's neighbours are still neighbours;
 * else it is one step for each item that Yjs passes over between them, at most. An item that its author must have known
 * can't lie between true neighbours, so that the update was crafted to be searched for. The cost is then the clocks that
 * Yjs passes over: one step now may be as many pieces when the document is loaded again.
 * @param enough the count at which counting may end
 * @returns the steps, and the cost that they are charged at
 */
function searchCost(item: Y.Item, enough: number): Search {
  const { parent, parentSub, left, right } = item;
  if (!(parent instanceof Y.AbstractType)) return NO_SEARCH;
  if (left === null ? right !== null && right.left === null : left.right === right) return NO_SEARCH;
  let steps = 0;
  let next: Y.Item | null;
  if (left !== null) next = left.right;
  else if (parentSub === null) next = parent._start;
  else {
    next = parent._map.get(parentSub) ?? null;
    for (; next?.left != null && steps <= enough; next = next.left) steps++;
  }
  let clocks = 0;
  let isForged = false;
  for (; next !== null && next !== right && Math.max(steps, isForged ? clocks : 0) <= enough; next = next.right) {
    steps++;
    if (endsAt(next, item, clocks === 0)) break;
    clocks += next.length;
    isForged ||= wasKnown(next.id, item);
  }
  return { steps, cost: isForged ? Math.max(steps, clocks) : steps };
}

/**
 * Whether `Item.integrate` ends its search at an item. It also ends where the left neighbour of that item was not passed
 * over. This is certain only of the first item, and of one without a left neighbour; for others it would cost as much to
 * know as the search itself.
 */
function endsAt(met: Y.Item, item: Y.Item, isFirst: boolean): boolean {
  if (!Y.compareIDs(met.origin, item.origin)) return isFirst || met.origin === null;
  return met.id.client > item.id.client && Y.compareIDs(met.rightOrigin, item.rightOrigin);
}

/** Whether an item's author must have known an id: one of its own, or one before the item's neighbours. */
function wasKnown({ client, clock }: Y.ID, { id, origin, rightOrigin }: Y.Item): boolean {
  return (
    client === id.client ||
    (client === origin?.client && clock < origin.clock) ||
    (client === rightOrigin?.client && clock < rightOrigin.clock)
  );
}

function isTooDeep(item: Y.Item): boolean {
  let depth = 0;
  for (let { parent } = item; parent instanceof Y.AbstractType && parent._item !== null; { parent } = parent._item) {
    if (++depth >= TYPE_DEPTH) return true;
  }
  return false;
}

/**
 * Whether all of a run is deleted. Former values of a key are, and Yjs merges them into runs. Another run with a key was
 * crafted: once split, a load would make something else of it.
 */
function isDeleted(doc: Y.Doc, { client, clock }: Y.ID, length: number): boolean {
  for (let next = clock; next < clock + length; ) {
    const struct = Y.getItem(doc.store, Y.createID(client, next));
    if (!struct.deleted) return false;
    next = struct.id.clock + struct.length;
  }
  return true;
}
