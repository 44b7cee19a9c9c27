import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { ServerName } from "../servers/server.ts";
import { traceFile, whiteboardFile } from "./documents.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

const PEERS: readonly ServerName[] = ["stored-bytes", "roomful", "y-partyserver", "hocuspocus", "y-websocket-server"];
/** Past the pace at which the peers save. */
const SAVED_MS = 3_000;

/** What a join takes of a room that is in memory and of one that is not, in a runtime that has served the same before. */
function joinCase(name: string, document: () => string, joiners: number, size: Size): Case {
  // Whoever encodes for each joiner needs minutes for a thousand of them.
  const warmTurns = joiners > 1 ? 2 : { tiny: 2, quick: 10, full: 20 }[size];
  return {
    name,
    servers: PEERS,
    measure: (server) =>
      withServer(server, async ({ server: launched, run }) => {
        const file = document();
        const { size: documentBytes } = statSync(file);
        await run({ kind: "populate", rooms: ["practice", "measured"], document: file });
        await pause(SAVED_MS);
        const join = (room: string, turns: number, count = joiners) =>
          run({ kind: "join", room, joiners: count, turns, leastBytes: 0.9 * documentBytes });
        // Who keeps nothing has no cold join.
        if (server === "y-websocket-server") {
          return { cold: null, warm: await join("measured", warmTurns + 1) };
        }
        await launched.restart();
        await join("practice", 3, 1);
        const cold = await join("measured", 1);
        // One that is cold again where the last leaver takes the room along; the quantiles bear it.
        return { cold, warm: await join("measured", warmTurns + 1) };
      }),
  };
}

export const joins: Scenario = {
  name: "joins",
  about: "From the start of a connection to the whole answer, of rooms in memory and of rooms in storage.",
  repeats: { tiny: 1, quick: 2, full: 7 },
  cases: (size) => {
    const board = (megabytes: number) => () => whiteboardFile(megabytes * 1e6);
    if (size === "tiny") return [joinCase("0.1 MB", board(0.1), 1, size)];
    if (size === "quick") return [joinCase("5 MB", board(5), 1, size)];
    return [
      joinCase("1 MB", board(1), 1, size),
      joinCase("5 MB", board(5), 1, size),
      joinCase("5 MB, 50 at once", board(5), 50, size),
      joinCase("recorded session of 260,000 operations", () => traceFile("automerge-paper"), 1, size),
    ];
  },
};
