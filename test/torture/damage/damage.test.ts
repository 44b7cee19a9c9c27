import { describe, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { isLong, report, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { type DamageOptions, runDamage } from "./damage.ts";

const group = isLong ? describe : describe.concurrent;

const LONG: readonly (readonly [string, DamageOptions])[] = [
  ["every place", { large: false, double: true }],
  ["records and snapshots that span rows", { large: true, double: true }],
];
const SHORT: typeof LONG = [["a sample", { large: false, double: true, sample: { of: 9, remainder: seed } }]];

group("what a room has stored is damaged", () => {
  it.for(isLong ? LONG : SHORT)(
    "[STORE-2] [STORE-3] it is whole, or says that it is not: %s",
    async ([mode, options], { expect }) => {
      const { whole, readOnly, cut } = await runDamage(options);
      report(
        `damage, ${mode}: ${whole} rooms whole, ${readOnly} read-only, ${cut} with the end of the log cut cleanly`,
      );
      expect(whole).toBeGreaterThan(0);
      expect(readOnly).toBeGreaterThan(0);
    },
  );
});

group("catches", { retry: 1 }, () => {
  it.for<[string, Plant]>([
    [
      "a log whose checksums are not looked at",
      {
        file: "worker/storage/log.ts",
        find: "if (logChecksumOf(row.id, row.part, row.parts, data) !== row.checksum) {",
        replace: "if (false) {",
      },
    ],
    [
      "a snapshot whose checksum is not looked at",
      { file: "worker/storage/snapshots.ts", find: " && checksum === row.checksum", replace: "" },
    ],
    [
      "a snapshot that deletes the log that its fallback needs",
      { file: "worker/storage/store.ts", find: 'id <= ?", base.logId', replace: 'id <= ?", opened.lastLogId' },
    ],
    [
      "a damaged room that takes edits",
      { file: "worker/sync/persistence.ts", find: "if (!stored.whole)", replace: "if (false)" },
    ],
    [
      "a log that ends too early",
      {
        file: "worker/storage/store.ts",
        find: "const cut = opened.lastLogId < logMustReach;",
        replace: "const cut = false;",
      },
    ],
  ])("%s", async ([, plant], { expect }) => {
    await expect(runDamage({ large: false, double: false, plant })).rejects.toThrow(Violation);
  });
});
