import type { PeopleResult } from "../load/job.ts";
import { type Case, type Scenario, type Size, withServer } from "./scenario.ts";

interface IdleFigures {
  readonly boot: string;
  readonly events: number;
}

export interface IdleScenarioResult extends PeopleResult {
  /** Messages and calls that the object handled meanwhile, at least. */
  readonly events: number;
  /** Whether the object was taken out of memory meanwhile: only then nothing is billed. */
  readonly hibernated: boolean;
}

function idleCase(name: string, stock: number, own: number, size: Size): Case {
  const people = size === "tiny" ? 0.04 : 1;
  return {
    name,
    servers: ["roomful"],
    measure: (server) =>
      withServer(server, async ({ server: launched, run }): Promise<IdleScenarioResult> => {
        const seconds = { tiny: 2, quick: 45, full: 60 }[size];
        // The first renewals come after 15 s.
        const settleSeconds = { tiny: 0.5, quick: 16, full: 16 }[size];
        const job = {
          kind: "people",
          stock: stock * people,
          own: own * people,
          editors: 0,
          updatesPerSecond: 0,
          movers: 0,
          cursorsPerSecond: 0,
          settleSeconds,
          seconds,
        } as const;
        const running = run(job);
        // After everybody came, and again shortly before they go.
        await new Promise((resolve) => setTimeout(resolve, (settleSeconds + 1) * 1000));
        const before = await launched.figures<IdleFigures>("people");
        await new Promise((resolve) => setTimeout(resolve, (seconds - 1.5) * 1000));
        const after = await launched.figures<IdleFigures>("people");
        const hibernated = after.boot !== before.boot;
        // The second call is an event itself.
        return { ...(await running), events: after.events - 1 - (hibernated ? 0 : before.events), hibernated };
      }),
  };
}

export const idle: Scenario = {
  name: "idle",
  about: "People who are there and do nothing: what wakes the room.",
  repeats: { tiny: 1, quick: 1, full: 1 },
  cases: (size) => [
    idleCase("100 clients of roomful.v1", 0, 100, size),
    idleCase("100 stock clients", 100, 0, size),
    idleCase("50 of each", 50, 50, size),
  ],
};
