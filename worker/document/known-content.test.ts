import * as encoding from "lib0/encoding";
import * as prng from "lib0/prng";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { behind, craft, gc, inRoot } from "../../test/support/crafted-updates.ts";
import { docOf, editedDoc, everything, textUpdate } from "../../test/support/documents.ts";
import { contradictsKnown } from "./known-content.ts";
import { readUpdateShape } from "./update-shape.ts";

const contradicts = (doc: Y.Doc, update: Uint8Array) => contradictsKnown(doc, update, readUpdateShape(update));
const string = (text: string) => encoding.encode((encoder) => encoding.writeVarString(encoder, text));
const STRING = 4;

/** A document with the victim's text "known", clocks 0 to 4 of client 1. */
const victims = () => docOf(textUpdate("known", 1));

/** The 1,200 characters that the victim wrote offline after "known". */
function writtenOffline(): Uint8Array {
  const doc = victims();
  doc.clientID = 1;
  doc.getText("text").insert(5, "x".repeat(1_200));
  return Y.encodeStateAsUpdate(doc, Y.encodeStateVector(victims()));
}

describe("known clocks", () => {
  const forged: [what: string, update: Uint8Array][] = [
    ["collected content", craft([{ client: 1, clock: 5, structs: [gc(2_000)] }])],
    ["another text", craft([{ client: 1, clock: 5, structs: [behind(STRING, 1, 4, string("y".repeat(2_000)))] }])],
    ["a text elsewhere", craft([{ client: 1, clock: 5, structs: [behind(STRING, 1, 2, string("x".repeat(2_000)))] }])],
    [
      "a text in another root",
      craft([{ client: 1, clock: 5, structs: [inRoot(STRING, "x", string("x".repeat(2_000)))] }]),
    ],
    ["values", craft([{ client: 1, clock: 5, structs: [behind(8, 1, 4, new Uint8Array([2, 120, 120]))] }])],
  ];
  it.each(forged)(
    "[SYNC-9] a text whose clocks hold %s is a contradiction, and what it forged is none",
    (_what, update) => {
      const doc = victims();
      Y.applyUpdate(doc, update);
      expect(contradicts(doc, writtenOffline())).toBe(true);
      expect(contradicts(doc, update)).toBe(false);
    },
  );

  const edits: [what: string, edit: (doc: Y.Doc, other: boolean) => void][] = [
    ["a value", (doc, other) => doc.getArray("a").push([other ? { a: [1, Number.NaN] } : { a: [2, Number.NaN] }])],
    ["a buffer", (doc, other) => doc.getMap("m").set("k", new Uint8Array(other ? [1] : [2]))],
    ["a key", (doc, other) => doc.getMap("m").set(other ? "k" : "l", 1)],
    ["a type", (doc, other) => doc.getMap("m").set("k", other ? new Y.Map() : new Y.Array())],
    ["an element", (doc, other) => doc.getXmlFragment("x").push([new Y.XmlElement(other ? "p" : "q")])],
    ["an embed", (doc, other) => doc.getText("t").insertEmbed(0, { image: other })],
    ["a format", (doc, other) => doc.getText("t").insert(0, "x", { bold: other })],
  ];
  it.each(edits)("[SYNC-9] %s under a known clock is compared", (_what, edit) => {
    const of = (other: boolean) => {
      const { doc, take } = editedDoc(7);
      edit(doc, other);
      return take();
    };
    expect(contradicts(docOf(of(true)), of(false))).toBe(true);
    expect(contradicts(docOf(of(true)), of(true))).toBe(false);
  });

  it("[SYNC-9] deleted and collected content, halves of surrogate pairs and every kind once more are no contradiction", () => {
    const whole = everything();
    expect(contradicts(docOf(whole), whole)).toBe(false);
    const pair = textUpdate("x😀y", 1);
    const split = docOf(pair);
    split.getText("text").insert(2, "between");
    split.getText("text").delete(3, 2);
    expect(contradicts(split, pair)).toBe(false);
    expect(contradicts(docOf(pair), Y.encodeStateAsUpdate(split, new Uint8Array([0])))).toBe(false);
    const { doc, take } = editedDoc(5);
    const shape = new Y.Map<unknown>();
    doc.getMap("shapes").set("one", shape);
    for (let x = 0; x < 50; x++) shape.set("x", x);
    const drawn = take();
    doc.getMap("shapes").delete("one");
    const erased = take();
    expect(contradicts(docOf(drawn, erased), drawn)).toBe(false);
    expect(contradicts(docOf(drawn), Y.encodeStateAsUpdate(doc))).toBe(false);
  });

  it("[SYNC-9] nothing that honest clients made, merged, split, deleted or repeated in 60 random lives is a contradiction", () => {
    for (let seed = 1; seed <= 60; seed++) live(seed);
  });
});

/** Three people edit everything at random, and send each other parts, wholes and old updates again. */
function live(seed: number): void {
  const chance = prng.create(seed);
  const below = (bound: number) => prng.int31(chance, 0, bound - 1);
  const people = [1, 2, 3].map((client) => editedDoc(client));
  const sent: Uint8Array[] = [];
  const room = new Y.Doc();
  const send = (update: Uint8Array) => {
    expect(contradicts(room, update), `seed ${seed}`).toBe(false);
    Y.applyUpdate(room, update);
    sent.push(update);
  };
  for (let round = 0; round < 80; round++) {
    const person = people[below(people.length)];
    if (person === undefined) throw new Error("nobody");
    const { doc } = person;
    const text = doc.getText("text");
    const shapes = doc.getMap<Y.Map<unknown>>("shapes");
    const key = `shape ${below(4)}`;
    const actions = [
      () => text.insert(below(text.length + 1), "a😀é".slice(0, 1 + below(4)), below(2) === 0 ? { bold: true } : {}),
      () => text.length > 4 && text.delete(below(text.length - 3), 1 + below(3)),
      () => text.insertEmbed(below(text.length + 1), { k: below(9), 1: [null] }),
      () => shapes.set(key, new Y.Map<unknown>([["x", below(9)]])),
      () => shapes.get(key)?.set("x", [below(9), { z: undefined, 5: new Uint8Array([below(9)]) }]),
      () => shapes.get(key)?.set("inner", new Y.Text("nested")),
      () => shapes.delete(key),
      () => send(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(room))),
      () => send(Y.encodeStateAsUpdate(doc)),
      () => send(sent[below(sent.length)] ?? new Uint8Array([0, 0])),
      () => Y.applyUpdate(doc, Y.encodeStateAsUpdate(room, Y.encodeStateVector(doc))),
    ];
    actions[below(actions.length)]?.();
  }
}
