import * as Y from "yjs";
import type { StoredDocument } from "../../worker/storage/stored-document.ts";

const PEOPLE = 20;

/**
 * A whiteboard with notes, as twenty people leave it: shapes with their places, and texts with words put in and taken
 * out everywhere. The same bytes each time.
 * @returns it as one update of about so many bytes
 */
export function whiteboard(bytes: number): Uint8Array {
  const random = mulberry32(bytes);
  const people = Array.from({ length: PEOPLE }, (_, index) => {
    const doc = new Y.Doc();
    doc.clientID = 1_000_000_007 * (index % 3) + 7919 * (index + 1);
    return doc;
  });
  const whole = new Y.Doc();
  for (let written = 0, made = 0; written < bytes * 0.985; made++) {
    const doc = people[made % PEOPLE];
    if (doc === undefined) throw new Error("nobody");
    doc.once("update", (update: Uint8Array) => {
      written += update.length;
      Y.applyUpdate(whole, update);
    });
    doc.transact(() => drawOn(doc, `${made % PEOPLE}-${made}`, random));
  }
  return Y.encodeStateAsUpdate(whole);
}

function drawOn(doc: Y.Doc, id: string, random: () => number): void {
  const shapes = doc.getMap<Y.Map<unknown>>("shapes");
  const shape = new Y.Map<unknown>();
  shapes.set(id, shape);
  shape.set("x", Math.round(random() * 4000));
  shape.set("y", Math.round(random() * 4000));
  shape.set("colour", ["red", "green", "blue"][Math.floor(random() * 3)]);
  const notes = doc.getText("notes");
  for (let word = 0; word < 4; word++)
    notes.insert(Math.floor(random() * notes.length), "words ".slice(0, 1 + Math.floor(random() * 5)));
  if (notes.length > 20 && random() < 0.3) notes.delete(Math.floor(random() * (notes.length - 5)), 3);
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Merges updates into one by applying them to a document. */
export function documentOf(updates: readonly Uint8Array[]): Uint8Array {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
  return Y.encodeStateAsUpdate(doc);
}

/** The state vector of a document that holds an update and nothing else. */
export function stateVectorOf(update: Uint8Array): Uint8Array {
  return Y.encodeStateVectorFromUpdate(update);
}

/** A Y.Doc that collects its updates. `take` returns those since the last time as one. */
export function editedDoc(clientId?: number): { doc: Y.Doc; take: () => Uint8Array } {
  const doc = new Y.Doc();
  if (clientId !== undefined) doc.clientID = clientId;
  let updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const take = () => {
    const taken = updates.length === 1 && updates[0] !== undefined ? updates[0] : Y.mergeUpdates(updates);
    updates = [];
    return taken;
  };
  return { doc, take };
}

/** The update that inserts a text into a new document. */
export function textUpdate(text: string, clientId?: number): Uint8Array {
  const { doc, take } = editedDoc(clientId);
  doc.getText("text").insert(0, text);
  return take();
}

/** Undamaged storage, as a room reads it. */
export function storedDocument({
  snapshot,
  updates = [],
}: {
  snapshot?: Uint8Array;
  updates?: readonly Uint8Array[];
}): StoredDocument {
  const stateVector = snapshot === undefined ? null : Y.encodeStateVectorFromUpdate(snapshot);
  return {
    snapshot: snapshot === undefined ? null : { state: snapshot, stateVector },
    updates,
    damage: [],
    whole: true,
  };
}

/** A document to which the updates were applied. */
export function docOf(...updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

/** The state of a document with every kind of content that Yjs writes. */
export function everything(): Uint8Array {
  const { doc } = editedDoc(3);
  const text = doc.getText("text");
  text.insert(0, "aé😀");
  text.insert(1, "bold", { bold: true, link: { href: "x" } });
  text.insertEmbed(2, { image: ["a", null] });
  text.delete(1, 3);
  const map = doc.getMap("map");
  for (const [key, value] of Object.entries({
    a: 1,
    b: -70_000,
    c: 1.5,
    d: 0.1,
    e: 2n ** 60n,
    f: true,
    g: null,
    h: undefined,
    i: "s",
  })) {
    map.set(key, value);
  }
  map.set("bytes", new Uint8Array([1, 2, 3]));
  map.set("nested", { deep: [{ deeper: [new Uint8Array([1]), "x"] }] });
  map.set("type", new Y.Map([["array", new Y.Array()]]));
  const xml = doc.getXmlFragment("xml");
  const element = new Y.XmlElement("p");
  element.setAttribute("class", "x");
  xml.push([element, new Y.XmlText("t")]);
  doc.getArray("list").push([1, 2, 3]);
  doc.getArray("list").delete(0, 2);
  return Y.encodeStateAsUpdate(doc);
}
