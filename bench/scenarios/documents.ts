import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { documentOf, whiteboard } from "../../test/support/documents.ts";
import { sequentialUpdates } from "../../test/support/traces.ts";

const FOLDER = ".cache/bench";

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
