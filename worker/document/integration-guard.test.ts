import * as encoding from "lib0/encoding";
import * as prng from "lib0/prng";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { TYPE_DEPTH } from "../../shared/limits.ts";
import { editedDoc, storedDocument, textUpdate } from "../../test/support/documents.ts";
import { RoomDocument } from "./document.ts";
import { IntegrationGuard } from "./integration-guard.ts";

const author = {};
const editOf = (update: Uint8Array) => ({ author, update, denied: null, whole: false });

/** A document over a storage that keeps what it emits, as a room does. */
function keptDocument(...updates: Uint8Array[]) {
  const document = new RoomDocument({
    read: () => storedDocument({ updates }),
    reportUnreadable: (cause) => {
      throw cause;
    },
    maxBytes: () => 10_000_000,
  });
  const apply = (update: Uint8Array) => {
    const window = document.apply([editOf(update)]);
    updates.push(...window.updates);
    const [outcome] = window.outcomes;
    return outcome?.kind === "refused" ? outcome.refusal.code : outcome?.kind;
  };
  return { document, apply };
}

/** An update whose structs are written by hand. */
function crafted(client: number, structs: readonly (readonly [info: number, ...fields: (number | string)[]])[]) {
  return encoding.encode((encoder) => {
    for (const number of [1, structs.length, client, 0]) encoding.writeVarUint(encoder, number);
    for (const [info, ...fields] of structs) {
      encoding.writeUint8(encoder, info);
      for (const field of fields) {
        if (typeof field === "number") encoding.writeVarUint(encoder, field);
        else encoding.writeVarString(encoder, field);
      }
    }
    encoding.writeVarUint(encoder, 0);
  });
}

const times = <Result>(count: number, make: (index: number) => Result) =>
  Array.from({ length: count }, (_, index) => make(index));

describe("the search for an item's place", () => {
  it("[LIMIT-5] thousands of items at one place are refused, and what needs no search is still taken", () => {
    const { document, apply } = keptDocument(textUpdate("base", 9));
    const samePlace = (client: number) =>
      crafted(
        client,
        times(8_000, () => [4, 1, "text", "y"]),
      );
    // One client's are each put before the former ones; another's are searched for among them.
    expect([apply(samePlace(10)), apply(samePlace(11))]).toContain("update-too-costly");
    const before = document.encode();
    expect(apply(samePlace(12))).toBe("update-too-costly");
    expect(document.encode()).toEqual(before);
    expect(apply(textUpdate("elsewhere", 13).slice())).toBe("applied");
    const { doc, take } = editedDoc(14);
    Y.applyUpdate(doc, document.encode());
    take();
    doc.getText("text").insert(5, "typed");
    expect(apply(take())).toBe("applied");
  });

  it("[LIMIT-5] items made to be searched for only when the document is loaded again are refused", () => {
    const { apply } = keptDocument(textUpdate("x".repeat(8_000), 1));
    const rightOrigins = crafted(
      2,
      times(7_999, (index) => [0xc4, 1, 0, 1, 7_999 - index, "y"]),
    );
    expect(apply(rightOrigins)).toBe("update-too-costly");
  });

  it("[LIMIT-5] a map key set by 20,000 clients who know nothing of each other is refused", () => {
    const { apply } = keptDocument();
    const keys = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 20_000);
      for (let client = 1; client <= 20_000; client++) {
        for (const number of [1, client, 0]) encoding.writeVarUint(encoder, number);
        encoding.writeUint8(encoder, 0x24);
        encoding.writeVarUint(encoder, 1);
        for (const text of ["map", "key", "v"]) encoding.writeVarString(encoder, text);
      }
      encoding.writeVarUint(encoder, 0);
    });
    expect(apply(keys)).toBe("update-too-costly");
  });

  it("thirty people who merge work done offline are taken", () => {
    const { document, apply } = keptDocument();
    const people = times(30, (index) => editedDoc(index + 1).doc);
    for (const [index, doc] of people.entries()) {
      for (let edit = 0; edit < 150; edit++) {
        const text = doc.getText("text");
        text.insert((edit * 7) % (text.length + 1), `${index} `);
        doc.getArray("list").unshift([edit]);
        doc.getMap("map").set(`${edit % 20}`, index);
      }
    }
    for (const doc of people) expect(apply(Y.encodeStateAsUpdate(doc))).toBe("applied");
    document.discard();
    expect(document.encode().length).toBeGreaterThan(10_000);
  });

  it("thousands of items that two append to one list offline are taken, in either order and at a load", () => {
    for (const clients of [
      [100, 200],
      [200, 100],
    ]) {
      const { document, apply } = keptDocument();
      for (const client of clients) {
        const { doc } = editedDoc(client);
        doc.transact(() => {
          for (let index = 0; index < 5_000; index++) doc.getArray("list").push([new Y.Map()]);
        });
        expect(apply(Y.encodeStateAsUpdate(doc))).toBe("applied");
      }
      const state = document.encode();
      expect(keptDocument(state).document.encode().length).toBe(state.length);
    }
  });

  it("[LIMIT-5] a document that was dear to load still refuses what is made to be dear, and takes the rest", () => {
    const many = (client: number) =>
      crafted(
        client,
        times(5_000, () => [4, 1, "text", "y"]),
      );
    // Taken by a room that knew no bound.
    const { apply } = keptDocument(many(11), many(10));
    expect(apply(many(9))).toBe("update-too-costly");
    expect(apply(many(12))).toBe("update-too-costly");
    expect(apply(textUpdate("first", 13))).toBe("applied");
  });
});

