/** Edits of a document: what an author asks for, what becomes of it, and what it costs the room. */
import type { ErrorCode, RoomfulError } from "../../shared/errors.ts";
import type { StructId } from "../../shared/frames.ts";
import type { UpdateShape } from "./update-shape.ts";

interface Authored {
  /** The author by identity. After one refusal, further edits of the same author are taken whole or refused. */
  readonly author: object;
  /** Whether to refuse the edit when it refers to something that the document lacks, instead of dropping that part. */
  readonly whole: boolean;
}

/** An update that an author sent. */
export interface UpdateEdit extends Authored {
  readonly update: Uint8Array;
  /** The code to refuse the update with if it would change something; `null` when its author may write. */
  readonly denied: ErrorCode | null;
}

/** A frame that could not be read. It takes its turn, so that its refusal comes in the order of the frames. */
interface UnreadableEdit extends Authored {
  readonly refusal: RoomfulError;
}

export type Edit = UpdateEdit | UnreadableEdit;

/** The outcome of one edit. */
export type Outcome =
  /** All of it is in the document. */
  | { readonly kind: "applied" }
  /** The part that refers to what the document lacks, `missing` among it, was dropped; the rest is in the document. */
  | { readonly kind: "incomplete"; readonly missing: StructId }
  /** Nothing of it is in the document. */
  | { readonly kind: "refused"; readonly refusal: RoomfulError }
  /** The window had no room for it: it is to be the first of its author in the next one. A lone edit never is. */
  | { readonly kind: "postponed" };

export const APPLIED: Outcome = { kind: "applied" };

export const POSTPONED: Outcome = { kind: "postponed" };

export function refuse(refusal: RoomfulError): Outcome {
  return { kind: "refused", refusal };
}

/** The work that an edit caused. */
export interface Work {
  readonly items: number;
  /** Deletions, the structs that they delete, and structs without content. */
  readonly deletions: number;
  /** Bytes of JSON and Any values, and of the structs of an update that was refused before its end. */
  readonly checkedBytes: number;
  /** Steps of searches for the places of items. */
  readonly searchSteps: number;
  /** Structs that were shifted to split runs and to merge neighbours. */
  readonly movedStructs: number;
  /** How often the document had to be read again because of the edit. */
  readonly loads: number;
  /** Bytes that no deletion removes, brought to a document that has enough of them. */
  readonly crowding: number;
}

export const NO_WORK: Work = {
  items: 0,
  deletions: 0,
  checkedBytes: 0,
  searchSteps: 0,
  movedStructs: 0,
  loads: 0,
  crowding: 0,
};

/** The work inside Yjs, as far as it was counted while Yjs worked. */
export type CountedWork = Pick<Work, "deletions" | "searchSteps" | "movedStructs">;

export function workOf(shape: UpdateShape, counted: CountedWork, crowding: number): Work {
  const { items, gaps, checkedBytes } = shape;
  const deletions = shape.deletions.length + gaps + counted.deletions;
  return { items, checkedBytes, ...counted, deletions, loads: 0, crowding };
}

/** Work that takes as long as one item does. */
const DELETIONS_PER_ITEM = 6;
const SEARCH_STEPS_PER_ITEM = 20;
const MOVED_STRUCTS_PER_ITEM = 3_000;

/** The number of items that would take as long as some work. A test compares it with the prices. */
export function itemsWorth({ items, deletions, searchSteps, movedStructs }: Work): number {
  return (
    items + deletions / DELETIONS_PER_ITEM + searchSteps / SEARCH_STEPS_PER_ITEM + movedStructs / MOVED_STRUCTS_PER_ITEM
  );
}

/** The result of a window of edits. */
export interface Window {
  /** One for each edit, in their order. */
  readonly outcomes: readonly Outcome[];
  /** One for each edit, in their order. */
  readonly works: readonly Work[];
  /** The updates that Yjs emitted: none when nothing changed, one as a rule, several when a throw split the window. */
  readonly updates: readonly Uint8Array[];
  /** How often memory had to be discarded and read again because an edit threw. */
  readonly taints: number;
}

/** Whether an edit's outcome depends on the document. A client that has nothing answers step 1 with an empty update. */
export function needsDocument(edit: Edit): boolean {
  return "update" in edit && !(edit.update.length === 2 && edit.update[0] === 0 && edit.update[1] === 0);
}
