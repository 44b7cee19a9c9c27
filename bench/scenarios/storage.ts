import { setTimeout as pause } from "node:timers/promises";
import type { HistoryResult } from "../load/job.ts";
import type { ServerName } from "../servers/server.ts";
import { growthFile, historyFile, whiteboardFile } from "./documents.ts";
import { type Bench, type Case, type Scenario, type Size, withServer } from "./scenario.ts";

/** Those that count what they write. Hocuspocus writes the whole document into one row each time it saves. */
const COUNTING: readonly ServerName[] = ["roomful", "y-partyserver"];
/** Past the pace at which all of them save. */
const SAVED_MS = 3_500;
const TRACE = "automerge-paper";
/** Long enough that what is logged is also folded into snapshots and deleted. */
export const WHOLE_SESSION = "a whole session of 260,000 operations, 2,000 per s";

/** Bytes: as large as a document may be, less what is left for deletions to be taken. */
const LIMIT = 6_200_000;
const TO_THE_LIMIT = "from nothing to 6.2 MB, 1 kB in each update, 300 per s";

interface StorageFigures {
  readonly rowsWritten: number;
  readonly bytesWritten: number;
}

export interface StorageResult extends HistoryResult {
  readonly rowsWritten: number;
  readonly bytesWritten: number;
}

interface Typing {
  /** How many updates of a recorded session, from its beginning; or a file that has others. */
  readonly updates: number | { readonly file: () => string };
  readonly perSecond: number;
  /** Of the document that the room has before. */
  readonly megabytes?: number;
}

/** Somebody types into a room that has a document already or none. */
function typing(name: string, size: Size, options: Typing): Case {
  const history = () => {
    const { updates } = options;
    return typeof updates === "number" ? historyFile(TRACE, size === "tiny" ? 50 : updates) : updates.file();
  };
  return {
    name,
    servers: COUNTING,
    measure: (server) =>
      withServer(server, async (bench): Promise<StorageResult> => {
        const room = "storage";
        if (options.megabytes !== undefined) {
          await bench.run({ kind: "populate", rooms: [room], document: whiteboardFile(options.megabytes * 1e6) });
          await pause(SAVED_MS);
        }
        const before = await figuresOf(bench, room);
        const batch = Math.max(1, Math.round(options.perSecond / 20));
        const result = await bench.run({
          kind: "history",
          room,
          history: history(),
          batch,
          pauseMs: 50,
        });
        await pause(SAVED_MS);
        const after = await figuresOf(bench, room);
        return {
          ...result,
          rowsWritten: after.rowsWritten - before.rowsWritten,
          bytesWritten: after.bytesWritten - before.bytesWritten,
        };
      }),
  };
}

async function figuresOf({ server }: Bench, room: string): Promise<StorageFigures> {
  return (await server.figures<{ storage: StorageFigures }>(room)).storage;
}

export const storage: Scenario = {
  name: "storage",
  about: "What typing makes a server write: rows, and bytes for each byte of update payload.",
  repeats: { tiny: 1, quick: 1, full: 1 },
  cases: (size) => {
    const typed = { updates: 1_000, perSecond: 100 };
    const empty = typing("1,000 updates, 100 per s, into an empty room", size, typed);
    if (size === "tiny") return [empty];
    const grown = (megabytes: number) =>
      typing(`1,000 updates, 100 per s, into ${megabytes} MB`, size, { ...typed, megabytes });
    if (size === "quick") return [empty, grown(1)];
    const whole = typing(WHOLE_SESSION, size, {
      updates: Number.POSITIVE_INFINITY,
      perSecond: 2_000,
    });
    const full = typing(TO_THE_LIMIT, size, { updates: { file: () => growthFile(LIMIT) }, perSecond: 300 });
    return [empty, grown(1), grown(3), grown(5), whole, full];
  },
};