/** Items that Yjs looks at in its searches while work runs: it puts each of them into two sets. */
function countLookedAt(work: () => void): number {
  const { add } = Set.prototype;
  let count = 0;
  Set.prototype.add = function (value: unknown) {
    if (value instanceof Y.Item) count++;
    return add.call(this, value);
  };
  try {
    work();
  } finally {
    Set.prototype.add = add;
  }
  return count / 2;
}

/** What some people wrote offline, each with half of the others' first words before them. */
function writtenApart(people: number, random: (below: number) => number): Uint8Array[] {
  const docs = times(people, () => editedDoc(1 + random(1_000_000)).doc);
  return [...docs, ...docs].map((doc, turn) => {
    if (turn >= people) for (const other of docs) if (random(2) === 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
    for (let edit = 0; edit < 15; edit++) {
      const text = doc.getText("text");
      text.insert(random(3) === 0 ? 0 : random(text.length + 1), "words".slice(random(5)));
      if (random(3) === 0 && text.length > 5) text.delete(random(text.length - 4), 3);
      doc.getArray("list").insert(random(doc.getArray("list").length + 1), [edit]);
      doc.getMap("map").set(`${random(4)}`, edit);
    }
    return Y.encodeStateAsUpdate(doc);
  });
}

it("[LIMIT-5] what Yjs looks at in a search is counted, and little else", () => {
  const generator = prng.create(11);
  const random = (below: number) => prng.int32(generator, 0, below - 1);
  let counted = 0;
  let lookedAt = 0;
  for (let round = 0; round < 40; round++) {
    const doc = new Y.Doc();
    const guard = new IntegrationGuard();
    for (const update of writtenApart(2 + random(6), random)) {
      const { steps } = guard;
      const truth = countLookedAt(() => guard.enforce(doc, () => Y.applyUpdate(doc, update)));
      expect(guard.steps - steps).toBeGreaterThanOrEqual(truth);
      lookedAt += truth;
    }
    counted += guard.steps;
  }
  expect(lookedAt).toBeGreaterThan(10_000);
  expect(counted).toBeLessThan(1.15 * lookedAt);
});

describe("nested types", () => {
  const nested = (client: number, levels: number) =>
    crafted(
      client,
      times(levels, (level) => (level === 0 ? [7, 1, "deep", 0] : [7, 0, client, level - 1, 0])),
    );

  it("[LIMIT-6] as many levels as allowed are taken, one more is refused, in one update or one by one", () => {
    const { document, apply } = keptDocument();
    expect(apply(nested(1, TYPE_DEPTH))).toBe("applied");
    expect(apply(nested(2, TYPE_DEPTH + 1))).toBe("invalid-update");
    expect(apply(nested(3, 5_000))).toBe("invalid-update");
    const before = document.encode();
    const oneDeeper = new Uint8Array([
      1,
      1,
      4,
      0,
      7,
      0,
      1,
      ...encoding.encode((encoder) => encoding.writeVarUint(encoder, TYPE_DEPTH - 1)),
      0,
      0,
    ]);
    expect(apply(oneDeeper)).toBe("invalid-update");
    expect(document.encode()).toEqual(before);
  });
});

it("[LIMIT-4] a key is set to one value, also when only the item before it says that it is a key's", () => {
  const { document, apply } = keptDocument(crafted(1, [[0x28, 1, "map", "key", 1, 126]]));
  expect(apply(crafted(2, [[0x28, 1, "map", "key", 2, 126, 126]]))).toBe("invalid-update");
  expect(apply(crafted(3, [[0x88, 1, 0, 2, 126, 126]]))).toBe("invalid-update");
  expect(apply(crafted(4, [[0x88, 1, 0, 1, 120]]))).toBe("applied");
  expect(document.toJson({ map: "map" })).toEqual({ map: { key: true } });
});

it("[LIMIT-4] former values of a key that Yjs merged are taken, as an undo manager leaves them", () => {
  const { document, apply } = keptDocument();
  const { doc } = editedDoc(1);
  const undo = new Y.UndoManager(doc.getMap("map"));
  for (let value = 0; value < 4; value++) doc.getMap("map").set("key", value);
  expect(apply(Y.encodeStateAsUpdate(doc))).toBe("applied");
  doc.transact(() => {
    for (let value = 4; value < 8; value++) doc.getMap("map").set("key", value);
  });
  expect(apply(Y.encodeStateAsUpdate(doc))).toBe("applied");
  undo.undo();
  expect(apply(Y.encodeStateAsUpdate(doc))).toBe("applied");
  expect(document.toJson({ map: "map" })).toEqual({ map: doc.getMap("map").toJSON() });
});
