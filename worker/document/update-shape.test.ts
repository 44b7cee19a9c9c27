import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { errorCodeOf } from "../../shared/errors.ts";
import { editedDoc, everything } from "../../test/support/documents.ts";
import { readUpdateShape } from "./update-shape.ts";

describe("the shape of an update", () => {
  const codeOf = (update: Uint8Array) => {
    try {
      readUpdateShape(update);
      return "taken";
    } catch (caught) {
      return errorCodeOf(caught);
    }
  };

  it("takes everything that Yjs writes, and says what it holds", () => {
    const update = everything();
    const shape = readUpdateShape(update);
    const { from, to } = Y.parseUpdateMeta(update);
    expect(new Map(shape.structs.map(({ client, start }) => [client, start]))).toEqual(from);
    expect(new Map(shape.structs.map(({ client, end }) => [client, end]))).toEqual(to);
    expect([...shape.roots].sort()).toEqual(["list", "map", "text", "xml"]);
    expect(shape.deletions.length).toBeGreaterThan(0);
    const ds = Y.decodeUpdate(update).ds.clients;
    expect(shape.deletions.map(({ clock, length }) => [clock, length])).toEqual(
      ds.get(3)?.map(({ clock, len }) => [clock, len]),
    );
  });

  it("takes merged updates with gaps, and garbage-collected ones", () => {
    const { doc, take } = editedDoc(4);
    const updates = ["a", "b", "c"].map((letter) => {
      doc.getText("t").insert(0, letter);
      return take();
    });
    const gap = Y.mergeUpdates([updates[0], updates[2]].filter((update) => update !== undefined));
    expect(readUpdateShape(gap).structs).toEqual([{ client: 4, start: 0, end: 3, gapEnd: 2 }]);
    doc.getMap("m").set("k", new Y.Map([["inner", "x"]]));
    doc.getMap("m").delete("k");
    expect(codeOf(Y.encodeStateAsUpdate(doc))).toBe("taken");
  });

  it("refuses it cut anywhere, and with a byte more", () => {
    const update = everything();
    for (let length = 0; length < update.length; length++)
      expect(codeOf(update.slice(0, length))).toBe("invalid-update");
    expect(codeOf(new Uint8Array([...update, 0]))).toBe("invalid-update");
  });

  it.each<[string, number[]]>([
    ["33 million structs in 7 bytes", [1, 255, 255, 255, 15, 1, 0]],
    ["a client twice", [2, 1, 5, 0, 0, 1, 1, 5, 1, 0, 1, 0]],
    ["a struct without length", [1, 1, 5, 0, 0, 0, 0]],
    ["a clock at the bound", [1, 1, 5, 0, 0, 128, 128, 128, 128, 8, 0]],
    ["a length near 2^53", [1, 1, 5, 0, 0, 255, 255, 255, 255, 255, 255, 255, 15, 0]],
    ["a subdocument", [1, 1, 5, 0, 9, 1, 1, 97, 1, 103, 118, 0, 0]],
    ["a struct of an unknown type", [1, 1, 5, 0, 11, 1, 1, 97, 0]],
    ["a number of endless zeros", [1, 1, 5, 0, 0, ...Array.from({ length: 150 }, () => 128), 0, 0]],
    ["an item that refers to itself", [1, 1, 9, 0, 0x84, 9, 0, 1, 120, 0]],
    ["an item that refers to a later one of its author", [1, 1, 9, 0, 0x84, 9, 5, 1, 120, 0]],
    ["an item whose parent is itself", [1, 1, 9, 0, 4, 0, 9, 0, 1, 120, 0]],
    ["an empty deletion", [0, 1, 5, 1, 3, 0]],
    ["deletions out of order", [0, 1, 5, 2, 3, 1, 1, 1]],
    ["overlapping deletions", [0, 1, 5, 2, 3, 2, 4, 2]],
    ["a client's deletions twice", [0, 2, 5, 1, 3, 1, 5, 1, 7, 1]],
    ["a deletion out of bounds", [0, 1, 5, 1, 255, 255, 255, 255, 7, 1]],
  ])("refuses %s", (_name, bytes) => {
    expect(codeOf(new Uint8Array(bytes))).toBe("invalid-update");
  });

  it("[LIMIT-4] refuses values nested too deeply, and keys that replace a prototype", () => {
    const nested = (levels: number) => {
      let value: unknown = 1;
      for (let level = 0; level < levels; level++) value = [value];
      return value;
    };
    const updateOf = (edit: (doc: Y.Doc) => void) => {
      const { doc, take } = editedDoc();
      edit(doc);
      return take();
    };
    expect(codeOf(updateOf((doc) => doc.getArray("a").push([nested(64)])))).toBe("taken");
    expect(codeOf(updateOf((doc) => doc.getArray("a").push([nested(65)])))).toBe("invalid-update");
    expect(codeOf(updateOf((doc) => doc.getText("a").insertEmbed(0, { deep: nested(63) })))).toBe("taken");
    expect(codeOf(updateOf((doc) => doc.getText("a").insertEmbed(0, { deep: nested(5_000) })))).toBe("invalid-update");
    expect(codeOf(updateOf((doc) => doc.getMap("a").set("__proto__", 1)))).toBe("invalid-update");
    expect(codeOf(updateOf((doc) => doc.getArray("a").push([JSON.parse('{"__proto__":1}')])))).toBe("invalid-update");
  });
});
