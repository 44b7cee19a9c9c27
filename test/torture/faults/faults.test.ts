import { describe, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { isLong, report, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { type FaultsFigures, type FaultsOptions, runFaults } from "./faults.ts";

const group = isLong ? describe : describe.concurrent;

function tell(mode: string, { calls, sessions, struck, steps }: FaultsFigures): void {
  const where = [...steps].map(([step, count]) => `${step} ${count}`).join(", ");
  report(`faults, ${mode}: ${calls} storage calls, ${sessions} sessions, ${struck} faults struck (${where})`);
}

const LONG: readonly (readonly [string, FaultsOptions])[] = [
  ["each kind of fault, with each sequel, at each call", { every: "combination" }],
  ["in strict mode", { every: "combination", settings: { STRICT: "true" } }],
  ["with a commit window", { every: "call", settings: { COALESCE_MS: "5", COMMIT_MS: "20" } }],
  ["with records that span rows", { every: "call", large: true }],
];
const SHORT: typeof LONG = [["a sample", { every: "call", sample: { of: 7, remainder: seed } }]];

group("a storage call of a scripted session fails", () => {
  it.for(isLong ? LONG : SHORT)(
    "[STORE-9] nobody is told what is not so, or left waiting: %s",
    async ([mode, options], { expect }) => {
      const figures = await runFaults(options);
      tell(mode, figures);
      // A call may come at another number in a session in which timers fire at other moments.
      expect(figures.struck).toBeGreaterThan(0.9 * figures.sessions);
    },
  );
});

group("catches", { retry: 1 }, () => {
  it.for<[string, Plant]>([
    [
      "an acknowledgement although the commit failed",
      {
        file: "worker/sync/persistence.ts",
        find: "this.#store.append(this.#uncommitted);",
        replace: "try { this.#store.append(this.#uncommitted); } catch {}",
      },
    ],
    [
      "an empty document where reading failed",
      {
        file: "worker/sync/persistence.ts",
        find: "const stored = this.#store.read();",
        replace:
          "let stored; try { stored = this.#store.read(); } " +
          "catch { stored = { snapshot: null, updates: [], damage: [], whole: true }; }",
      },
    ],
    [
      "memory that is kept after a commit failed",
      { file: "worker/sync/sync.ts", find: "this.#document.discard();", replace: "" },
    ],
    [
      "clients that are kept after a commit failed",
      { file: "worker/sync/sync.ts", find: "for (const session of this.#sessions) session.end(code);", replace: "" },
    ],
    [
      "tables that are believed in although making them failed",
      {
        file: "worker/storage/store.ts",
        find: "this.#rowsWritten += migrate(this.#storage.sql, opened.version);",
        replace: "this.#rowsWritten += migrate(this.#storage.sql, opened.version); opened.version = SCHEMA_VERSION;",
      },
    ],
  ])("%s", async ([, plant], { expect }) => {
    // Whatever a room does wrong at a fault, what it says after it is compared with what is kept.
    const combinations = [{ kind: "once", sequel: "live on, then crash" }] as const;
    const run = runFaults({ every: "call", combinations, patience: 5_000, plant });
    await expect(run).rejects.toThrow(Violation);
  });
});
