import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { RoomDocument, type StoredDocument } from "./document.ts";
import { editedDoc, everything, textUpdate } from "./test-client.ts";
import { readUpdateShape } from "./update-shape.ts";

const author = {};
const editOf = (update: Uint8Array, overrides = {}) => ({ author, update, denied: null, whole: false, ...overrides });

function documentOf(stored: StoredDocument, maxBytes = 1e6): RoomDocument {
  const unreadable = (cause: unknown) => {
    throw cause;
  };
  return new RoomDocument({ read: () => stored, unreadable, maxBytes });
}

describe("the document", () => {
  it("a mutated update is refused, or Yjs takes it without a throw or with one that is refused", () => {
    const update = everything();
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const base = textUpdate("base", 9);
    const document = documentOf({ snapshot: base, updates: [] });
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
    const document = documentOf({ snapshot: null, updates: [] });
    const edits = ["a", "b", "c"].map((letter, index) => editOf(textUpdate(letter, index + 1)));
    expect(document.apply(edits)).toMatchObject({
      outcomes: [{ kind: "applied" }, { kind: "applied" }, { kind: "applied" }],
    });
    expect(document.apply(edits).updates).toEqual([]);
  });

  it("an edit may depend on the one before it in the window", () => {
    const document = documentOf({ snapshot: null, updates: [] });
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
    const document = documentOf({ snapshot: stored, updates: [] });
    // A known struct once more, with an origin inside the pair of surrogates.
    const splitting = new Uint8Array([1, 1, 1, 3, 0x84, 1, 1, 1, 121, 0]);
    for (const denied of [null, "forbidden"]) {
      expect(document.apply([editOf(splitting, { denied })])).toMatchObject({
        outcomes: [{ kind: "applied" }],
        updates: [],
      });
    }
    expect(document.toJson({ text: "text" })).toEqual({ text: "x😀y" });
  });

  it("two items that wait for each other are refused whole", () => {
    const document = documentOf({ snapshot: null, updates: [] });
    const circle = new Uint8Array([2, 1, 9, 0, 0x84, 8, 0, 1, 99, 1, 8, 0, 0x84, 9, 0, 1, 99, 0]);
    expect(document.apply([editOf(circle, { whole: true })])).toMatchObject({
      outcomes: [{ kind: "refused" }],
      taints: 1,
    });
    expect(document.apply([editOf(circle)])).toMatchObject({ outcomes: [{ kind: "incomplete" }], updates: [] });
    expect(document.encode()).toEqual(new Uint8Array([0, 0]));
  });

  it("a full document has room again once values of few clocks and many bytes were deleted", () => {
    const document = documentOf({ snapshot: null, updates: [] }, 1_000_000);
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
    const document = documentOf({ snapshot: null, updates: [] });
    const { doc, take } = editedDoc();
    doc.getText("t").insert(0, "a");
    take();
    doc.getText("t").insert(1, "b");
    const tail = take();
    expect(document.apply([editOf(tail)]).outcomes).toEqual([{ kind: "incomplete" }]);
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
    const document = documentOf({ snapshot: null, updates: [base] });
    const { updates } = document.apply([editOf(one.take()), editOf(two.take())]);
    expect(updates.length).toBe(1);
    expect(readUpdateShape(updates[0] ?? new Uint8Array()).deletions).toEqual([]);
  });
});
