import type { ScenarioResults } from "../results.ts";
import { type Clients, type HoursResult, hoursCase, SCENES, type Scene } from "../scenarios/hours.ts";
import type { ServerName } from "../servers/server.ts";
import { median } from "./columns.ts";
import { markdown, number } from "./tables.ts";

/** The platform's prices, in dollars. */
const PRICES = {
  /** One request, or 20 incoming WebSocket messages. Outgoing ones are free. */
  perRequest: 0.15 / 1e6,
  messagesPerRequest: 20,
  perRowWritten: 1 / 1e6,
  /** A second of an object in memory: 128 MB at $12.50 per million gigabyte-seconds. */
  perAwakeSecond: 0.128 * (12.5 / 1e6),
} as const;

/** What a room takes in an hour. */
interface RoomHour {
  /** Incoming WebSocket messages. */
  readonly messages: number;
  /** Upgrades and calls. */
  readonly requests: number;
  readonly rowsWritten: number;
  readonly awakeSeconds: number;
}

/** Dollars for a thousand such room-hours. */
function dollarsPerThousand({ messages, requests, rowsWritten, awakeSeconds }: RoomHour): number {
  const { perRequest, messagesPerRequest, perRowWritten, perAwakeSecond } = PRICES;
  const hour =
    (requests + messages / messagesPerRequest) * perRequest +
    rowsWritten * perRowWritten +
    awakeSeconds * perAwakeSecond;
  return 1000 * hour;
}

const HOUR = 3_600;
/** Seconds without an event after which an object leaves memory. */
const HIBERNATES_AFTER = 10;
/** Seconds between two renewals of a stock client. */
const RENEWAL = 15;

/** What was counted while a scene was played, per second. */
interface Rates {
  readonly messages: number;
  readonly updates: number;
  readonly rows: number;
}

/** The hour of a scene: what was counted goes on as long as people do something, or all the time if nobody ever does. */
function hourOf(scene: Scene, clients: Clients, { messages, rows }: Rates): RoomHour {
  const { people, busySeconds, busySpells } = scene;
  const counted = busySeconds > 0 ? busySeconds : HOUR;
  const idle = HOUR - counted;
  if (clients === "own") {
    const awakeSeconds = Math.min(HOUR, busySeconds + busySpells * HIBERNATES_AFTER);
    return { requests: people, messages: messages * counted, rowsWritten: rows * counted, awakeSeconds };
  }
  // Everybody renews, and everybody else sends it on.
  const idleMessages = (people * people * idle) / RENEWAL;
  // Renewals come at times of their own: of each 15 s none leaves a gap of more than 10 s but by chance.
  const isAwake = 1 - ((RENEWAL - HIBERNATES_AFTER) / RENEWAL) ** people;
  return {
    requests: people,
    messages: messages * counted + idleMessages,
    rowsWritten: rows * counted,
    awakeSeconds: busySeconds + (HOUR - busySeconds) * isAwake,
  };
}

interface Design {
  readonly label: string;
  readonly server: ServerName;
  readonly clients: Clients;
  /** Rows per second, where they are not those that were counted. */
  readonly rows?: (rates: Rates) => number;
}

const DESIGNS: readonly Design[] = [
  { label: "Roomful, own clients", server: "roomful", clients: "own" },
  { label: "Roomful, stock clients", server: "roomful", clients: "stock" },
  { label: "y-partyserver", server: "y-partyserver", clients: "stock" },
  { label: "one row per update, own clients", server: "roomful", clients: "own", rows: ({ updates }) => updates },
];

/** Dollars per 1,000 room-hours of each scene, in Markdown. @param results of the scenario `hours` */
export function costTable({ runs }: ScenarioResults): string {
  const rows = SCENES.map((scene) => [
    scene.name,
    ...DESIGNS.map(({ server, clients, rows: rowsOf }) => {
      const played = runs
        .filter((run) => run.case === hoursCase(scene, clients) && run.server === server && run.error === undefined)
        .map(({ result }) => result as HoursResult);
      if (played.length === 0) return "–";
      const rate = (figure: (result: HoursResult) => number) =>
        median(played.map((result) => figure(result) / result.seconds));
      const counted: Rates = {
        messages: rate(({ messages }) => messages),
        updates: rate(({ updates }) => updates),
        rows: rate(({ rowsWritten }) => rowsWritten),
      };
      const hour = hourOf(scene, clients, { ...counted, rows: rowsOf?.(counted) ?? counted.rows });
      const { messages, rowsWritten, awakeSeconds } = hour;
      return `**${number(dollarsPerThousand(hour), 2)}** (${number(messages / 1000, 0)}k messages, ${number(rowsWritten, 0)} rows, ${number(awakeSeconds, 0)} s)`;
    }),
  ]);
  return markdown(["an hour in which", ...DESIGNS.map(({ label }) => label)], rows);
}
