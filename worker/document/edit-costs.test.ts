import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { MOVED_STRUCTS, SEARCH_STEPS_PER_UPDATE, WINDOW_ITEMS } from "../../shared/limits.ts";
import { docOf, editedDoc, storedDocument, textUpdate } from "../../test/support/documents.ts";
import { RoomDocument } from "./document.ts";
import { withoutKnown } from "./update-effect.ts";
import { readUpdateShape } from "./update-shape.ts";

const author = {};
const editOf = (update: Uint8Array, by: object = author) => ({ author: by, update, denied: null, whole: false });

/** A document over a storage that keeps what it emits, as a room does. */
function keptDocument(...updates: Uint8Array[]) {
  const document = new RoomDocument({
    read: () => storedDocument({ updates }),
    reportUnreadable: (cause) => {
      throw cause;
    },
    maxBytes: () => 10_000_000,
  });
  document.ensureLoaded();
  const apply = (...all: { update: Uint8Array; author: object }[]) => {
    const window = document.apply(all.map((edit) => editOf(edit.update, edit.author)));
    updates.push(...window.updates);
    return { ...window, kinds: window.outcomes.map(kindOf) };
  };
  const applyOne = (update: Uint8Array) => apply({ update, author });
  return { document, apply, applyOne };
}

function kindOf(outcome: ReturnType<RoomDocument["apply"]>["outcomes"][number]): string {
  return outcome.kind === "refused" ? outcome.refusal.code : outcome.kind;
}

const times = <Result>(count: number, make: (index: number) => Result) =>
  Array.from({ length: count }, (_, index) => make(index));

/** A text in one run and pieces after it that can't be merged with anything, all of one client. */
function runBeforePieces(characters: number, pieces: number): Uint8Array {
  const { doc, take } = editedDoc(1);
  doc.transact(() => {
    doc.getText("text").insert(0, "x".repeat(characters));
    doc.getArray("pieces").push(times(pieces, () => new Uint8Array([1])));
  });
  return take();
}

/** Deletes every other clock of client 1. */
function everyOther(deletions: number): Uint8Array {
  return encoding.encode((encoder) => {
    for (const number of [0, 1, 1, deletions]) encoding.writeVarUint(encoder, number);
    for (let index = 0; index < deletions; index++) {
      encoding.writeVarUint(encoder, 2 * index + 1);
      encoding.writeVarUint(encoder, 1);
    }
  });
}

/** Structs that are shifted in arrays while work runs. */
function countShifted(work: () => void): number {
  const { splice } = Array.prototype;
  let count = 0;
  Array.prototype.splice = function (this: unknown[], start: number, ...rest: unknown[]) {
    count += this.length - start;
    return splice.apply(this, [start, ...rest] as Parameters<typeof splice>);
  };
  try {
    work();
  } finally {
    Array.prototype.splice = splice;
  }
  return count;
}

describe("splits of runs", () => {
  const stored = runBeforePieces(100_000, 300_000);

  it.each([100_000, 20_000, 2_000])(
    "[LIMIT-17] %i deletions in one run before 300,000 pieces are refused before Yjs begins",
    (deletions) => {
      const { document, applyOne } = keptDocument(stored);
      const before = document.encodeStateVector();
      let kinds: readonly string[] = [];
      expect(countShifted(() => ({ kinds } = applyOne(everyOther(deletions))))).toBeLessThan(MOVED_STRUCTS / 100);
      expect(kinds).toEqual(["update-too-costly"]);
      expect(document.loads).toBe(1);
      expect(document.encodeStateVector()).toEqual(before);
      expect(document.toJson({ text: "text" }).text).toHaveLength(100_000);
    },
    60_000,
  );

  it("[LIMIT-17] as many as the bound allows are taken, and cost what Yjs shifts", () => {
    const { document, applyOne } = keptDocument(stored);
    const { works, kinds } = applyOne(everyOther(700));
    expect(kinds).toEqual(["applied"]);
    expect(works[0]?.movedStructs).toBeGreaterThan(1_300 * 300_000);
    expect(document.toJson({ text: "text" }).text).toHaveLength(99_300);
  }, 60_000);

  it("[LIMIT-17] insertions into one run are refused as well, once they have shifted that much", () => {
    const { document, applyOne } = keptDocument(stored);
    const insertions = encoding.encode((encoder) => {
      for (const number of [1, 5_000, 2, 0]) encoding.writeVarUint(encoder, number);
      for (let index = 0; index < 5_000; index++) {
        encoding.writeUint8(encoder, 0xc4);
        for (const number of [1, 2 * index, 1, 2 * index + 1]) encoding.writeVarUint(encoder, number);
        encoding.writeVarString(encoder, "y");
      }
      encoding.writeVarUint(encoder, 0);
    });
    let window: ReturnType<typeof applyOne> | undefined;
    const shifted = countShifted(() => {
      window = applyOne(insertions);
    });
    expect(window?.kinds).toEqual(["update-too-costly"]);
    expect(shifted).toBeLessThan(1.2 * MOVED_STRUCTS);
    expect(window?.works[0]).toMatchObject({ loads: 1 });
    expect(window?.works[0]?.movedStructs).toBeGreaterThan(MOVED_STRUCTS);
    expect(document.toJson({ text: "text" }).text).toHaveLength(100_000);
    expect(applyOne(textUpdate("z", 9)).kinds).toEqual(["applied"]);
  }, 60_000);
});

