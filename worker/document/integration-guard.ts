/**
 * Bounds what Yjs does with an update and what the update's structure can't show, because it depends on the document:
 * how long Yjs searches for the place of an item among concurrent ones, how deeply shared types nest, what a key holds.
 *
 * Items are integrated by a method of theirs, so this module looks on there, for every document of the isolate; without a
 * guard at work it does nothing.
 */
import * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import { SEARCH_STEPS, SEARCH_STEPS_AFTER_LOAD, TYPE_DEPTH } from "../../shared/limits.ts";

/** Counts one document's searches, from its loading on. */
export class IntegrationGuard {
  #spent = 0;
  #limit = SEARCH_STEPS;
  #steps = 0;

  /** Steps that all searches took so far; what counts for crafted neighbours is more. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs work that loads the document. It is only counted: what a room once took it must be able to load. */
  count(work: () => void): void {
    run(work, (item) => {
      this.#spent += searchCost(item, Number.POSITIVE_INFINITY).cost;
    });
    this.#limit = Math.max(SEARCH_STEPS, this.#spent + SEARCH_STEPS_AFTER_LOAD);
  }

  /**
   * Runs work that integrates the items of updates.
   * @throws RoomfulError `update-too-costly` or `invalid-update`, in the midst of the work or after it
   */
  enforce(doc: Y.Doc, work: () => void): void {
    const keyedRuns: { readonly id: Y.ID; readonly length: number }[] = [];
    run(work, (item) => {
      const { steps, cost } = searchCost(item, this.#limit - this.#spent);
      this.#steps += steps;
      this.#spent += cost;
      if (this.#spent > this.#limit) {
        this.#spent = this.#limit;
        throw new RoomfulError("update-too-costly");
      }
      if (item.content instanceof Y.ContentType && isTooDeep(item)) {
        throw new RoomfulError("invalid-update", "types nested too deeply");
      }
      if (item.parentSub !== null && item.length > 1) keyedRuns.push({ id: item.id, length: item.length });
    });
    for (const { id, length } of keyedRuns) {
      if (!isDeleted(doc, id, length)) throw new RoomfulError("invalid-update", "a key with several values at once");
    }
  }
}

/** Looks at an item that is about to be integrated. */
type Inspect = (item: Y.Item) => void;

let inspect: Inspect | null = null;

function run(work: () => void, inspector: Inspect): void {
  const outer = inspect;
  inspect = inspector;
  try {
    work();
  } finally {
    inspect = outer;
  }
}

const { integrate } = Y.Item.prototype;

Y.Item.prototype.integrate = function (transaction: Y.Transaction, offset: number): void {
  inspect?.(this);
  integrate.call(this, transaction, offset);
};

interface Search {
  readonly steps: number;
  readonly cost: number;
}

const NO_SEARCH: Search = { steps: 0, cost: 0 };

/**
 * What the search for an item's place costs: nothing as a rule, since an item's neighbours are still neighbours; else one
 * for each item that Yjs looks at between them, at most. When it passes over one that the item's author must have known, the
 * neighbours never were any, and the item was made to be searched for: then the clocks that it passes over count, since what is
 * one step now may be in as many pieces when the document is loaded again.
 * @param enough counting may end above it
 * @returns the steps that were counted, and what counts for them
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
 * Whether `Item.integrate` ends its search at an item. It also does where that one's left neighbour was not passed over, which
 * is sure to be so for the first one only, or without a neighbour: to know it of others costs as much as the search.
 */
function endsAt(met: Y.Item, item: Y.Item, isFirst: boolean): boolean {
  if (!Y.compareIDs(met.origin, item.origin)) return isFirst || met.origin === null;
  return met.id.client > item.id.client && Y.compareIDs(met.rightOrigin, item.rightOrigin);
}

/** Whether the author of an item must have known what has this id: its own earlier items, and those before its neighbours. */
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
 * Whether all of a run is deleted, as former values of a key are: Yjs merges those. A run that is not is no value of one
 * key; it may be split, and is then loaded as something else.
 */
function isDeleted(doc: Y.Doc, { client, clock }: Y.ID, length: number): boolean {
  for (let next = clock; next < clock + length; ) {
    const struct = Y.getItem(doc.store, Y.createID(client, next));
    if (!struct.deleted) return false;
    next = struct.id.clock + struct.length;
  }
  return true;
}
