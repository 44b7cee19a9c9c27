/** Hostile edits against a document alone, without a socket or a database between them. */
import fc from "fast-check";
import * as Y from "yjs";
import { RoomDocument } from "../../../worker/document/document.ts";
import type { FuzzCount, FuzzOptions, FuzzResult } from "../frames/fuzz.ts";
import { applyAsRoom, holds, inOrder, isWhole, sameHistory } from "../frames/histories.ts";
import { editFrame, editsIn, Forge, type FramePlan } from "../frames/hostile-frames.ts";
import { ROOT_NAMES } from "../frames/hostile-updates.ts";

/** One window of edits: those of a few authors, some of whom may not write, and some whose edits are taken whole. */
const fuzzEdit = fc.record({
  plan: editFrame,
  author: fc.nat({ max: 2 }),
  whole: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  mayWrite: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});
const fuzzWindow = fc.oneof(
  { weight: 2, arbitrary: fc.array(fuzzEdit, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.array(fuzzEdit, { minLength: 2, maxLength: 5 }) },
);

type WindowPlan = readonly {
  readonly plan: FramePlan;
  readonly author: number;
  readonly whole: boolean;
  readonly mayWrite: boolean;
}[];

/** Runs sequences of windows, each against a new document; shrinks the first that breaks a promise. */
export function fuzz({ seed, runs, windows, shrink }: FuzzOptions): FuzzResult {
  const count: FuzzCount = { edits: 0, outcomes: {}, taints: 0 };
  let failing: readonly string[] = [];
  const result = fc.check(
    fc.property(fc.array(fuzzWindow, { minLength: Math.ceil(windows / 2), maxLength: windows }), (sequence) => {
      const history = new History(count);
      try {
        for (const window of sequence) history.take(window);
        history.reload();
      } catch (broken) {
        failing = history.frames;
        throw broken;
      }
    }),
    { seed, numRuns: runs, endOnFailure: !shrink },
  );
  if (!result.failed) return { count, failure: null };
  const { errorInstance } = result;
  const broken =
    errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  return { count, failure: { broken, frames: failing } };
}

function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** A document, and what it must be equal to: all that it emitted. */
class History {
  readonly frames: string[] = [];
  readonly #count: FuzzCount;
  readonly #emitted: Uint8Array[] = [];
  readonly #mirror = new Y.Doc();
  readonly #forge = new Forge(this.#mirror);
  readonly #authors = [{}, {}, {}];
  readonly #document = new RoomDocument({
    read: () => ({ snapshot: null, updates: this.#emitted, damage: [], whole: true }),
    reportUnreadable: (cause) => {
      throw new Error(`what was emitted can't be read: ${cause}`);
    },
    maxBytes: () => 2 ** 24,
  });

  constructor(count: FuzzCount) {
    this.#count = count;
  }

  take(window: WindowPlan): void {
    const edits = window.flatMap(({ plan, author, whole, mayWrite }) => {
      const frame = this.#forge.forge(plan);
      const update = editsIn(frame);
      if (update === null) return [];
      return [{ author: this.#authors[author] ?? {}, whole, update, denied: mayWrite ? null : ("forbidden" as const) }];
    });
    this.frames.push(
      edits
        .map(
          ({ update, whole, denied, author }) =>
            `${this.#authors.indexOf(author)}${whole ? "w" : ""}${denied ? "d" : ""}:${hexOf(update)}`,
        )
        .join(" "),
    );
    const before = this.#document.encode();
    const { outcomes, updates, taints } = this.#document.apply(edits);
    this.#emitted.push(...updates);
    for (const update of updates) applyAsRoom(this.#mirror, update);
    if (updates.length > 0) this.#forge.look();
    this.#count.edits += edits.length;
    this.#count.taints += taints;
    const after = this.#document.encode();
    promise(outcomes.length === edits.length, "an outcome for each edit");
    if (outcomes.every(({ kind }) => kind === "refused")) {
      promise(updates.length === 0, "refused edits emit nothing");
      promise(taints > 0 || equal(before, after), "refused edits change nothing");
    }
    const fresh = this.#load(after);
    promise(
      this.#mirror.store.pendingStructs === null && this.#mirror.store.pendingDs === null,
      "what is emitted refers to nothing that was not emitted",
    );
    promise(sameHistory(fresh, this.#mirror), "what is emitted is what is in the document");
    for (const [index, outcome] of outcomes.entries()) {
      const key = outcome.kind === "refused" ? outcome.refusal.code : outcome.kind;
      this.#count.outcomes[key] = (this.#count.outcomes[key] ?? 0) + 1;
      const edit = edits[index];
      if (outcome.kind === "applied" && edit !== undefined)
        promise(holds(fresh, edit.update), "an applied edit is in the document");
    }
  }

  #load(state: Uint8Array): Y.Doc {
    const doc = new Y.Doc();
    applyAsRoom(doc, state);
    promise(isWhole(doc), "the state lacks nothing");
    return doc;
  }

  #readRoots(): string {
    const values = ROOT_NAMES.flatMap((root) =>
      (["text", "array", "map", "xml"] as const).map((kind) => {
        try {
          return this.#document.toJson({ [root]: kind });
        } catch {
          // What a root holds can't be read as every kind.
          return kind;
        }
      }),
    );
    return JSON.stringify(inOrder(values));
  }

  /** Reads everything again, as after a crash. */
  reload(): void {
    const before = this.#load(this.#document.encode());
    const shown = this.#readRoots();
    this.#document.discard();
    promise(sameHistory(this.#load(this.#document.encode()), before), "the document is the same when it is read again");
    promise(
      this.#readRoots() === shown,
      `the roots read the same when they are read again: ${shown} and ${this.#readRoots()}`,
    );
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
