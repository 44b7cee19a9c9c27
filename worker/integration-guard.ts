/**
 * Bounds what Yjs does with an update and what the update's structure can't show, because it depends on the document:
 * how long Yjs searches for the place of an item among concurrent ones, how deeply shared types nest, and what a key holds.
 *
 * Items are integrated by a method of theirs, so this module looks on there, for every document of the isolate; without a
 * guard at work it does nothing.
 */
import * as Y from "yjs";
import { RoomfulError } from "../shared/errors.ts";
import { SEARCH_STEPS, TYPE_DEPTH } from "../shared/limits.ts";

/** Counts one document's searches, from its loading on. */
export class IntegrationGuard {
  #searchCost = 0;

  /** Runs work that is only counted: what a room once took it must be able to load. */
  count(work: () => void): void {
    run(work, (item, left) => {
      this.#searchCost += searchCost(item, left, Number.POSITIVE_INFINITY);
    });
  }

  /**
   * Runs work that integrates the items of an update.
   * @throws RoomfulError `update-too-costly` or `invalid-update`, in the midst of the work
   */
  enforce(work: () => void): void {
    run(work, (item, left) => {
      const cost = searchCost(item, left, SEARCH_STEPS - this.#searchCost);
      this.#searchCost += cost;
      // What needs no search is taken into every document.
      if (cost > 0 && this.#searchCost > SEARCH_STEPS) throw new RoomfulError("update-too-costly");
      if (item.content instanceof Y.ContentType && isTooDeep(item)) {
        throw new RoomfulError("invalid-update", "types nested too deeply");
      }
      // Yjs sets a key to one value. A run of several may be split, and is then loaded as something else.
      if (item.parentSub !== null && item.length > 1 && item.countable) {
        throw new RoomfulError("invalid-update", "a key with several values at once");
      }
    });
  }
}

/** Looks at an item that is about to be integrated behind `left`. */
type Inspect = (item: Y.Item, left: Y.Item | null) => void;

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
  inspect?.(this, offset === 0 ? this.left : knownPart(this, transaction, offset));
  integrate.call(this, transaction, offset);
};

/** Of an item whose first clocks are in the document, only the rest is integrated: behind them. */
function knownPart({ id }: Y.Item, { doc }: Y.Transaction, offset: number): Y.Item | null {
  const known = Y.getItem(doc.store, Y.createID(id.client, id.clock + offset - 1));
  return known instanceof Y.Item ? known : null;
}

/**
 * What the search for an item's place costs: nothing as a rule, since an item's neighbours are still neighbours; else one
 * for each item that lies between them. When among those is one that the item's author must have known, the neighbours
 * never were any, and the item was made to be searched for: then the clocks that lie between count, since what is passed
 * over in one step now may be in as many pieces when the document is loaded again.
 * @param enough where counting may end
 */
function searchCost(item: Y.Item, left: Y.Item | null, enough: number): number {
  const { parent, parentSub, right } = item;
  if (!(parent instanceof Y.AbstractType)) return 0;
  if (left === null ? right !== null && right.left === null : left.right === right) return 0;
  let steps = 0;
  let clocks = 0;
  let isForged = false;
  let next: Y.Item | null;
  if (left !== null) next = left.right;
  else if (parentSub === null) next = parent._start;
  else {
    next = parent._map.get(parentSub) ?? null;
    for (; next?.left != null && steps <= enough; next = next.left) steps++;
  }
  for (; next !== null && next !== right && Math.max(steps, isForged ? clocks : 0) <= enough; next = next.right) {
    steps++;
    clocks += next.length;
    isForged ||= wasKnown(next.id, item);
  }
  return isForged ? Math.max(steps, clocks) : steps;
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
