import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Y from "yjs";
import { sequentialUpdates } from "../../test/support/traces.ts";

const FOLDER = ".cache/bench";
const PEOPLE = 20;

/**
 * A whiteboard with notes, as twenty people leave it: shapes with their places and texts, some of them deleted. The same
 * bytes each time.
 * @returns a file that holds it as one update of about so many bytes
 */
export function whiteboardFile(bytes: number): string {
  return cached(`whiteboard-${bytes}`, () => whiteboard(bytes));
}

/** A recorded editing session's document, and its file. */
export function traceFile(name: string): string {
  return cached(`trace-${name}`, () => {
    const doc = new Y.Doc();
    doc.transact(() => {
      for (const update of sequentialUpdates(name).updates) Y.applyUpdate(doc, update);
    });
    return Y.encodeStateAsUpdate(doc);
  });
}

/** The first updates of a recorded editing session, each behind its length in four bytes, little-endian. */
export function historyFile(name: string, count = Number.POSITIVE_INFINITY): string {
  return cached(`history-${name}-${count}`, () => {
    const updates = sequentialUpdates(name).updates.slice(0, count);
    return Buffer.concat(
      updates.flatMap((update) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(update.length);
        return [length, update];
      }),
    );
  });
}

function cached(name: string, make: () => Uint8Array): string {
  const path = join(FOLDER, `${name}.bin`);
  if (!existsSync(path)) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, make());
  }
  return path;
}

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
