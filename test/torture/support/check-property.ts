import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { scaled } from "./scale.ts";
import { Violation } from "./violation.ts";

const FOLDER = ".cache/torture";

/** Milliseconds after which no further run is begun, nor a counterexample shrunk further: a race can be shrunk for hours. */
const TIME_LIMIT = scaled({ short: 5 * 60_000, long: 4 * 3_600_000 });

/**
 * Checks a property with fast-check. What breaks it is shrunk, and left in a file, since it is long.
 * @throws Violation with the reason, the seed, and where the shrunk counterexample is
 */
export async function checkProperty<Ts>(
  name: string,
  property: fc.IAsyncProperty<Ts>,
  parameters: fc.Parameters<Ts> & { readonly seed: number },
): Promise<void> {
  const result = await fc.check(property, {
    ...parameters,
    interruptAfterTimeLimit: TIME_LIMIT,
    markInterruptAsFailure: true,
  });
  if (!result.failed) return;
  if (result.counterexample === null) throw new Error(`${name}: ${result.numRuns} runs took ${TIME_LIMIT} ms`);
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}-${parameters.seed}.json`);
  writeFileSync(path, JSON.stringify(result.counterexample));
  const { errorInstance } = result;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw new Violation(`${reason} (seed ${parameters.seed}, path ${result.counterexamplePath}; ${path})`, {
    cause: errorInstance,
  });
}
