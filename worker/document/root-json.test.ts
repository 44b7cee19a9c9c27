import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { READ_BYTES, TYPE_DEPTH, VALUE_DEPTH } from "../../shared/limits.ts";
import { codeOf } from "../../test/support/code-of.ts";
import { docOf, everything, whiteboard } from "../../test/support/documents.ts";
import { ReadMeter } from "./json-walk.ts";
import { readRoots } from "./root-json.ts";

/** A document with formats, embeds, and types in each other's midst. */
function mixed(): Y.Doc {
  const doc = new Y.Doc();
  const text = doc.getText("text");
  text.insert(0, "one two three");
  text.format(4, 3, { bold: true, link: { href: "x", list: [1, null] } });
  text.format(0, 9, { italic: "yes" });
  text.insertEmbed(5, { image: "x" });
  text.insertEmbed(2, new Y.Map([["a", 1]]));
  text.delete(1, 1);
  const element = new Y.XmlElement("P");
  const inner = new Y.XmlText("inner");
  inner.format(1, 2, { b: { title: "t", class: "c" }, a: {} });
  inner.insertEmbed(3, new Y.XmlElement("BR"));
  element.insert(0, [inner, new Y.XmlElement("hr")]);
  element.setAttribute("z", "1");
  element.setAttribute("a", 2 as never);
  doc.getXmlFragment("xml").insert(0, [element, new Y.XmlText("after")]);
  doc
    .getArray("array")
    .push([1, "x", true, null, [1, { a: [{}] }], new Y.Text("t"), new Y.Array(), new Y.XmlElement("e")]);
  doc.getMap("map").set("array", Y.Array.from([new Y.Map([["deep", new Y.Text("er")]])]));
  doc.getMap("map").set("gone", 1);
  doc.getMap("map").delete("gone");
  return doc;
}

describe("[RPC-2] roots read as Yjs reads them", () => {
  it("texts, lists, maps and XML, with formats, embeds and types inside", () => {
    const doc = mixed();
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    expect(readRoots(doc, { text: "rich-text" })).toEqual({ text: plain(doc.getText("text").toDelta()) });
    expect(readRoots(doc, { text: "text" })).toEqual({ text: doc.getText("text").toString() });
    expect(readRoots(doc, { array: "array" })).toEqual({ array: plain(doc.getArray("array").toJSON()) });
    expect(readRoots(doc, { map: "map" })).toEqual({ map: doc.getMap("map").toJSON() });
    expect(readRoots(doc, { xml: "xml" })).toEqual({ xml: doc.getXmlFragment("xml").toString() });
  });

  it("what is no JSON becomes it, and what is not there is empty", () => {
    const doc = docOf(everything());
    expect(readRoots(doc, { map: "map", none: "xml" })).toEqual({
      map: {
        a: 1,
        b: -70_000,
        c: 1.5,
        d: 0.1,
        e: `${2n ** 60n}`,
        f: true,
        g: null,
        i: "s",
        bytes: "AQID",
        nested: { deep: [{ deeper: ["AQ==", "x"] }] },
        type: { array: [] },
      },
      none: "",
    });
    doc.getArray("odd").push([Number.NaN, [undefined], { a: undefined, b: 1 }]);
    expect(readRoots(doc, { odd: "array" })).toEqual({ odd: [null, [null], { b: 1 }] });
    expect(codeOf(() => readRoots(docOf(everything()), { map: "tree" as never }))).toBe("invalid-argument");
  });
});

describe("[LIMIT-15] of what one reading makes", () => {
  const formatted = (formats: number, pieces: number, value: unknown) => {
    const doc = new Y.Doc();
    const [root, inXml] = [doc.getText("root"), new Y.XmlText()];
    doc.getXmlFragment("xml").insert(0, [inXml]);
    doc.transact(() => {
      for (const text of [root, inXml]) {
        for (let piece = 0; piece < pieces; piece++) text.insertEmbed(0, 1);
        text.format(0, pieces, Object.fromEntries(Array.from({ length: formats }, (_, index) => [`${index}`, value])));
      }
    });
    return doc;
  };

  it.each([
    ["formats that are open over many pieces", formatted(1_500, 2_500, true)],
    ["a long format over many pieces", formatted(1, 3_000, "x".repeat(20_000))],
    ["a format with a long list over many pieces", formatted(1, 3_000, { a: Array(5_000).fill(7) })],
  ])("%s are refused before they are made", (_what, doc) => {
    for (const roots of [{ root: "rich-text" }, { xml: "xml" }] as const) {
      const meter = new ReadMeter(READ_BYTES);
      expect(codeOf(() => readRoots(doc, roots as { root: "rich-text" }, meter))).toBe("invalid-argument");
      expect(meter.bytes).toBeLessThan(1.1 * READ_BYTES);
    }
    expect(readRoots(doc, { root: "text" })).toEqual({ root: "" });
  });

  it("a document that is full is read: drawings, points, keys, texts", () => {
    const full = 6 * 1024 * 1024;
    const readable = (doc: Y.Doc, kind: "map" | "array" | "text") => {
      const meter = new ReadMeter(READ_BYTES);
      readRoots(doc, { root: kind }, meter);
      return meter.bytes;
    };
    const drawing = docOf(whiteboard(full / 8));
    const meter = new ReadMeter(READ_BYTES);
    readRoots(drawing, { shapes: "map", notes: "rich-text" }, meter);
    expect(8 * meter.bytes).toBeLessThan(READ_BYTES);
    const doc = (fill: (doc: Y.Doc) => void) => {
      const made = new Y.Doc();
      made.transact(() => fill(made));
      return made;
    };
    const points = doc((made) => {
      const list = Array.from({ length: 20_000 }, (_, index) => ({ x: index + 64, y: index + 64 }));
      made.getArray("root").push(list);
    });
    expect((full / Y.encodeStateAsUpdate(points).length) * readable(points, "array")).toBeLessThan(READ_BYTES);
    const keys = doc((made) => {
      for (let key = 0; key < 130_000; key++) made.getMap("root").set(`key ${key}`, key);
    });
    expect(readable(keys, "map")).toBeLessThan(READ_BYTES);
    const text = doc((made) => made.getText("root").insert(0, "x".repeat(24 * 1024 * 1024 - 100)));
    expect(readable(text, "text")).toBeLessThan(READ_BYTES);
  });

  it("the deepest document is read without recursion", () => {
    const doc = new Y.Doc();
    let list = doc.getArray<unknown>("list");
    let node: Y.XmlFragment = doc.getXmlFragment("xml");
    for (let depth = 0; depth < 4 * TYPE_DEPTH; depth++) {
      const [inner, element] = [new Y.Array<unknown>(), new Y.XmlElement("e")];
      list.push([inner]);
      node.insert(0, [element]);
      [list, node] = [inner, element];
    }
    let value: unknown = 1n;
    for (let depth = 0; depth < VALUE_DEPTH; depth++) value = [value];
    list.push([value]);
    const { list: read, xml } = readRoots(doc, { list: "array", xml: "xml" });
    let deepest: unknown = read;
    let levels = 0;
    for (; Array.isArray(deepest); levels++) deepest = deepest[0];
    expect([levels, deepest]).toEqual([4 * TYPE_DEPTH + VALUE_DEPTH + 1, "1"]);
    expect(xml.length).toBe(4 * TYPE_DEPTH * "<e></e>".length);
  });
});
