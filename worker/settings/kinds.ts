/** The kinds of settings: each maker gives a setting its unit, its range in words and the schema that checks it. */
import * as v from "valibot";

/** One setting, as an operator writes it under `[vars]` in `wrangler.toml`. */
export interface Setting<Value> {
  readonly default: Value;
  readonly unit: string;
  /** The values it takes, in words. */
  readonly range: string;
  readonly why: string;
  readonly schema: v.GenericSchema<unknown, Value>;
  /** Whether its value is never repeated, not even when it is refused. */
  readonly isSecret?: boolean;
}

export function oneOf<const Value extends string>(
  values: readonly Value[],
  initial: NoInfer<Value>,
  why: string,
): Setting<Value> {
  return { default: initial, unit: "word", range: values.join(", "), why, schema: v.picklist(values) };
}

export function wholeNumber(unit: string, min: number, max: number, initial: number, why: string): Setting<number> {
  const schema = v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]),
    v.integer(),
    v.minValue(min),
    v.maxValue(max),
  );
  return { default: initial, unit, range: `${min} to ${max}`, why, schema };
}

/** The rate at which one connection may use up the room's time. */
export function rate(initial: number, why: string): Setting<number> {
  return wholeNumber("milliseconds of room time per second", 1, 1_000_000, initial, why);
}

export function yesOrNo(initial: boolean, why: string): Setting<boolean> {
  const schema = v.union([
    v.boolean(),
    v.pipe(
      v.picklist(["true", "false"]),
      v.transform((word) => word === "true"),
    ),
  ]);
  return { default: initial, unit: "truth", range: "true, false", why, schema };
}

/** A text that is empty unless set. @param accepts whether a text is in the range */
export function text(unit: string, range: string, accepts: (value: string) => boolean, why: string): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.check((value) => value === "" || accepts(value)),
  );
  return { default: "", unit, range, why, schema };
}

/** A JSON list that is empty unless set: its text, or the list itself, as `wrangler.toml` may have it. */
export function jsonList(range: string, accepts: (json: string) => boolean, why: string): Setting<string> {
  const schema = v.pipe(
    v.union([
      v.string(),
      v.pipe(
        v.array(v.unknown()),
        v.transform((list) => JSON.stringify(list)),
      ),
    ]),
    v.check((value) => value === "" || accepts(value)),
  );
  return { default: "", unit: "JSON", range, why, schema };
}

/** A key, as `wrangler secret put` stores it: line breaks may be written as `\n`. Errors never repeat its value. */
export function key(range: string, accepts: (value: string) => boolean, why: string): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.transform((value) => value.replaceAll("\\n", "\n").trim()),
    v.check((value) => value === "" || accepts(value)),
  );
  return { default: "", unit: "text", range, why, schema, isSecret: true };
}
