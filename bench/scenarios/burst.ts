import { type Scenario, withServer } from "./scenario.ts";

/** What is not delivered then will not be waited for. */
export const TIMEOUT_SECONDS = 60;
const UPDATES = { tiny: 2_000, quick: 200_000, full: 200_000 } as const;

export const burst: Scenario = {
  name: "burst",
  about: "One writer sends one-operation updates as fast as the socket takes them; in the middle somebody joins.",
  repeats: { tiny: 1, quick: 2, full: 5 },
  cases: (size) => [
    {
      name: `${UPDATES[size].toLocaleString("en")} updates`,
      servers: ["relay", "roomful", "y-partyserver", "hocuspocus", "y-websocket-server", "node-relay"],
      measure: (server) =>
        withServer(server, ({ run }) =>
          run({ kind: "burst", updates: UPDATES[size], timeoutSeconds: TIMEOUT_SECONDS }),
        ),
    },
  ],
};
