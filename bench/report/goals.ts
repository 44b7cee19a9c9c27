import type { ScenarioResults } from "../results.ts";
import { DRAWING, hoursCase } from "../scenarios/hours.ts";
import { WHOLE_SESSION } from "../scenarios/storage.ts";
import { SERVERS } from "../servers/catalog.ts";
import type { ServerName } from "../servers/server.ts";
import { COLUMNS, median } from "./columns.ts";
import { isCutOff, markdown, medianAndSpread, valuesOf } from "./tables.ts";

/** A figure that is to be reached; as a rule a ratio to a floor measured in the same round of the same run. */
interface Goal {
  readonly what: string;
  readonly scenario: string;
  readonly case: string;
  readonly column: string;
  readonly floor: ServerName | null;
  /** Whether the floor is what to subtract, not what to divide by. */
  readonly isAboveFloor?: boolean;
  readonly reach: number;
  readonly isAtMost: boolean;
}

const SATURATION = { column: "delivered per s", floor: "relay", isAtMost: false } as const;
const SATURATION_CPU = { ...SATURATION, column: "delivered per CPU second" } as const;

const GOALS: readonly Goal[] = [
  ...([SATURATION, SATURATION_CPU] as const).flatMap((kind) => {
    const of = kind === SATURATION ? "per second" : "per second of server CPU";
    return [
      {
        what: `updates delivered ${of}, 2 clients`,
        scenario: "updates-saturation",
        case: "2 subscribers, 2 write",
        reach: 1.2,
        ...kind,
      },
      {
        what: `updates delivered ${of}, 50 subscribers`,
        scenario: "updates-saturation",
        case: "50 subscribers, 10 write",
        reach: 20,
        ...kind,
      },
      {
        what: `updates delivered ${of}, 100 subscribers`,
        scenario: "updates-saturation",
        case: "100 subscribers, 10 write",
        reach: 35,
        ...kind,
      },
      {
        what: `cursors delivered ${of}, 30 people`,
        scenario: "cursors-saturation",
        case: "30 people",
        reach: 25,
        ...kind,
      },
    ];
  }),
  {
    what: "updates delivered per second, 50 subscribers, beside Hocuspocus",
    scenario: "updates-saturation",
    case: "50 subscribers, 10 write",
    reach: 1,
    ...SATURATION,
    floor: "hocuspocus",
  },
  {
    what: "10 write 20 per s to 50 subscribers: CPU per delivered update",
    scenario: "updates-fixed-rate",
    case: "50 subscribers, 10 write 20 per s",
    column: "server CPU per delivered, µs",
    floor: "relay",
    reach: 0.6,
    isAtMost: true,
  },
  {
    what: "the same, p50 in ms above the floor's",
    scenario: "updates-fixed-rate",
    case: "50 subscribers, 10 write 20 per s",
    column: "p50, ms",
    floor: "relay",
    isAboveFloor: true,
    reach: 1,
    isAtMost: true,
  },
  {
    what: "200 rooms × 2 clients, 10 updates per s each: CPU per delivered update",
    scenario: "many-rooms",
    case: "200 rooms",
    column: "server CPU per delivered, µs",
    floor: "relay",
    reach: 1.7,
    isAtMost: true,
  },
  {
    what: "100 cursors at 30 Hz: p99, ms",
    scenario: "cursors-fixed-rate",
    case: "100 people at 30 Hz",
    column: "p99, ms",
    floor: null,
    reach: 150,
    isAtMost: true,
  },
  {
    what: "the same: frames per second, which grow with the people and not with their square (297,000)",
    scenario: "cursors-fixed-rate",
    case: "100 people at 30 Hz",
    column: "frames per s",
    floor: null,
    reach: 3_300,
    isAtMost: true,
  },
  {
    what: "rows written per second, 10 people drawing 20 times a second each",
    scenario: "hours",
    case: hoursCase(DRAWING, "own"),
    column: "rows per s, later deletions included",
    floor: null,
    reach: 10,
    isAtMost: true,
  },
  {
    what: "bytes written per byte of updates, a recorded session",
    scenario: "storage",
    case: WHOLE_SESSION,
    column: "bytes per byte of updates",
    floor: null,
    reach: 3,
    isAtMost: true,
  },
  {
    what: "events per hour that wake the room, 100 idle own clients",
    scenario: "idle",
    case: "100 clients of roomful.v1",
    column: "events per hour",
    floor: null,
    reach: 0,
    isAtMost: true,
  },
  {
    what: "join a 5 MB document, warm",
    scenario: "joins",
    case: "5 MB",
    column: "warm, median ms",
    floor: "stored-bytes",
    reach: 1.5,
    isAtMost: true,
  },
  {
    what: "the same, processor time",
    scenario: "joins",
    case: "5 MB",
    column: "CPU per warm join, ms",
    floor: "stored-bytes",
    reach: 1.5,
    isAtMost: true,
  },
  {
    what: "join a 5 MB document, cold",
    scenario: "joins",
    case: "5 MB",
    column: "cold, median ms",
    floor: "stored-bytes",
    reach: 2,
    isAtMost: true,
  },
  {
    what: "200,000 one-operation updates in a burst, seconds",
    scenario: "burst",
    case: "200,000 updates",
    column: "seconds until all was delivered",
    floor: null,
    reach: 5,
    isAtMost: true,
  },
];

