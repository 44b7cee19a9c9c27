/**
 * Sends a whole recorded editing session through a room and prints what it cost: `npm run bench:trace [trace]`.
 * Set TRACES to the folder that has the recordings.
 */
import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import { BareRoomServer } from "../test/support/bare-room-server.ts";
import { RawClient } from "../test/support/raw-client.ts";
import { sequentialUpdates } from "../test/support/traces.ts";
import { framesPerSecondAtMost, sendAll } from "./floor.ts";

const trace = process.argv[2] ?? "automerge-paper";
const ROOM = "trace";
const { updates, endContent } = sequentialUpdates(trace);
const payload = updates.reduce((sum, update) => sum + update.length, 0);
const floor = await framesPerSecondAtMost(updates.slice(0, 50_000));
const server = await BareRoomServer.start();
const url = `${await server.url()}/${ROOM}`;
const writer = await RawClient.connect(url);
const reader = await RawClient.connect(url);
await writer.sync();
await reader.sync();

const seconds = await sendAll(writer, updates);
await pause(2_500);

const { storage, document } = await (await server.room(ROOM)).statistics();
writer.close();
reader.close();
await server.restart();
const loadStarted = performance.now();
const stateVector = await (await server.room(ROOM)).getStateVector();
const loadMilliseconds = performance.now() - loadStarted;
const state = await (await server.room(ROOM)).getState();
const doc = new Y.Doc();
Y.applyUpdate(doc, state);
const exact = doc.getText("text").toString() === endContent;
await server.stop();

console.log(`trace                          ${trace}: ${updates.length} updates, ${payload} bytes of update payload`);
console.log(`content after a cold load      ${exact ? "exactly the recorded end" : "DIFFERENT from the recorded end"}`);
console.log(
  `time until all was saved       ${seconds.toFixed(2)} s, ${Math.round(updates.length / seconds)} updates/s`,
);
const ratio = updates.length / seconds / floor;
console.log(
  `floor                          ${Math.round(floor)} frames/s into an object that only counts them; ratio ${ratio.toFixed(2)}`,
);
console.log(`frames to the subscriber       ${reader.updates.length}`);
console.log(
  `rows written                   ${storage.rowsWritten} (${(storage.rowsWritten / seconds).toFixed(1)} per second)`,
);
console.log(
  `bytes written                  ${storage.bytesWritten}, ${(storage.bytesWritten / payload).toFixed(2)} per byte of payload`,
);
console.log(`snapshots                      ${storage.snapshotsWritten}, the last of ${storage.snapshotBytes} bytes`);
console.log(`stored at the end              ${document.bytes} bytes, ${storage.logRows} log rows`);
console.log(
  `cold load (start of runtime excluded, first call of the room included)  ${loadMilliseconds.toFixed(0)} ms`,
);
console.log(`state vector                   ${stateVector.length} bytes; state ${state.length} bytes`);
if (!exact) process.exitCode = 1;
