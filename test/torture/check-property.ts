import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { Violation } from "./violation.ts";

const FOLDER = ".cache/torture";

/**
 * Checks a property with fast-check. What breaks it is shrunk, and left in a file, since it is long.
 * @throws Violation with the reason, the seed, and where the shrunk counterexample is
 */
export async function checkProperty<Ts>(
  name: string,
  property: fc.IAsyncProperty<Ts>,
  parameters: fc.Parameters<Ts> & { readonly seed: number },
): Promise<void> {
  const result = await fc.check(property, parameters);
  if (!result.failed) return;
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}-${parameters.seed}.json`);
  writeFileSync(path, JSON.stringify(result.counterexample));
  const { errorInstance } = result;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw new Violation(`${reason} (seed ${parameters.seed}, path ${result.counterexamplePath}; ${path})`, {
    cause: errorInstance,
  });
}