const COMPARED: readonly ServerName[] = ["roomful", "y-partyserver", "hocuspocus", "y-websocket-server"];

/** What was to be reached and what was, in Markdown. */
export function goalsTable(results: (scenario: string) => ScenarioResults | null): string {
  const rows = GOALS.map((goal) => {
    const ratios = COMPARED.map((server) => ratiosOf(goal, server, results(goal.scenario)));
    const fields = ratios.map((each, index) => {
      if (each.length === 0) return "–";
      return medianAndSpread(each, 2, isBound(goal, COMPARED[index], results(goal.scenario)));
    });
    return [
      goal.what,
      goal.floor === null ? "–" : SERVERS[goal.floor].label,
      ...fields,
      `${goal.isAtMost ? "≤" : "≥"} ${goal.reach}`,
      verdictOf(goal, ratios[0] ?? []),
    ];
  });
  return markdown(["what", "1 is", ...COMPARED.map((server) => SERVERS[server].label), "to reach", "reached"], rows);
}

function isBound(goal: Goal, server: ServerName | undefined, results: ScenarioResults | null): boolean {
  const column = COLUMNS[goal.scenario]?.find(({ title }) => title === goal.column);
  const runs = results?.runs.filter((run) => run.case === goal.case && run.server === server) ?? [];
  return column !== undefined && isCutOff(column, runs);
}

function verdictOf({ isAtMost, reach }: Goal, ratios: readonly number[]): string {
  if (ratios.length === 0) return "not measured";
  const middle = median(ratios);
  return (isAtMost ? middle <= reach : middle >= reach) ? "yes" : "**no**";
}

/** For each repeat the ratio to the floor, or the figure itself where there is no floor. */
function ratiosOf(goal: Goal, server: ServerName, results: ScenarioResults | null): number[] {
  const column = COLUMNS[goal.scenario]?.find(({ title }) => title === goal.column);
  if (results === null || column === undefined) return [];
  const runs = results.runs.filter((run) => run.case === goal.case);
  return [...new Set(runs.map(({ repeat }) => repeat))].flatMap((repeat) => {
    const of = (name: ServerName) =>
      valuesOf(
        column,
        runs.filter((run) => run.repeat === repeat && run.server === name),
      )[0];
    const own = of(server);
    const floor = goal.floor === null ? 1 : of(goal.floor);
    if (own === undefined || floor === undefined || floor === 0) return [];
    return [goal.isAboveFloor ? own - floor : own / floor];
  });
}
