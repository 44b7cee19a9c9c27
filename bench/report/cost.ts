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
export interface RoomHour {
  /** Incoming WebSocket messages. */
  readonly messages: number;
  /** Upgrades and calls. */
  readonly requests: number;
  readonly rowsWritten: number;
  readonly awakeSeconds: number;
}

/** Dollars for a thousand such room-hours. */
export function dollarsPerThousand({ messages, requests, rowsWritten, awakeSeconds }: RoomHour): number {
  const { perRequest, messagesPerRequest, perRowWritten, perAwakeSecond } = PRICES;
  const hour =
    (requests + messages / messagesPerRequest) * perRequest +
    rowsWritten * perRowWritten +
    awakeSeconds * perAwakeSecond;
  return 1000 * hour;
}

/** What a design makes of the same hour. */
interface Design {
  readonly label: string;
  hour(scene: Scene): RoomHour;
}

/** What people do in a room for an hour. */
interface Scene {
  readonly label: string;
  readonly people: number;
  /** Of all together, in the seconds in which somebody edits. */
  readonly updatesPerSecond: number;
  readonly cursorsPerSecond: number;
  /** Of the hour in which somebody edits or moves. */
  readonly busySeconds: number;
  /** How often an idle time begins: an object stays in memory for 10 s after it. */
  readonly busySpells: number;
}

const HOUR = 3_600;
const HIBERNATES_AFTER = 10;
/** A stock client renews its presence so often, which wakes the room. */
const RENEWAL_SECONDS = 15;

const SCENES: readonly Scene[] = [
  {
    label: "10 people draw without a pause, cursors at 30 Hz",
    people: 10,
    updatesPerSecond: 200,
    cursorsPerSecond: 300,
    busySeconds: HOUR,
    busySpells: 1,
  },
  {
    label: "2 people type for half of the time, in spells of a minute",
    people: 2,
    updatesPerSecond: 6,
    cursorsPerSecond: 6,
    busySeconds: HOUR / 2,
    busySpells: 30,
  },
  {
    label: "50 people, 5 of whom edit",
    people: 50,
    updatesPerSecond: 25,
    cursorsPerSecond: 100,
    busySeconds: HOUR,
    busySpells: 1,
  },
  {
    label: "100 people look on, nobody does anything",
    people: 100,
    updatesPerSecond: 0,
    cursorsPerSecond: 0,
    busySeconds: 0,
    busySpells: 0,
  },
];

/** Rows that a design writes in a second of editing, as measured by the scenario `storage`. */
export interface MeasuredRows {
  readonly roomfulPerSecond: number;
  readonly yPartyserverPerSecond: number;
}

function edits({ updatesPerSecond, cursorsPerSecond, busySeconds, people }: Scene) {
  return { requests: people, messages: (updatesPerSecond + cursorsPerSecond) * busySeconds };
}

function awakeBetweenSpells({ busySeconds, busySpells }: Scene): number {
  return Math.min(HOUR, busySeconds + busySpells * HIBERNATES_AFTER);
}

/** Stock clients renew presence at all times. */
function renewing(scene: Scene): RoomHour {
  const { requests, messages } = edits(scene);
  const renewals = (scene.people * HOUR) / RENEWAL_SECONDS;
  // With two people and more there is always a renewal within the 10 s, so that the object is never out of memory.
  const awakeSeconds = scene.people > 1 ? HOUR : awakeBetweenSpells(scene);
  return { requests, messages: messages + renewals, rowsWritten: 0, awakeSeconds };
}

function designs({ roomfulPerSecond, yPartyserverPerSecond }: MeasuredRows): readonly Design[] {
  const rows = (scene: Scene, perSecond: number) => (scene.updatesPerSecond > 0 ? perSecond * scene.busySeconds : 0);
  const quiet = (scene: Scene): RoomHour => ({
    ...edits(scene),
    rowsWritten: rows(scene, roomfulPerSecond),
    awakeSeconds: awakeBetweenSpells(scene),
  });
  return [
    { label: "Roomful, own clients", hour: quiet },
    {
      label: "Roomful, stock clients",
      hour: (scene) => ({ ...renewing(scene), rowsWritten: rows(scene, roomfulPerSecond) }),
    },
    {
      label: "y-partyserver",
      hour: (scene) => ({ ...renewing(scene), rowsWritten: rows(scene, yPartyserverPerSecond) }),
    },
    {
      label: "one row per update",
      hour: (scene) => ({ ...quiet(scene), rowsWritten: scene.updatesPerSecond * scene.busySeconds }),
    },
  ];
}

/** Dollars per 1,000 room-hours of each scene, in Markdown. */
export function costTable(measured: MeasuredRows): string {
  const all = designs(measured);
  const rows = SCENES.map((scene) => [
    scene.label,
    ...all.map(({ hour }) => {
      const given = hour(scene);
      return `${number(dollarsPerThousand(given), 2)} (${number(given.rowsWritten, 0)} rows, ${number(given.awakeSeconds, 0)} s)`;
    }),
  ]);
  return markdown(["an hour in which", ...all.map(({ label }) => label)], rows);
}