describe("the merging of neighbours", () => {
  const pairs = (count: number) =>
    encoding.encode((encoder) => {
      for (const number of [1, 2 * count, 1, 0]) encoding.writeVarUint(encoder, number);
      for (let index = 0; index < count; index++) {
        // Each pair stands before the former one.
        encoding.writeUint8(encoder, index === 0 ? 4 : 0x44);
        encoding.writeVarUint(encoder, 1);
        if (index === 0) encoding.writeVarString(encoder, "text");
        else encoding.writeVarUint(encoder, 2 * index - 2);
        encoding.writeVarString(encoder, "y");
        encoding.writeUint8(encoder, index === 0 ? 0x84 : 0xc4);
        for (const number of [1, 2 * index]) encoding.writeVarUint(encoder, number);
        if (index > 0) for (const number of [1, 2 * index - 2]) encoding.writeVarUint(encoder, number);
        encoding.writeVarString(encoder, "z");
      }
      encoding.writeVarUint(encoder, 0);
    });

  it("[LIMIT-17] ends when it has shifted as much: the document is the same, also when it is loaded again", () => {
    const { document, applyOne } = keptDocument();
    const update = pairs(60_000);
    let window: ReturnType<typeof applyOne> | undefined;
    const shifted = countShifted(() => {
      window = applyOne(update);
    });
    expect(window?.kinds).toEqual(["applied"]);
    expect(shifted).toBeLessThan(1.5 * MOVED_STRUCTS);
    expect(window?.works[0]?.movedStructs).toBeGreaterThan(0.9 * MOVED_STRUCTS);
    const { text } = document.toJson({ text: "text" });
    expect(text).toBe("yz".repeat(60_000));
    document.discard();
    expect(countShifted(() => document.ensureLoaded())).toBeLessThan(1.5 * MOVED_STRUCTS);
    expect(document.toJson({ text: "text" }).text).toBe(text);
  }, 60_000);
});

describe("what honest people delete at once", () => {
  const shapes = () => {
    const edited = editedDoc(1);
    edited.doc.transact(() => {
      for (let index = 0; index < 20_000; index++) {
        const shape = new Y.Map(["x", "y", "width", "height", "color"].map((key) => [key, index]));
        edited.doc.getMap("shapes").set(`${index}`, shape);
      }
    });
    return edited;
  };

  it.each([
    ["every other one of 20,000 shapes", (index: number) => index % 2 === 0],
    ["all of 20,000 shapes", () => true],
  ])(
    "%s is applied",
    (_what, isDeleted) => {
      const { doc, take } = shapes();
      const { document, applyOne } = keptDocument(take());
      doc.transact(() => {
        for (let index = 0; index < 20_000; index++) if (isDeleted(index)) doc.getMap("shapes").delete(`${index}`);
      });
      expect(applyOne(take()).kinds).toEqual(["applied"]);
      expect(docOf(document.encode()).getMap("shapes").size).toBe(doc.getMap("shapes").size);
      document.discard();
      expect(docOf(document.encode()).getMap("shapes").size).toBe(doc.getMap("shapes").size);
    },
    60_000,
  );

  it("all of 300,000 pieces, and the undo of a large paste, are applied", () => {
    const { document, applyOne } = keptDocument(runBeforePieces(100_000, 300_000));
    const { doc, take } = editedDoc(2);
    Y.applyUpdate(doc, document.encode());
    take();
    const undo = new Y.UndoManager(doc);
    doc.getArray("pieces").insert(
      0,
      times(50_000, (index) => index),
    );
    expect(applyOne(take()).kinds).toEqual(["applied"]);
    undo.undo();
    expect(applyOne(take()).kinds).toEqual(["applied"]);
    doc.getArray("pieces").delete(0, 300_000);
    doc.getText("text").delete(0, 100_000);
    expect(applyOne(take()).kinds).toEqual(["applied"]);
    expect(document.toJson({ pieces: "array", text: "text" })).toEqual({ pieces: [], text: "" });
  }, 60_000);
});

