import { describe, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { isLong, report, scaled, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { type CrashFigures, runCrash } from "./crash.ts";

const rounds = scaled({ short: 3, long: 50 });
const longestLoad = scaled({ short: 1_000, long: 2_000 });

function tell(mode: string, figures: CrashFigures): void {
  report(
    `crash, ${mode}: ${figures.kills} kills, ${figures.acknowledged} edits acknowledged, 0 lost, 0 twice, ` +
      `${figures.inFlight} in flight; ${figures.snapshots} snapshots told, ${figures.generationsDeleted} deleted again, ` +
      `${figures.killsNearSnapshot} kills within 50 ms after one, ${figures.killsInSnapshot} in one; ` +
      `reload p50 ${figures.reload.p50} ms, max ${figures.reload.max} ms; ${figures.documentBytes} bytes at the end`,
  );
}

/** Side by side, each would measure the other's reloads too. */
const group = isLong ? describe : describe.concurrent;

group("kill -9 of every process under load, again and again over the same rooms", () => {
  it.for<[string, boolean]>([
    ["as deployed", false],
    ["in strict mode", true],
  ])("[SAVE-7] [SAVE-8] loses nothing that was promised: %s", async ([mode, strict], { expect }) => {
    const figures = await runCrash({ seed, rounds, longestLoad, strict });
    tell(mode, figures);
    expect(figures.acknowledged).toBeGreaterThan(0);
    expect(figures.inFlight).toBeGreaterThan(0);
    expect(figures.snapshots).toBeGreaterThan(0);
    if (!isLong) return;
    expect(figures.generationsDeleted).toBeGreaterThan(rounds);
    expect(figures.killsNearSnapshot).toBeGreaterThan(0);
  });
});

group("catches", { retry: 1 }, () => {
  it.for<[string, boolean, Plant]>([
    [
      "an acknowledgement before the commit",
      false,
      {
        file: "worker/sync/sync.ts",
        find: "if (uncommittedBytes === 0) this.#acknowledgements.payAll();",
        replace: "this.#acknowledgements.payAll();",
      },
    ],
    [
      "strict mode that sends before it commits",
      true,
      { file: "worker/sync/sync.ts", find: "if (this.#settings.STRICT) this.#persistence.commit();", replace: "" },
    ],
    [
      "a snapshot that is older than the log row it names",
      false,
      {
        file: "worker/sync/persistence.ts",
        find: "this.#store.writeSnapshot(snapshot);",
        replace:
          "const last = this.last; this.last = snapshot; " +
          "this.#store.writeSnapshot(last ?? { state: new Uint8Array(2), stateVector: null });",
      },
    ],
    [
      "a commit that keeps only the newest of its updates",
      false,
      {
        file: "worker/sync/persistence.ts",
        find: "this.#store.append(this.#uncommitted);",
        replace: "this.#store.append(this.#uncommitted.slice(-1));",
      },
    ],
    [
      "deletions that are acknowledged and not kept",
      false,
      {
        file: "worker/document/document.ts",
        find: "if (!isChange) return outcome;",
        replace: "if (!addsStructs(doc, shape)) return outcome;",
      },
    ],
  ])("%s", async ([, strict, plant], { expect }) => {
    await expect(runCrash({ seed, rounds: 12, longestLoad: 1_000, strict, plant })).rejects.toThrow(Violation);
  });
});
