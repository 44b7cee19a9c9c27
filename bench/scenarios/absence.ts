import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { stateVectorOf } from "../../test/support/documents.ts";
import type { ServerName } from "../servers/server.ts";
import { whiteboardFile } from "./documents.ts";
import { type Scenario, withServer } from "./scenario.ts";

const EDITS = 10;

export const absence: Scenario = {
  name: "absence",
  about: `Bytes on the wire for somebody who has the document but for ${EDITS} edits, all that a connection costs included.`,
  repeats: { tiny: 1, quick: 1, full: 3 },
  cases: (size) => {
    const megabytes = { tiny: 0.1, quick: 1, full: 5 }[size];
    const servers: readonly ServerName[] = ["roomful", "y-partyserver", "hocuspocus", "y-websocket-server"];
    return [
      {
        name: `${EDITS} edits behind in ${megabytes} MB`,
        servers,
        measure: (server) =>
          withServer(server, async ({ run }) => {
            const file = whiteboardFile(megabytes * 1e6);
            const room = "absence";
            await run({ kind: "populate", rooms: [room], document: file });
            await run({
              kind: "edit",
              room,
              edits: EDITS,
            });
            await pause(500);
            // As a client has it that was there before the edits.
            const vector = [...stateVectorOf(new Uint8Array(readFileSync(file)))];
            return await run({ kind: "join", room, joiners: 1, turns: 1, leastBytes: 0, stateVector: vector });
          }),
      },
    ];
  },
};
