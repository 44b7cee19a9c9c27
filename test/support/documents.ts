import * as Y from "yjs";

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

/** What some updates make together, as one. */
export function documentOf(updates: readonly Uint8Array[]): Uint8Array {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
  return Y.encodeStateAsUpdate(doc);
}

/** What somebody has who has just this. */
export function stateVectorOf(update: Uint8Array): Uint8Array {
  return Y.encodeStateVectorFromUpdate(update);
}
