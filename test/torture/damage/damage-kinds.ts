import { crc32 } from "node:zlib";
import type { Statement } from "../support/statement.ts";
import type { Image } from "./damage-image.ts";

/** What a room with damaged storage must be like. */
export type Outcome =
  /** It has everything, and takes edits. */
  | { readonly kind: "whole" }
  /** It says that it is damaged, shows what can be read, and takes nothing. */
  | { readonly kind: "read-only" }
  /** The one exception: the end of the log was deleted cleanly, which nothing can tell. It has what came before. */
  | { readonly kind: "cut"; readonly after: number };

export interface Damage {
  readonly name: string;
  readonly statements: readonly Statement[];
  readonly outcome: Outcome;
}

const WHOLE: Outcome = { kind: "whole" };
const READ_ONLY: Outcome = { kind: "read-only" };

/** Replaces one byte in the middle of a BLOB by another. */
const FLIPPED =
  "substr(data, 1, length(data) / 2) || CASE substr(data, length(data) / 2 + 1, 1) WHEN x'41' THEN x'42' ELSE x'41' END" +
  " || substr(data, length(data) / 2 + 2)";

const BYTES: readonly [name: string, expression: string][] = [
  ["a byte changed", `CAST(${FLIPPED} AS BLOB)`],
  ["cut in half", "substr(data, 1, length(data) / 2)"],
  ["a byte longer", "CAST(data || x'00' AS BLOB)"],
  ["emptied", "x''"],
];

/** Each row of log, snapshot and chunk, damaged in each way; what a room needs most comes first. */
export function damages(image: Image): Damage[] {
  const logRows = image.log.toReversed().flatMap((id) => logRow(image, id));
  return [...together(image), ...chunks(image), ...snapshots(image), ...logRows];
}

/** The newest snapshot unreadable, and one row of the log damaged too. */
export function doubleDamages(image: Image): Damage[] {
  const [, newest] = image.generations;
  const noSnapshot: Statement = ["UPDATE chunk SET data = x'' WHERE id = ?", newest * 4096];
  return image.log.flatMap((id) =>
    logRow(image, id).map(({ name, statements, outcome }) => ({
      name: `newest snapshot and ${name}`,
      statements: [...statements, noSnapshot],
      outcome: outcome.kind === "whole" ? READ_ONLY : outcome,
    })),
  );
}

function logRow(image: Image, id: number): Damage[] {
  const isNeeded = id > image.snapshotLogId;
  const outcome = isNeeded ? READ_ONLY : WHOLE;
  const isWholeTail = image.lastRecord.length === 1 && image.lastRecord[0] === id;
  const cut: Outcome = { kind: "cut", after: id - 1 };
  const update = (name: string, assignment: string, expected = outcome): Damage => ({
    name: `log ${id}: ${name}`,
    statements: [[`UPDATE log SET ${assignment} WHERE id = ?`, id]],
    outcome: expected,
  });
  return [
    ...BYTES.map(([name, expression]) => update(name, `data = ${expression}`)),
    update("another part", "part = part + 1"),
    update("of more parts", "parts = parts + 1"),
    update("another checksum", "checksum = checksum + 1"),
    update("moved behind the end", "id = id + 1000", READ_ONLY),
    {
      name: `log ${id}: deleted`,
      statements: [["DELETE FROM log WHERE id = ?", id]],
      outcome: isWholeTail ? cut : outcome,
    },
    {
      name: `log ${id}: no record, with a checksum that holds`,
      statements: [replaceLogRow(id, new Uint8Array([200, 1, 2]))],
      outcome,
    },
    {
      name: `log ${id}: no update, with a checksum that holds`,
      statements: [replaceLogRow(id, new Uint8Array([3, 200, 1, 2]))],
      outcome,
    },
  ];
}

function replaceLogRow(id: number, data: Uint8Array<ArrayBuffer>): Statement {
  const checksum = crc32(`${id}:0:1`, crc32(data));
  return ["UPDATE log SET part = 0, parts = 1, data = ?, checksum = ? WHERE id = ?", data, checksum, id];
}