describe("one window", () => {
  /** A key that is given two values at once: the room takes that for a throw. */
  const throwing = new Uint8Array([1, 1, 9, 0, 0x24, 1, 1, 116, 1, 107, 2, 97, 98, 0]);

  it("[SYNC-8] refuses the first that throws and postpones the rest: one load, however many throw", () => {
    const { document, apply } = keptDocument(textUpdate("base", 1));
    const good = { update: textUpdate("good", 2), author };
    const bad = times(90, (index) => ({ update: throwing, author: index < 30 ? author : {} }));
    const { kinds, taints, works } = apply(good, ...bad);
    expect(kinds).toEqual(["applied", "invalid-update", ...times(89, () => "postponed")]);
    expect(taints).toBe(1);
    expect(works[1]?.loads).toBe(1);
    // The first load was before the window.
    expect(document.loads).toBe(2);
    expect(document.toJson({ text: "text" }).text).toHaveLength("basegood".length);
  });

  it("[LIMIT-18] takes of one author what it has time for and one edit more; others' edits go on", () => {
    const { apply } = keptDocument();
    const many = (client: number) => {
      const { doc, take } = editedDoc(client);
      doc.getArray("list").push(times(WINDOW_ITEMS / 2, () => new Uint8Array([1])));
      return take();
    };
    const other = {};
    const window = apply(
      ...times(4, (index) => ({ update: many(index + 1), author })),
      { update: textUpdate("other", 9), author: other },
      { update: new Uint8Array([7]), author },
    );
    expect(window.kinds).toEqual(["applied", "applied", "postponed", "postponed", "applied", "postponed"]);
  }, 60_000);

  it("[LIMIT-18] takes of many authors what it has time for and one edit more, and the rest in the windows after it", () => {
    const { apply } = keptDocument();
    let edits = times(9, (index) => {
      const { doc, take } = editedDoc(index + 1);
      doc.getArray(`list ${index}`).push(times(30_000, () => new Uint8Array([1])));
      return { update: take(), author: {} };
    });
    const taken: number[] = [];
    while (edits.length > 0) {
      const { kinds } = apply(...edits);
      const left = edits.filter((_, index) => kinds[index] === "postponed");
      taken.push(edits.length - left.length);
      edits = left;
    }
    expect(taken).toEqual([4, 4, 1]);
  }, 60_000);

  it("[LIMIT-5] an update that is searched for longer than one update may is refused; the same work by many is taken", () => {
    const { document, applyOne } = keptDocument();
    const samePlace = (client: number, count: number) =>
      encoding.encode((encoder) => {
        for (const number of [1, count, client, 0]) encoding.writeVarUint(encoder, number);
        for (let index = 0; index < count; index++) {
          encoding.writeUint8(encoder, 4);
          encoding.writeVarUint(encoder, 1);
          encoding.writeVarString(encoder, "text");
          encoding.writeVarString(encoder, "y");
        }
        encoding.writeVarUint(encoder, 0);
      });
    const searched = times(6, (index) => applyOne(samePlace(10 + index, 300)));
    expect(searched.map(({ kinds }) => kinds[0])).toEqual(times(6, () => "applied"));
    const { kinds, works } = applyOne(samePlace(5_000, 6_000));
    expect(kinds).toEqual(["update-too-costly"]);
    expect(works[0]?.searchSteps).toBeLessThan(1.1 * SEARCH_STEPS_PER_UPDATE);
    expect(document.loads).toBeLessThanOrEqual(2);
  }, 60_000);
});

it("[LIMIT-7] a deletion pays for the structs that it covers, and less for those that were deleted before", () => {
  const { doc, take } = editedDoc(1);
  // Typed backwards, so that nothing is merged.
  doc.transact(() => {
    for (let index = 0; index < 5_000; index++) doc.getText("text").insert(0, "x");
  });
  const { applyOne } = keptDocument(take());
  doc.getText("text").delete(0, 5_000);
  const deletion = take();
  expect(applyOne(deletion).works[0]?.deletions).toBeGreaterThanOrEqual(5_000);
  const again = applyOne(deletion).works[0]?.deletions;
  expect(again).toBeGreaterThan(100);
  expect(again).toBeLessThan(1_000);
});

it("[LIMIT-18] known structs are left out of an update without a look at clients that it does not name", () => {
  const doc = docOf(...times(1_000, (index) => textUpdate("x", index + 1)));
  const { clients } = doc.store;
  let visited = 0;
  clients.forEach = () => {
    visited++;
  };
  const { doc: writer, take } = editedDoc(7);
  writer.getText("text").insert(0, "xy");
  const update = take();
  const rest = withoutKnown(doc, update, readUpdateShape(update));
  expect(visited).toBe(0);
  expect(Y.parseUpdateMeta(rest)).toMatchObject({ from: new Map([[7, 1]]), to: new Map([[7, 2]]) });
});
