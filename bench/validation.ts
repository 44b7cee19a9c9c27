/**
 * What the codec, and the checks in front of Yjs, cost for each frame: `npm run bench:validation [trace]`. Side by side in
 * one run, the rounds interleaved. Set TRACES to the folder that has the recordings.
 */
import { readFileSync } from "node:fs";
import * as Y from "yjs";
import { decodeFrame, encodeAwareness, encodeUpdate } from "../shared/frames.ts";
import { parseMessageToRoom } from "../shared/messages-to-room.ts";
import { sequentialUpdates } from "../test/support/traces.ts";
import { RoomDocument } from "../worker/document/document.ts";
import { readUpdateShape } from "../worker/document/update-shape.ts";
import { isPlainJson } from "../worker/runtime/json.ts";
import { cursorState } from "./load/cursors.ts";
import { median } from "./report/columns.ts";
import { markdown, number } from "./report/tables.ts";
import { whiteboardFile } from "./scenarios/documents.ts";

const ROUNDS = 7;
/** Updates of one window, as a busy room gathers them. */
const WINDOW = 100;
const PEOPLE = 30;
const CURSORS = 10_000;

const { updates } = sequentialUpdates(process.argv[2] ?? "automerge-paper");
const frames = updates.map(encodeUpdate);
const board = new Uint8Array(readFileSync(whiteboardFile(5e6)));
const boardDoc = new Y.Doc();
Y.applyUpdate(boardDoc, board);
const known = Y.encodeStateVector(boardDoc);
const log = logOf(boardDoc, known);

const states = Array.from({ length: PEOPLE }, (_, person) => ({
  clientId: 3_000_000_000 + person,
  clock: 1_000,
  state: new TextEncoder().encode(cursorState(person, 1_000)),
}));
const cursors = states.map((entry) => encodeAwareness([entry]));
const decoder = new TextDecoder();
const offer = JSON.stringify({ type: "event", data: { kind: "reaction", emoji: "wave", at: [12.5, 80.25] } });

interface Work {
  readonly name: string;
  /** How many frames one run is about. */
  readonly count: number;
  run(): void;
}

const works: readonly Work[] = [
  { name: "update: decode its frame", count: frames.length, run: () => frames.forEach(decodeFrame) },
  { name: "update: walk its structure", count: updates.length, run: () => updates.forEach(readUpdateShape) },
  {
    name: `update: apply with Yjs alone, ${WINDOW} in a transaction`,
    count: updates.length,
    run: () => inWindows((doc, update) => Y.applyUpdate(doc, update)),
  },
  { name: "update: apply as a room does, all checks included", count: updates.length, run: applyAsRoom },
  { name: "update: encode its frame", count: updates.length, run: () => updates.forEach(encodeUpdate) },
  { name: "whiteboard of 5 MB: walk its structure", count: 1, run: () => void readUpdateShape(board) },
  { name: "whiteboard of 5 MB: apply with Yjs alone", count: 1, run: () => Y.applyUpdate(new Y.Doc(), board) },
  { name: "whiteboard of 5 MB: encode it", count: 1, run: () => void Y.encodeStateAsUpdate(boardDoc) },
  { name: "whiteboard of 5 MB: merge a log of 10 kB into it", count: 1, run: () => void Y.mergeUpdates([board, log]) },
  {
    name: "whiteboard of 5 MB: what somebody lacks, from its bytes",
    count: 1,
    run: () => void Y.diffUpdate(board, known),
  },
  { name: "cursor: decode its frame", count: CURSORS, run: () => repeat((index) => decodeFrame(cursorAt(index))) },
  {
    name: "cursor: check its state",
    count: CURSORS,
    run: () => repeat((index) => isPlainJson(JSON.parse(decoder.decode(states[index % PEOPLE]?.state)))),
  },
  {
    name: `cursors: encode a frame of ${PEOPLE}`,
    count: CURSORS,
    run: () => repeat(() => encodeAwareness(states)),
  },
  { name: "text message: parse and check", count: CURSORS, run: () => repeat(() => parseMessageToRoom(offer)) },
];

/** What is written into a document now. */
function logOf(doc: Y.Doc, since: Uint8Array): Uint8Array {
  const writer = new Y.Doc();
  Y.applyUpdate(writer, Y.encodeStateAsUpdate(doc));
  for (let word = 0; word < 400; word++) writer.getText("notes").insert(word * 7, "a few more words, ");
  return Y.encodeStateAsUpdate(writer, since);
}

function repeat(work: (index: number) => unknown): void {
  for (let index = 0; index < CURSORS; index++) work(index);
}

function cursorAt(index: number): Uint8Array {
  const frame = cursors[index % PEOPLE];
  if (frame === undefined) throw new Error("no cursor");
  return frame;
}

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
    read: () => ({ snapshot: null, updates: [], damage: [], whole: true }),
    reportUnreadable: () => {},
    maxBytes: () => 1e9,
  });
  for (let start = 0; start < updates.length; start += WINDOW) {
    document.apply(
      updates.slice(start, start + WINDOW).map((update) => ({ author, update, denied: null, whole: false })),
    );
  }
}

const microseconds = works.map((): number[] => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, { count, run }] of works.entries()) {
    const started = performance.now();
    run();
    microseconds[index]?.push(((performance.now() - started) * 1000) / count);
  }
}

const bytes = Math.round(updates.reduce((sum, { length }) => sum + length, 0) / updates.length);
console.log(`${updates.length} updates of ${bytes} bytes on average, ${ROUNDS} rounds\n`);
console.log(
  markdown(
    ["", "median, µs", "least", "most"],
    works.map(({ name }, index) => {
      const figures = microseconds[index] ?? [];
      return [name, ...[median(figures), Math.min(...figures), Math.max(...figures)].map((each) => number(each, 2))];
    }),
  ),
);