/** Either snapshot can be done without, since the log after the previous one is there. */
function snapshots({ generations }: Image): Damage[] {
  const assignments = ["log_id = log_id - 1", "log_id = log_id + 1", "bytes = bytes + 1", "checksum = checksum + 1"];
  assignments.push("row_checksum = row_checksum + 1", "generation = generation + 5", "state_vector = x'00'");
  return generations.flatMap((generation) => [
    ...assignments.map(
      (assignment): Damage => ({
        name: `snapshot ${generation}: ${assignment}`,
        statements: [[`UPDATE snapshot SET ${assignment} WHERE generation = ?`, generation]],
        outcome: WHOLE,
      }),
    ),
    {
      name: `snapshot ${generation}: deleted`,
      statements: [["DELETE FROM snapshot WHERE generation = ?", generation]],
      outcome: WHOLE,
    },
  ]);
}

function chunks({ chunks: all }: Image): Damage[] {
  return all.toReversed().flatMap(({ id }) => [
    ...BYTES.map(
      ([name, expression]): Damage => ({
        name: `chunk ${id}: ${name}`,
        statements: [[`UPDATE chunk SET data = ${expression} WHERE id = ?`, id]],
        outcome: WHOLE,
      }),
    ),
    { name: `chunk ${id}: deleted`, statements: [["DELETE FROM chunk WHERE id = ?", id]], outcome: WHOLE },
    {
      name: `chunk ${id}: moved to another generation`,
      statements: [["UPDATE chunk SET id = id + 20480 WHERE id = ?", id]],
      outcome: WHOLE,
    },
  ]);
}

/** Whole tables, and whole ends of the log. */
function together(image: Image): Damage[] {
  const { snapshotLogId, lastRecord, generations, log } = image;
  const [, newest] = generations;
  const brokenNewest: Statement = ["UPDATE chunk SET data = x'' WHERE id = ?", newest * 4096];
  const beforeLast = (lastRecord[0] ?? 0) - 1;
  const firstKept = log[0] ?? 0;
  return [
    { name: "every snapshot row", statements: [["DELETE FROM snapshot"]], outcome: READ_ONLY },
    { name: "every chunk", statements: [["DELETE FROM chunk"]], outcome: READ_ONLY },
    { name: "every snapshot", statements: [["DELETE FROM snapshot"], ["DELETE FROM chunk"]], outcome: READ_ONLY },
    { name: "all but chunks", statements: [["DELETE FROM snapshot"], ["DELETE FROM log"]], outcome: READ_ONLY },
    { name: "log and chunks", statements: [["DELETE FROM chunk"], ["DELETE FROM log"]], outcome: READ_ONLY },
    { name: "the whole log", statements: [["DELETE FROM log"]], outcome: { kind: "cut", after: snapshotLogId } },
    {
      name: "the last record",
      statements: [["DELETE FROM log WHERE id > ?", beforeLast]],
      outcome: { kind: "cut", after: beforeLast },
    },
    {
      name: "the newest snapshot, and the log after it",
      statements: [brokenNewest, ["DELETE FROM log WHERE id > ?", snapshotLogId]],
      outcome: { kind: "cut", after: snapshotLogId },
    },
    {
      name: "the newest snapshot, and the log from its last row on",
      statements: [brokenNewest, ["DELETE FROM log WHERE id >= ?", snapshotLogId]],
      outcome: READ_ONLY,
    },
    {
      name: "the newest snapshot, and the whole log",
      statements: [brokenNewest, ["DELETE FROM log"]],
      outcome: READ_ONLY,
    },
    {
      name: "the newest snapshot, and the first row after the one before it",
      statements: [brokenNewest, ["DELETE FROM log WHERE id = ?", firstKept]],
      outcome: READ_ONLY,
    },
  ];
}
