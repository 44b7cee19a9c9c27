/**
 * Bounds the integration of updates where only the document shows the cost: how long Yjs searches for the place of an item
 * among concurrent ones, how deeply shared types nest, how many values a key is given.
 *
 * Yjs has no hook there, so this module replaces `Item.integrate`, for every document of the isolate. Without a guard at
 * work the replacement only calls the original.
 */
import * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import { SEARCH_STEPS, SEARCH_STEPS_AFTER_LOAD, TYPE_DEPTH } from "../../shared/limits.ts";

/** Counts the searches in one document, beginning with its load. */
export class IntegrationGuard {
  #spent = 0;
  #limit = SEARCH_STEPS;
  #steps = 0;

  /** Steps that all searches took so far. The cost of crafted neighbours is higher, see {@link searchCost}. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs work that loads the document. Its searches are counted, never refused: a room must load what it once took. */
  count(work: () => void): void {
    run(work, (item) => {
      this.#spent += searchCost(item, Number.POSITIVE_INFINITY).cost;
    });
    this.#limit = Math.max(SEARCH_STEPS, this.#spent + SEARCH_STEPS_AFTER_LOAD);
  }

  /**
   * Runs work that integrates new updates.
   * @throws RoomfulError `update-too-costly` or `invalid-update`, during the work or after it
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

/** Inspects an item that is about to be integrated. */
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
