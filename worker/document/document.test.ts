import * as encoding from "lib0/encoding";
import * as prng from "lib0/prng";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { absentClients, behind, craft, inRoot } from "../../test/support/crafted-updates.ts";
import { docOf, editedDoc, everything, storedDocument, textUpdate } from "../../test/support/documents.ts";
import { RoomDocument } from "./document.ts";
import type { Edit, Window } from "./edit.ts";
import { readUpdateShape } from "./update-shape.ts";

const author = {};
const editOf = (update: Uint8Array, overrides = {}) => ({ author, update, denied: null, whole: false, ...overrides });

function documentOf(stored: Parameters<typeof storedDocument>[0], maxBytes = 1e6): RoomDocument {
  const reportUnreadable = (cause: unknown) => {
    throw cause;
  };
  return new RoomDocument({ read: () => storedDocument(stored), reportUnreadable, maxBytes: () => maxBytes });
}

/** Items of one client, each after the one before. @param content bytes of each, without the type */
const list = (count: number, type: number, content: number[], client = 7) => {
  const bytes = new Uint8Array(content);
  return Array.from({ length: count }, (_, clock) =>
    clock === 0 ? inRoot(type, "list", bytes) : behind(type, client, clock - 1, bytes),
  );
};

/** An item with a value many times. */
const values = (count: number, value: object) =>
  inRoot(
    8,
    "list",
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, count);
      for (let index = 0; index < count; index++) encoding.writeAny(encoder, value as never);
    }),
  );

