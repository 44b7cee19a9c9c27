/**
 * Writes the tables and plots of `docs/performance.md` from `bench/results/`: `npm run bench:report`. With `--results
 * folder`, those of another folder into a copy of the page there.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { COLUMNS, median } from "./report/columns.ts";
import { costTable } from "./report/cost.ts";
import { goalsTable } from "./report/goals.ts";
import { type BarGroup, barsSvg } from "./report/plot.ts";
import { casesOf, markdown, serversOf, tablesOf, valuesOf } from "./report/tables.ts";
import { PUBLISHED, readResults, type ScenarioResults } from "./results.ts";
import { SCENARIOS } from "./scenarios/catalog.ts";
import { SERVERS } from "./servers/catalog.ts";

const PAGE = "docs/performance.md";

const { results: folder } = parseArgs({ options: { results: { type: "string", default: PUBLISHED } } }).values;
const written = folder === PUBLISHED ? "docs" : folder;
const images = `${written}/img`;

/** Which columns are drawn, and what the axis is called. */
const PLOTS = [
  {
    scenario: "updates-saturation",
    column: "delivered per s",
    title: "Updates delivered at saturation",
    unit: "per second",
  },
  {
    scenario: "updates-saturation",
    column: "server CPU per delivered, µs",
    title: "CPU per update delivered",
    unit: "µs",
  },
  {
    scenario: "cursors-saturation",
    column: "delivered per s",
    title: "Cursors delivered at saturation",
    unit: "per second",
  },
  { scenario: "joins", column: "warm, median ms", title: "Join, room in memory", unit: "ms" },
  { scenario: "joins", column: "cold, median ms", title: "Join, room in storage", unit: "ms" },
  {
    scenario: "burst",
    column: "seconds until all was delivered",
    title: "A burst of one-operation updates",
    unit: "s",
  },
] as const;

function plotsOf(results: ScenarioResults): string[] {
  return PLOTS.filter(({ scenario }) => scenario === results.scenario).flatMap((plot, index) => {
    const column = COLUMNS[plot.scenario]?.find(({ title }) => title === plot.column);
    if (column === undefined) throw new Error(`no column ${plot.column}`);
    const groups: BarGroup[] = casesOf(results.runs).map((name) => ({
      label: name,
      bars: serversOf(results.runs, name).flatMap((server) => {
        const values = valuesOf(
          column,
          results.runs.filter((run) => run.case === name && run.server === server),
        );
        if (values.length === 0) return [];
        const series = SERVERS[server].label;
        return [{ series, value: median(values), low: Math.min(...values), high: Math.max(...values) }];
      }),
    }));
    if (groups.every(({ bars }) => bars.length === 0)) return [];
    const file = `bench-${plot.scenario}-${index + 1}.svg`;
    mkdirSync(images, { recursive: true });
    writeFileSync(`${images}/${file}`, barsSvg(plot.title, plot.unit, groups));
    return [`![${plot.title}, ${plot.unit}](img/${file})`];
  });
}

function sectionOf(results: ScenarioResults): string {
  const { scenario, about, size, commit, started, runs } = results;
  const loads = runs.map((run) => run.machineLoad);
  const repeats = casesOf(runs).map(
    (name) => new Set(runs.flatMap((run) => (run.case === name ? [run.repeat] : []))).size,
  );
  const [fewest, most] = [Math.min(...repeats), Math.max(...repeats)];
  const times = most === 1 ? "once" : `${fewest === most ? "" : `${fewest} to `}${most} times`;
  const said = `${started.slice(0, 10)}, commit ${commit}, ${times}, machine load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
  const failures = runs.filter(({ error }) => error !== undefined);
  const failed = failures.map((run) => `- failed: ${run.case}, ${SERVERS[run.server].label}: ${run.error}`);
  const commands = [...new Set(runs.flatMap(({ given }) => given ?? []))];
  if (commands.length === 0) commands.push(`${scenario}${size === "full" ? "" : ` --${size}`}`);
  return [
    `### ${scenario}`,
    about,
    `${commands.map((given) => `\`npm run bench -- ${given}\``).join(", ")}: ${said}.`,
    ...plotsOf(results),
    tablesOf(results),
    failed.join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function machineOf(all: readonly ScenarioResults[]): string {
  const [first] = all;
  if (first === undefined) return "Nothing was measured.";
  const facts = { ...first.machine, ...first.versions };
  return markdown(
    ["", ""],
    Object.entries(facts).map(([name, value]) => [name, `${value}`]),
  );
}

function replaceBetween(page: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}: written by npm run bench:report -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`${PAGE} has no place for ${name}`);
  return `${page.slice(0, from + start.length)}\n\n${content}\n\n${page.slice(to)}`;
}

const all = SCENARIOS.map(({ name }) => readResults(name, folder)).filter((results) => results !== null);
const played = readResults("hours", folder);
const cost = played === null ? "The scenario `hours` was not measured." : costTable(played);

let page = readFileSync(PAGE, "utf8");
page = replaceBetween(page, "machine", machineOf(all));
page = replaceBetween(
  page,
  "goals",
  goalsTable((scenario) => readResults(scenario, folder)),
);
page = replaceBetween(page, "scenarios", all.map(sectionOf).join("\n\n"));
page = replaceBetween(page, "cost", cost);
mkdirSync(written, { recursive: true });
writeFileSync(`${written}/performance.md`, page);
console.log(`${written}/performance.md`);
