import * as v from "valibot";
import { RoomfulError } from "../shared/errors.ts";
import { LARGEST_FRAME_BYTES } from "../shared/limits.ts";
import { ROLES, type Role } from "../shared/rooms.ts";

/** One setting, as an operator writes it under `[vars]` in `wrangler.toml`. */
interface Setting<Value> {
  readonly default: Value;
  readonly unit: string;
  /** The values it takes, in words. */
  readonly range: string;
  readonly why: string;
  readonly schema: v.GenericSchema<unknown, Value>;
}

function oneOf<const Value extends string>(
  values: readonly Value[],
  initial: NoInfer<Value>,
  why: string,
): Setting<Value> {
  return { default: initial, unit: "word", range: values.join(", "), why, schema: v.picklist(values) };
}

function wholeNumber(unit: string, min: number, max: number, initial: number, why: string): Setting<number> {
  const schema = v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]),
    v.integer(),
    v.minValue(min),
    v.maxValue(max),
  );
  return { default: initial, unit, range: `${min} to ${max}`, why, schema };
}

function yesOrNo(initial: boolean, why: string): Setting<boolean> {
  const schema = v.union([
    v.boolean(),
    v.pipe(
      v.picklist(["true", "false"]),
      v.transform((word) => word === "true"),
    ),
  ]);
  return { default: initial, unit: "truth", range: "true, false", why, schema };
}

/** Every setting of a deployment. `docs/settings.md` is written from this table. */
export const SETTINGS = {
  AUTH: oneOf(
    ["token", "open"],
    "token",
    "Who is admitted. `open`: everybody, as `npm start` sets it. `token`: nobody yet, since tokens are not built; closed is the safe state of a deployment that nobody configured.",
  ),
  OPEN_ROLE: oneOf(
    Object.keys(ROLES) as Role[],
    "editor",
    "What everybody may do when AUTH is `open`. `viewer` makes a public, read-only deployment.",
  ),
  STRICT: yesOrNo(
    false,
    "Whether an edit is committed before others are sent it, so that nothing anybody saw is ever lost. Costs a commit per window instead of one per COMMIT_MS.",
  ),
  COALESCE_MS: wholeNumber(
    "milliseconds",
    0,
    1_000,
    16,
    "How long updates and cursors are gathered under load before they are sent as one frame. The first into a quiet room is never held. One display frame: nobody sees more than one state in it.",
  ),
  COMMIT_MS: wholeNumber(
    "milliseconds",
    0,
    10_000,
    250,
    "How long edits are gathered under load before they are committed as one row. What is not committed is not acknowledged, and a crash makes its author send it again.",
  ),
  SNAPSHOT_QUIET_MS: wholeNumber(
    "milliseconds",
    0,
    9_000,
    2_000,
    "How long a room must have been quiet before the log is folded into a snapshot. Below the 10 s after which an idle object hibernates.",
  ),
  MAX_FRAME_BYTES: wholeNumber(
    "bytes",
    1_024,
    LARGEST_FRAME_BYTES,
    8 * 1024 * 1024,
    "Largest binary frame. A first sync may carry a whole document.",
  ),
  MAX_DOCUMENT_BYTES: wholeNumber(
    "bytes",
    1_024,
    LARGEST_FRAME_BYTES,
    6 * 1024 * 1024,
    "Largest encoded document. In memory it takes 11 to 14 times as much of an isolate's 128 MB. A full document still takes deletions.",
  ),
  MAX_PRESENCE_BYTES: wholeNumber(
    "bytes",
    64,
    1024 * 1024,
    65_536,
    "Largest presence state of one client, as JSON in UTF-8. Each is sent to everybody on each change.",
  ),
  LOG_LEVEL: oneOf(
    ["info", "warn", "error"],
    "info",
    "Lowest level that is logged. `info`: connections and snapshots; `warn`: refusals; `error`: failures.",
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type Settings = {
  readonly [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name] extends Setting<infer Value> ? Value : never;
};

/**
 * Reads the settings from a Worker's bindings. Names that are no settings are left alone: they are other bindings.
 * @throws RoomfulError `misconfigured`, naming every setting that is out of its range
 */
export function readSettings(env: object): Settings {
  const given = env as Readonly<Record<string, unknown>>;
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const value = given[name];
    if (value === undefined) {
      values[name] = setting.default;
      continue;
    }
    const result = v.safeParse(setting.schema, value);
    if (result.success) values[name] = result.output;
    else faults.push(`${name} = ${JSON.stringify(value)} must be ${setting.range} (${setting.unit})`);
  }
  if (faults.length > 0) throw new RoomfulError("misconfigured", faults.join("; "));
  return values as Settings;
}
