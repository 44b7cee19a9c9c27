/**
 * Measures: `npm run bench -- [scenario…] [--quick | --tiny] [--again] [--only server,…] [--case words] [--repeats n]
 * [--results folder]`. What is there already, of the same size and commit, is not measured again, so that a run that was
 * cut off goes on. Full sizes go to where the published results are, others to a folder of their own.
 */
import { parseArgs } from "node:util";
import { machineLoad, newResults, OWN, PUBLISHED, readResults, type ScenarioResults, writeResults } from "./results.ts";
import { SCENARIOS } from "./scenarios/catalog.ts";
import type { Scenario, Size } from "./scenarios/scenario.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    again: { type: "boolean", default: false },
    only: { type: "string" },
    case: { type: "string", default: "" },
    repeats: { type: "string" },
    results: { type: "string" },
  },
});

const size: Size = values.tiny ? "tiny" : values.quick ? "quick" : "full";
const folder = values.results ?? (size === "full" ? PUBLISHED : OWN);
const given = process.argv
  .slice(2)
  .map((word) => (word.includes(" ") ? JSON.stringify(word) : word))
  .join(" ");
const only = values.only?.split(",");
const unknown = positionals.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(", ")}; there are ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

function resultsOf({ name, about }: Scenario): ScenarioResults {
  const fresh = newResults(name, about, size);
  const kept = values.again ? null : readResults(name, folder);
  return kept !== null && kept.size === size && kept.commit === fresh.commit ? kept : fresh;
}

if (!SCENARIOS.some(({ cases }) => cases(size).some(({ name }) => name.includes(values.case)))) {
  console.error(`no case ${values.case}`);
  process.exit(1);
}

let failures = 0;
for (const scenario of SCENARIOS) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  const results = resultsOf(scenario);
  const repeats = values.repeats === undefined ? scenario.repeats[size] : Number(values.repeats);
  const cases = scenario.cases(size).filter(({ name }) => name.includes(values.case));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { name, servers, measure } of cases) {
      for (const server of servers) {
        if (only !== undefined && !only.includes(server)) continue;
        const isDone = results.runs.some(
          (run) => run.case === name && run.server === server && run.repeat === repeat && run.error === undefined,
        );
        if (isDone) continue;
        const at = new Date().toISOString();
        const load = machineLoad();
        const outcome = await measure(server).then(
          (result) => ({ result }),
          (error: unknown) => ({ result: {}, error: String(error) }),
        );
        if ("error" in outcome) failures++;
        results.runs.push({ case: name, server, repeat, at, given, machineLoad: load, ...outcome });
        writeResults(results, folder);
        console.log(`${scenario.name} · ${name} · ${server} · ${repeat + 1} of ${repeats}: ${JSON.stringify(outcome)}`);
      }
    }
  }
}
if (failures > 0) {
  console.error(`${failures} measurements failed`);
  process.exitCode = 1;
}
