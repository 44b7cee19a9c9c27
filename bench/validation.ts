/**
 * What the checks in front of Yjs cost for each update of a recorded editing session: `npm run bench:validation [trace]`.
 * Side by side in one run, the rounds interleaved; medians. Set TRACES to the folder that has the recordings.
 */
import * as Y from "yjs";
import { decodeFrame, encodeUpdate } from "../shared/frames.ts";
import { sequentialUpdates } from "../test/support/traces.ts";
import { RoomDocument } from "../worker/document.ts";
import { readUpdateShape } from "../worker/update-shape.ts";

const ROUNDS = 7;
/** Updates of one window, as a busy room gathers them. */
const WINDOW = 100;

const { updates } = sequentialUpdates(process.argv[2] ?? "automerge-paper");
const frames = updates.map(encodeUpdate);

const works: [string, () => void][] = [
  ["decode the frame", () => frames.forEach(decodeFrame)],
  ["walk the update's structure", () => updates.forEach(readUpdateShape)],
  ["apply with Yjs alone, in windows of 100", () => inWindows((doc, update) => Y.applyUpdate(doc, update))],
  ["apply as a room does, all checks included", applyAsRoom],
];

function inWindows(apply: (doc: Y.Doc, update: Uint8Array) => void): void {
  const doc = new Y.Doc();
  doc.on("update", () => {});
  for (let start = 0; start < updates.length; start += WINDOW) {
    doc.transact(() => {
      for (const update of updates.slice(start, start + WINDOW)) apply(doc, update);
    });
  }
}

function applyAsRoom(): void {
  const author = {};
  const document = new RoomDocument({
    read: () => ({ snapshot: null, updates: [], intact: true }),
    unreadable: () => {},
    maxBytes: () => 1e9,
  });
  for (let start = 0; start < updates.length; start += WINDOW) {
    document.apply(
      updates.slice(start, start + WINDOW).map((update) => ({ author, update, denied: null, whole: false })),
    );
  }
}

const microseconds = new Map(works.map(([name]) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, work] of works) {
    const started = performance.now();
    work();
    microseconds.get(name)?.push(((performance.now() - started) * 1000) / updates.length);
  }
}

console.log(
  `${updates.length} updates of ${Math.round(updates.reduce((sum, { length }) => sum + length, 0) / updates.length)} bytes on average, ${ROUNDS} rounds; microseconds per update`,
);
for (const [name, figures] of microseconds) {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.round(part * (sorted.length - 1))] ?? 0).toFixed(2);
  console.log(`${name.padEnd(45)} median ${at(0.5)}  least ${at(0)}  most ${at(1)}`);
}
