/**
 * What a document takes of an isolate's memory: `npm run bench:memory [megabytes,…]`. workerd on this machine has no limit
 * of its own, so the heap is measured: after garbage collection with the document in memory, and its highest reading
 * while 20 join at once, again and again, and somebody edits and snapshots are written.
 */
import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { IsolateInspector } from "../test/support/isolate-inspector.ts";
import { freePort } from "../test/support/ports.ts";
import { markdown, number } from "./report/tables.ts";
import { whiteboardFile } from "./scenarios/documents.ts";
import { withServer } from "./scenarios/scenario.ts";

const JOINERS = 20;
const TURNS = 8;
/** Written while they join. */
const SNAPSHOTS = 3;
const ROOM = "memory";
const sizes = (process.argv[2] ?? "1,2,4,6,8").split(",").map(Number);

const rows: string[][] = [];
for (const megabytes of sizes) {
  const document = whiteboardFile(megabytes * 1e6);
  const encoded = statSync(document).size;
  const inspectorPort = await freePort();
  const settings = { MAX_DOCUMENT_BYTES: `${24 * 2 ** 20}`, MAX_FRAME_BYTES: `${24 * 2 ** 20}` };
  await withServer(
    "roomful",
    async ({ server, run }) => {
      const inspector = await IsolateInspector.connect(inspectorPort, server.url);
      const empty = await inspector.heapAtRest();
      await run({ kind: "populate", rooms: [ROOM], document });
      await pause(3_000);
      const loaded = await inspector.heapAtRest();
      let most = loaded;
      let isWatched = true;
      const watched = (async () => {
        while (isWatched) most = Math.max(most, await inspector.heapNow());
      })();
      const joining = run({ kind: "join", room: ROOM, joiners: JOINERS, turns: TURNS, leastBytes: 0.9 * encoded });
      for (let edits = 1; edits <= SNAPSHOTS; edits++) {
        await run({ kind: "edit", room: ROOM, edits });
        await server.flush(ROOM);
      }
      const { residentBytes } = await joining;
      isWatched = false;
      await watched;
      const { storage } = await server.figures<{ storage: { snapshotGeneration: number } }>(ROOM);
      if (storage.snapshotGeneration < SNAPSHOTS) throw new Error("not every snapshot was written");
      inspector.close();
      const megabyte = (bytes: number) => number(bytes / 1e6, 1);
      rows.push([
        megabyte(encoded),
        megabyte(empty),
        megabyte(loaded),
        number((loaded - empty) / encoded, 1),
        megabyte(most),
        megabyte(residentBytes),
      ]);
    },
    { inspectorPort, settings },
  );
}
console.log(
  markdown(
    [
      "encoded, MB",
      "heap before, MB",
      "heap, MB",
      "heap per byte",
      `highest seen with ${JOINERS} joiners, edits and snapshots, MB`,
      "resident, MB",
    ],
    rows,
  ),
);
