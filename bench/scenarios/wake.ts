import { setTimeout as pause } from "node:timers/promises";
import type { ServerName } from "../servers/server.ts";
import { whiteboardFile } from "./documents.ts";
import { type Scenario, withServer } from "./scenario.ts";

/** Seconds between two edits. An object that nobody asks anything hibernates after 10. */
const PAUSE_SECONDS = 14;
/** Past the pace at which both save. */
const SAVED_MS = 3_500;

export const wake: Scenario = {
  name: "wake",
  about: `One edit every ${PAUSE_SECONDS} s between two people: the object was taken out of memory before each of them.`,
  repeats: { tiny: 1, quick: 1, full: 1 },
  cases: (size) => {
    const megabytes = { tiny: [0.1], quick: [1], full: [0.1, 1, 5] }[size];
    const servers: readonly ServerName[] = ["roomful", "y-partyserver"];
    return megabytes.map((count) => ({
      name: `${count} MB`,
      servers,
      measure: (server) =>
        withServer(server, async ({ run }) => {
          // The first room of the traffic.
          await run({ kind: "populate", rooms: ["room-0"], document: whiteboardFile(count * 1e6) });
          await pause(SAVED_MS);
          return await run({
            kind: "traffic",
            content: "updates",
            rooms: 1,
            subscribers: 2,
            writers: 1,
            isPopulated: true,
            pace: { kind: "rate", perSecond: size === "tiny" ? 2 : 1 / PAUSE_SECONDS },
            // The edit at the beginning finds the object awake.
            warmupSeconds: 1,
            seconds: size === "tiny" ? 1 : 3.5 * PAUSE_SECONDS,
          });
        }),
    }));
  },
};
