import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../shared/errors.ts";
import { SETTINGS } from "../../worker/settings/settings.ts";
import { boundRows } from "../support/bounds-table.ts";

const read = (path: string) => readFileSync(path, "utf8");
const RULE = /\[([A-Z]+-\d+)\]/g;

describe("docs/PROTOCOL.md", () => {
  const stated = [...read("docs/PROTOCOL.md").matchAll(/^\*\*\[([A-Z]+-\d+)\]\*\*/gm)].map(([, rule]) => rule);
  const tests = globSync("{shared,client,whiteboard,worker,backend,test}/**/*.test.ts");
  const quoted = new Set(tests.flatMap((path) => [...read(path).matchAll(RULE)].map(([, rule]) => rule)));

  it("states each rule once", () => {
    expect(stated.length).toBeGreaterThan(20);
    expect(stated.filter((rule, index) => stated.indexOf(rule) !== index)).toEqual([]);
  });

  it("has a test for each rule, and a rule for each number that a test quotes", () => {
    expect(stated.filter((rule) => !quoted.has(rule))).toEqual([]);
    expect([...quoted].filter((rule) => !stated.includes(rule))).toEqual([]);
  });

  it("lists every error with its codes", () => {
    const rows = Object.entries(ERRORS).map(([code, { close, http }]) => `| \`${code}\` | ${close} | ${http} |`);
    const text = read("docs/PROTOCOL.md");
    expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  });
});

it("docs/settings.md says what the table of settings says", () => {
  const text = read("docs/settings.md");
  for (const [name, { default: initial, unit, range, why }] of Object.entries(SETTINGS)) {
    const shown = initial === "" ? "none" : `\`${initial}\``;
    expect(text).toContain(`| \`${name}\` | ${shown} | ${unit} | ${range} | ${why} |`);
  }
});

it("docs/limits.md says of each bound what the settings and shared/limits.ts say", () => {
  const rows = boundRows();
  expect(rows.length).toBeGreaterThan(30);
  const stated = read("docs/limits.md").split("\n");
  expect(rows.filter((row) => !stated.includes(row))).toEqual([]);
  const names = (lines: readonly string[]) => lines.flatMap((line) => /^\| `([A-Z_]+)` \|/.exec(line)?.[1] ?? []);
  expect(names(stated)).toEqual(names(rows));
});

it.each([
  ["docs/code.md", 20],
  ["README.md", 5],
])("%s names files and methods that are there", (page, least) => {
  const ways = [...read(page).matchAll(/`((?:worker|shared|client)\/[\w/-]+\.ts)`\s+((?:`[#\w]+`(?:, )?)+)/g)];
  expect(ways.length).toBeGreaterThan(least);
  const missing = ways.flatMap(([, file = "", names = ""]) => {
    const source = read(file);
    const named = [...names.matchAll(/`([#\w]+)`/g)].map(([, name]) => name);
    const isDeclared = (name: string) =>
      new RegExp(`^ *(?:export |override |async |function )*${name}[(<]`, "m").test(source);
    return named.filter((name = "") => !isDeclared(name)).map((name) => `${file} ${name}`);
  });
  expect(missing).toEqual([]);
});
