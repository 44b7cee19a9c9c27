import { expect, it } from "vitest";
import { ROW_BYTES, SUBJECT_CHARACTERS, SUBJECT_RULES } from "../../shared/limits.ts";
import { INITIAL_ROOM_SETTINGS } from "../../shared/moderation.ts";
import { CAPABILITIES, type Capability, utf8Length } from "../../shared/rooms.ts";
import { codeOf } from "../../test/support/code-of.ts";
import { Rules } from "./rules.ts";

/** Rules over a row that keeps what was written last. */
function rulesOver(row: string | null = null) {
  const rows = [row];
  const rules = new Rules({ readRules: () => rows.at(-1) ?? null, writeRules: (json) => void rows.push(json) });
  return { rules, rows };
}

/** Different subjects of the most characters, each of which JSON in UTF-8 writes with so many bytes. */
const subjects = (count: number, character: string) =>
  Array.from({ length: count }, (_, index) => `${index}`.padEnd(SUBJECT_CHARACTERS, character));

const stored = (names: readonly string[], capabilities: readonly Capability[] = CAPABILITIES) =>
  JSON.stringify({
    settings: INITIAL_ROOM_SETTINGS,
    insiders: [],
    subjects: names.map((name) => [name, { isBanned: true, isMuted: true, capabilities }]),
  });

it("[MOD-5] as many rules as there may be, and as many who were in when the room was locked, fit a row", () => {
  const { rules, rows } = rulesOver(stored(subjects(SUBJECT_RULES, "\u{4e2d}")));
  rules.change({ locked: true }, subjects(1_000, "\u{6587}"));
  expect(utf8Length(rows.at(-1) ?? "")).toBeLessThanOrEqual(ROW_BYTES);
  expect(rules.settings.locked).toBe(true);
});

it("[MOD-6] rules that fit no row are refused, and change nothing", () => {
  const { rules, rows } = rulesOver(stored(subjects(SUBJECT_RULES, "\u{1}")));
  expect(codeOf(() => rules.change({ locked: true }, subjects(1_000, "\u{1}")))).toBe("too-many-rules");
  expect([rules.settings.locked, rows.length]).toEqual([false, 1]);
});

it("[MOD-1] capabilities that were stored as a list of 6,000 are read as a set", () => {
  const list = Array.from({ length: 6_000 }, (): Capability => "read");
  const { rules } = rulesOver(stored(["ada"], list));
  expect(rules.capabilitiesOf({ capabilities: [], subject: "ada" })).toEqual(["read"]);
});