describe("the document", () => {
  it("a mutated update is refused, or Yjs takes it without a throw or with one that is refused", () => {
    const update = everything();
    const generator = prng.create(7);
    const random = (below: number) => prng.int32(generator, 0, below - 1);
    const base = textUpdate("base", 9);
    const document = documentOf({ snapshot: base });
    let refused = 0;
    for (let round = 0; round < 3_000; round++) {
      const mutated = update.slice();
      for (let change = 0; change <= random(3); change++) mutated[random(mutated.length)] = random(256);
      const before = document.encode();
      const { outcomes } = document.apply([editOf(mutated)]);
      if (outcomes[0]?.kind === "refused") {
        refused++;
        expect(document.encode()).toEqual(before);
      } else {
        // What was taken can be loaded again.
        Y.applyUpdate(new Y.Doc(), document.encode());
        document.discard();
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  it("emits one update for a window, and none for one that changes nothing", () => {
    const document = documentOf({});
    const edits = ["a", "b", "c"].map((letter, index) => editOf(textUpdate(letter, index + 1)));
    expect(document.apply(edits)).toMatchObject({
      outcomes: [{ kind: "applied" }, { kind: "applied" }, { kind: "applied" }],
    });
    expect(document.apply(edits).updates).toEqual([]);
  });

  it("a limit that can't be read is no fault of the edits", () => {
    let failure: Error | null = new Error("a failing disk");
    const document = new RoomDocument({
      read: () => storedDocument({ snapshot: textUpdate("before", 1) }),
      reportUnreadable: () => {},
      maxBytes: () => {
        if (failure !== null) throw failure;
        return 1e6;
      },
    });
    const edit = editOf(textUpdate("after", 2));
    expect(() => document.apply([edit])).toThrow("a failing disk");
    failure = null;
    expect(document.apply([edit])).toMatchObject({ outcomes: [{ kind: "applied" }], taints: 0 });
  });

  it("an edit may depend on the one before it in the window", () => {
    const document = documentOf({});
    const { doc, take } = editedDoc();
    const edits = ["a", "b", "c"].map((letter) => {
      doc.getText("t").insert(0, letter);
      return editOf(take(), { whole: true });
    });
    const window = document.apply(edits);
    expect(window.outcomes.map(({ kind }) => kind)).toEqual(["applied", "applied", "applied"]);
    expect(window.updates.length).toBe(1);
    expect(document.toJson({ t: "text" })).toEqual({ t: "cba" });
  });

  it("is not changed by an edit that changes nothing", () => {
    const stored = textUpdate("x😀y", 1);
    const document = documentOf({ snapshot: stored });
    // A known struct once more, with an origin inside the pair of surrogates.
    const splitting = new Uint8Array([1, 1, 1, 3, 0x84, 1, 1, 1, 121, 0]);
    for (const [update, kind] of [
      [splitting, "refused"],
      [stored, "applied"],
    ] as const) {
      for (const denied of [null, "forbidden"]) {
        expect(document.apply([editOf(update, { denied })])).toMatchObject({ outcomes: [{ kind }], updates: [] });
      }
    }
    expect(document.toJson({ text: "text" })).toEqual({ text: "x😀y" });
  });

  it("two items that wait for each other are refused whole", () => {
    const document = documentOf({});
    const circle = new Uint8Array([2, 1, 9, 0, 0x84, 8, 0, 1, 99, 1, 8, 0, 0x84, 9, 0, 1, 99, 0]);
    expect(document.apply([editOf(circle)])).toMatchObject({
      outcomes: [{ kind: "refused", refusal: { code: "invalid-update" } }],
      updates: [],
    });
    expect(document.encode()).toEqual(new Uint8Array([0, 0]));
  });

  it("a full document has room again once values of few clocks and many bytes were deleted", () => {
    const document = documentOf({}, 1_000_000);
    const { doc, take } = editedDoc();
    const value = (bytes: number) => new Uint8Array(bytes);
    for (let key = 0; key < 9; key++) {
      doc.getMap("map").set(`${key}`, value(110_000));
      expect(document.apply([editOf(take())]).outcomes).toEqual([{ kind: "applied" }]);
    }
    const addition = () => {
      const other = editedDoc();
      other.doc.getMap("other").set("key", value(20_000));
      return editOf(other.take());
    };
    expect(document.apply([addition()]).outcomes).toMatchObject([
      { kind: "refused", refusal: { code: "document-full" } },
    ]);
    for (let key = 0; key < 9; key++) doc.getMap("map").delete(`${key}`);
    // In one window the deleted values are still there when the addition is looked at; in the next they are gone.
    document.apply([editOf(take()), addition()]);
    expect(document.apply([addition()]).outcomes).toEqual([{ kind: "applied" }]);
  });

  it("keeps nothing as pending", () => {
    const document = documentOf({});
    const { doc, take } = editedDoc();
    doc.getText("t").insert(0, "a");
    take();
    doc.getText("t").insert(1, "b");
    const tail = take();
    expect(document.apply([editOf(tail)]).outcomes).toEqual([
      { kind: "incomplete", missing: { client: doc.clientID, clock: 0 } },
    ]);
    expect(document.encode()).toEqual(new Uint8Array([0, 0]));
  });

  it("does not tidy up rich text by itself: it holds what clients wrote", () => {
    // Nested, since only then does the room's document know that it is rich text.
    const one = editedDoc(1);
    one.doc.getMap("m").set("t", new Y.Text("abc"));
    const base = one.take();
    const two = editedDoc(2);
    Y.applyUpdate(two.doc, base);
    two.take();
    for (const { doc } of [one, two]) (doc.getMap("m").get("t") as Y.Text).format(0, 3, { bold: true });
    const document = documentOf({ updates: [base] });
    const { updates } = document.apply([editOf(one.take()), editOf(two.take())]);
    expect(updates.length).toBe(1);
    expect(readUpdateShape(updates[0] ?? new Uint8Array()).deletions).toEqual([]);
  });

  it("[LIMIT-2] deletions that split runs make a document larger, and are taken up to a reserve", () => {
    const document = documentOf({ snapshot: textUpdate("x".repeat(9_000), 1) }, 10_000);
    const holes = (from: number, to: number) =>
      encoding.encode((encoder) => {
        for (const number of [0, 1, 1, (to - from) / 2]) encoding.writeVarUint(encoder, number);
        for (let clock = from; clock < to; clock += 2) {
          encoding.writeVarUint(encoder, clock);
          encoding.writeVarUint(encoder, 1);
        }
      });
    expect(document.apply([editOf(holes(10, 100))]).outcomes).toEqual([{ kind: "applied" }]);
    const before = document.encode();
    expect(document.apply([editOf(holes(200, 8_000))]).outcomes).toMatchObject([
      { kind: "refused", refusal: { code: "document-full" } },
    ]);
    expect(document.encode()).toEqual(before);
    expect(document.apply([editOf(new Uint8Array([0, 1, 1, 1, 0, (9_000 & 127) | 128, 9_000 >> 7]))]).outcomes).toEqual(
      [{ kind: "applied" }],
    );
    expect(document.encode().length).toBeLessThan(200);
  });

  it("[LIMIT-2] what splits runs counts by what it makes of the document, also beside an addition", () => {
    const maxBytes = 100_000;
    const document = documentOf({ snapshot: textUpdate("x".repeat(40_000), 1) }, maxBytes);
    const outcomes = Array.from({ length: 40 }, (_, frame) => {
      const update = encoding.encode((encoder) => {
        for (const number of [1, 1, 100 + frame, 0, 4, 1]) encoding.writeVarUint(encoder, number);
        encoding.writeVarString(encoder, "other");
        encoding.writeVarString(encoder, "y");
        for (const number of [1, 1, 450]) encoding.writeVarUint(encoder, number);
        for (let hole = 0; hole < 450; hole++) {
          encoding.writeVarUint(encoder, frame * 1_000 + 2 * hole + 1);
          encoding.writeVarUint(encoder, 1);
        }
      });
      return document.apply([editOf(update)]).outcomes[0]?.kind;
    });
    expect(outcomes).toContain("applied");
    expect(outcomes.at(-1)).toBe("refused");
    expect(document.encode().length).toBeLessThanOrEqual(maxBytes);
  });

  const dear: [what: string, update: () => Uint8Array][] = [
    ["880,000 empty shared types", () => craft([{ client: 7, structs: list(880_000, 7, [0]) }])],
    ["10,000 objects with the key 900", () => craft([{ client: 7, structs: [values(20_000, { 900: 1 })] }])],
    ["2 million empty objects", () => craft([{ client: 7, structs: [values(2_000_000, {})] }])],
    ["500,000 empty buffers", () => craft([{ client: 7, structs: list(500_000, 3, [0]) }])],
    ["500,000 client ids", () => absentClients(500_000)],
  ];
  it.each(dear)("[LIMIT-14] %s are more than the memory for a document", (_what, update) => {
    const document = documentOf({}, 6 * 2 ** 20);
    const before = textUpdate("before", 1);
    document.apply([editOf(before)]);
    expect(document.apply([editOf(update())]).outcomes).toMatchObject([
      { kind: "refused", refusal: { code: "document-full" } },
    ]);
    expect(document.apply([editOf(textUpdate("after", 2))]).outcomes).toEqual([{ kind: "applied" }]);
  });

  const fillers: [what: string, frame: (number: number) => Uint8Array][] = [
    ["shared types", (number) => craft([{ client: number, structs: list(10_000, 7, [0], number) }])],
    ["values", (number) => craft([{ client: number, structs: [values(100_000, {})] }])],
    ["sparse objects", (number) => craft([{ client: number, structs: [values(500, { 900: 1 })] }])],
    ["buffers", (number) => craft([{ client: number, structs: list(20_000, 3, [0], number) }])],
    ["client ids", (number) => absentClients(10_000, 1_000_000 + 10_000 * number)],
    ["bytes", (number) => textUpdate("x".repeat(500_000), number)],
  ];
  /** Fills a document of the default size until it is full. @returns it, loaded from storage */
  const filled = (frames: readonly ((number: number) => Uint8Array)[]): RoomDocument => {
    const document = documentOf({}, 6 * 2 ** 20);
    const refused = new Set<unknown>();
    for (let number = 1; refused.size < frames.length; number++) {
      const frame = frames[number % frames.length];
      if (frame === undefined || refused.has(frame)) continue;
      if (document.apply([editOf(frame(number))]).outcomes[0]?.kind === "refused") refused.add(frame);
    }
    const snapshot = document.encode();
    document.discard();
    return documentOf({ snapshot }, 6 * 2 ** 20);
  };
  const mixtures = [
    ...fillers.map(([what, frame]) => [what, [frame]] as const),
    ["all of them", fillers.map(([, frame]) => frame)] as const,
  ];
  it.each(mixtures)(
    "[LIMIT-14] full of %s, a document is loaded, encoded, compared and deleted from",
    (_what, frames) => {
      const document = filled(frames);
      const stateVector = document.encodeStateVector();
      expect(readUpdateShape(document.encode(stateVector)).structs).toEqual([]);
      const [client] = Y.decodeStateVector(stateVector).keys();
      const deletion = craft([], [{ client: client ?? 0, clock: 0, length: 1 }]);
      expect(document.apply([editOf(deletion)]).outcomes).toEqual([{ kind: "applied" }]);
      expect(document.encode().length).toBeLessThan(6 * 2 ** 20);
    },
  );

  it("[LIMIT-14] memory has room again once what was dear was deleted, also after a load", () => {
    const updates: Uint8Array[] = [];
    const take = (document: RoomDocument, update: Uint8Array) => {
      const window = document.apply([editOf(update)]);
      updates.push(...window.updates);
      return window.outcomes[0]?.kind;
    };
    const typesOf = (client: number) => craft([{ client, structs: list(55_000, 7, [0], client) }]);
    let document = documentOf({}, 2 ** 21);
    expect(take(document, typesOf(7))).toBe("applied");
    document = documentOf({ updates }, 2 ** 21);
    expect(take(document, typesOf(8))).toBe("refused");
    expect(document.isNearlyFull).toBe(true);
    expect(take(document, craft([], [{ client: 7, clock: 0, length: 55_000 }]))).toBe("applied");
    expect(take(document, typesOf(8))).toBe("applied");
    expect(document.encode().length).toBeLessThan(1_000_000);
  });

  it("[LIMIT-14] what nobody can delete leaves half of a document to others, and new sessions still write", () => {
    const document = documentOf({}, 1_000_000);
    let taken = 0;
    for (let frame = 0; frame < 45; frame++) {
      const [outcome] = document.apply([editOf(absentClients(1_000, 1_000_000 + 1_000 * frame))]).outcomes;
      if (outcome?.kind === "applied") taken++;
      else expect(outcome).toMatchObject({ refusal: { code: "document-full" } });
    }
    expect(taken).toBeGreaterThan(10);
    expect(document.encode().length).toBeLessThan(500_000);
    let crowding: number | undefined = 0;
    for (let client = 500_000; crowding === 0; client += 10) {
      crowding = document.apply([editOf(absentClients(10, client))]).works[0]?.crowding;
    }
    expect(crowding).toBe(220);
    for (let session = 1; session <= 10; session++) {
      const { doc, take } = editedDoc(session);
      // Each session pays for its client id once.
      for (const crowding of [16, 0, 0]) {
        doc.getText("text").insert(0, "a new session");
        expect(document.apply([editOf(take())])).toMatchObject({
          outcomes: [{ kind: "applied" }],
          works: [{ crowding }],
        });
      }
    }
    expect(document.apply([editOf(textUpdate("x".repeat(400_000), 200))]).outcomes).toEqual([{ kind: "applied" }]);
  });

  it("the room's content once more beside something new is no growth", () => {
    const document = documentOf({}, 200_000);
    const { doc, take } = editedDoc();
    doc.getText("t").insert(0, "x".repeat(120_000));
    document.apply([editOf(take())]);
    doc.getText("t").insert(0, "new");
    expect(document.apply([editOf(Y.encodeStateAsUpdate(doc))]).outcomes).toEqual([{ kind: "applied" }]);
  });

  it("an update of more than a thousand clients that lacks dependencies is refused", () => {
    const document = documentOf({});
    const ofClients = (count: number) =>
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, count);
        for (let client = 1; client <= count; client++) {
          for (const number of [1, client, 5, 4, 1]) encoding.writeVarUint(encoder, number);
          encoding.writeVarString(encoder, "text");
          encoding.writeVarString(encoder, "x");
        }
        encoding.writeVarUint(encoder, 0);
      });
    expect(document.apply([editOf(ofClients(1_000))]).outcomes).toMatchObject([{ kind: "incomplete" }]);
    expect(document.apply([editOf(ofClients(16_000))]).outcomes).toMatchObject([
      { kind: "refused", refusal: { code: "missing-dependencies" } },
    ]);
  });
});

describe("a throw inside Yjs", () => {
  const BOOM = "boom";
  /** Steps of Yjs on the way of an edit, each made to throw on what holds the marked text. */
  const steps: [string, number, object, string, (receiver: Y.ContentString & Y.Item) => boolean][] = [
    ["when its item is integrated", 1, Y.Item.prototype, "integrate", ({ content }) => isMarked(content)],
    ["when its content is integrated", 1, Y.ContentString.prototype, "integrate", isMarked],
    // Which edit it was is found by trying again, one by one.
    ["when the transaction ends and is encoded", 2, Y.ContentString.prototype, "write", isMarked],
    ["when neighbours are merged", 2, Y.ContentString.prototype, "mergeWith", isMarked],
  ];
  function isMarked(content: object): boolean {
    return content instanceof Y.ContentString && content.str.startsWith(BOOM);
  }

  const cases = steps.flatMap(([name, ...step]) => [
    [`${name}, amid others`, 1, ...step] as const,
    [`${name}, last`, 2, ...step] as const,
  ]);
  it.each(cases)(
    "[SYNC-8] %s: only the culprit is refused, and memory is what storage holds",
    (_name, place, taints, prototype, method, isCulprit) => {
      const stored: Uint8Array[] = [textUpdate("base", 1)];
      const document = new RoomDocument({
        read: () => storedDocument({ updates: stored }),
        reportUnreadable: (cause) => {
          throw cause;
        },
        maxBytes: () => 1e6,
      });
      document.encode();
      const original = Reflect.get(prototype, method) as (...args: unknown[]) => unknown;
      let throws = 0;
      Reflect.set(prototype, method, function (this: Y.ContentString & Y.Item, ...args: unknown[]) {
        if (isCulprit(this)) {
          throws++;
          throw new Error("planted");
        }
        return original.apply(this, args);
      });
      const boom = new Y.Doc();
      boom.clientID = 3;
      const crafted = new Uint8Array([
        1, 2, 3, 0, 4, 1, 4, 116, 101, 120, 116, 4, 98, 111, 111, 109, 0x84, 3, 3, 1, 33, 0,
      ]);
      const windows: Window[] = [];
      try {
        const updates = [textUpdate("one", 2), textUpdate("two", 4)];
        updates.splice(place, 0, crafted);
        let edits: Edit[] = updates.map((update) => ({ ...editOf(update), author: {} }));
        while (edits.length > 0) {
          const window = document.apply(edits);
          windows.push(window);
          edits = edits.filter((_, index) => window.outcomes[index]?.kind === "postponed");
        }
      } finally {
        Reflect.set(prototype, method, original);
      }
      expect(throws).toBeGreaterThan(0);
      const outcomes = windows.flatMap((window) => window.outcomes.filter(({ kind }) => kind !== "postponed"));
      expect(outcomes[place]).toMatchObject({ kind: "refused", refusal: { code: "invalid-update" } });
      expect(outcomes.filter(({ kind }) => kind === "applied")).toHaveLength(2);
      expect(windows.map(({ taints }) => taints)).toEqual([taints, ...(place === 1 ? [0] : [])]);
      expect(document.loads).toBeLessThanOrEqual(1 + taints);
      expect(
        docOf(document.encodeMissing(new Uint8Array([0])))
          .getText("text")
          .toString(),
      ).toHaveLength("baseonetwo".length);
      stored.push(...windows.flatMap(({ updates }) => updates));
      const inMemory = document.encode();
      document.discard();
      expect(Y.encodeStateVectorFromUpdate(document.encode())).toEqual(Y.encodeStateVectorFromUpdate(inMemory));
      expect(document.toJson({ text: "text" })).toEqual({
        text: expect.stringMatching(/^(?=.*one)(?=.*two)(?=.*base)(?!.*boom)/),
      });
    },
  );
});
