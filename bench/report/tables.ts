import type { Run, ScenarioResults } from "../results.ts";
import { SERVERS } from "../servers/catalog.ts";
import type { ServerName } from "../servers/server.ts";
import { COLUMNS, type Column, median } from "./columns.ts";

/** A scenario's tables in Markdown, one for each case: a row for each server, the median of the repeats in each field. */
export function tablesOf({ scenario, runs }: ScenarioResults): string {
  const columns = COLUMNS[scenario] ?? [];
  return casesOf(runs)
    .map((name) => {
      const rows = serversOf(runs, name).map((server) => {
        const own = runs.filter((run) => run.case === name && run.server === server);
        return [SERVERS[server].label, ...columns.map((column) => field(column, own))];
      });
      return `**${name}**\n\n${markdown(["", ...columns.map(({ title }) => title)], rows)}`;
    })
    .join("\n\n");
}

export function casesOf(runs: readonly Run[]): string[] {
  return [...new Set(runs.map((run) => run.case))];
}

export function serversOf(runs: readonly Run[], name: string): ServerName[] {
  return [...new Set(runs.filter((run) => run.case === name).map(({ server }) => server))];
}

/** The figures of one column in some runs, without those that failed. */
export function valuesOf(column: Column, runs: readonly Run[]): number[] {
  return runs
    .filter(({ error }) => error === undefined)
    .map(({ result }) => column.value(result))
    .filter((value) => value !== null);
}

function field(column: Column, runs: readonly Run[]): string {
  const values = valuesOf(column, runs);
  if (values.length === 0) return runs.some(({ error }) => error !== undefined) ? "failed" : "–";
  return medianAndSpread(values, column.digits, isCutOff(column, runs));
}

export function isCutOff(column: Column, runs: readonly Run[]): boolean {
  return runs.some(({ result, error }) => error === undefined && column.isCutOff(result));
}

/** The median, with the least and the most if there are several; never of nothing. @param isMore than that */
export function medianAndSpread(values: readonly number[], digits: number, isMore = false): string {
  const middle = `${isMore ? "> " : ""}${number(median(values), digits)}`;
  if (values.length === 1) return middle;
  return `${middle} (${number(Math.min(...values), digits)}–${number(Math.max(...values), digits)})`;
}

export function number(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map((_, index) => (index === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
