import { readFileSync } from "node:fs";
import { SETTINGS } from "../../worker/settings/settings.ts";

const BOUND = /^MAX_|_RATE$/;
const CONSTANT = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const ([A-Z_0-9]+)[^=]*= ([^;]+);/g;

/** Rows of the one table of everything that is bounded: bound, value, what is counted, why. */
export function boundRows(): string[] {
  const settings = Object.entries(SETTINGS)
    .filter(([name]) => BOUND.test(name))
    .map(([name, { default: value, unit, why }]) => row(name, `${value}`, unit, why));
  const constants = [...readFileSync("shared/limits.ts", "utf8").matchAll(CONSTANT)].map(([, comment, name, value]) => {
    const words = (comment ?? "").replace(/\s*\n \* ?/g, " ").trim();
    // Its first sentence says what is counted.
    const end = words.indexOf(". ") === -1 ? words.length : words.indexOf(". ") + 1;
    return row(name ?? "", value ?? "", words.slice(0, end), words.slice(end).trim());
  });
  return [...settings, ...constants];
}

function row(name: string, value: string, what: string, why: string): string {
  return `| \`${name}\` | ${value} | ${what} | ${why} |`;
}
