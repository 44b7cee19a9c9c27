import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Y from "yjs";
import { documentOf, whiteboard } from "../../test/support/documents.ts";
import { sequentialUpdates } from "../../test/support/traces.ts";

const FOLDER = ".cache/bench";
const KILOBYTE = 1_000;
/** What an update of one insertion has beside its text, about. */
const BYTES_AROUND = 20;

/** A file that holds a whiteboard of about so many bytes as one update. */
export function whiteboardFile(bytes: number): string {
  return cached(`whiteboard-${bytes}`, () => whiteboard(bytes));
}

/** A recorded editing session's document, and its file. */
export function traceFile(name: string): string {
  return cached(`trace-${name}`, () => documentOf(sequentialUpdates(name).updates));
}

/** The first updates of a recorded editing session, each behind its length in four bytes, little-endian. */
export function historyFile(name: string, count = Number.POSITIVE_INFINITY): string {
  return cached(`history-${name}-${count}`, () => history(sequentialUpdates(name).updates.slice(0, count)));
}

function history(updates: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    updates.flatMap((update) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(update.length);
      return [length, update];
    }),
  );
}

/** Somebody's notes as they grow to so many bytes, a kilobyte in each update; as a file like the one above. */
export function growthFile(bytes: number): string {
  return cached(`growth-${bytes}`, () => {
    const doc = new Y.Doc();
    doc.clientID = 1;
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    const notes = doc.getText("notes");
    for (let at = 0; at + KILOBYTE < bytes; at += KILOBYTE) {
      notes.insert(notes.length, `${at}: `.padEnd(KILOBYTE - BYTES_AROUND, "abcdefghij"));
    }
    return history(updates);
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
