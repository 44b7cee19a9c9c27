import { resolve } from "node:path";
import { build } from "esbuild";
import { type Plant, planting } from "../../support/plant.ts";

/** Modules of the engine that a model test drives in this process, perhaps with a bug planted into one. */
export interface EngineModules {
  readonly pacer: typeof import("../../../worker/runtime/pacer.ts");
  readonly presence: typeof import("../../../worker/people/presence.ts");
  readonly attachment: typeof import("../../../worker/sessions/attachment.ts");
  readonly sessions: typeof import("../../../worker/sessions/sessions.ts");
}

const PATHS = {
  pacer: "runtime/pacer",
  presence: "people/presence",
  attachment: "sessions/attachment",
  sessions: "sessions/sessions",
} as const satisfies Record<keyof EngineModules, string>;

export async function engineModules(plant?: Plant): Promise<EngineModules> {
  const { outputFiles } = await build({
    stdin: {
      contents: Object.entries(PATHS)
        .map(([name, path]) => `export * as ${name} from "./worker/${path}.ts";`)
        .join("\n"),
      resolveDir: resolve("."),
    },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    ...(plant && { plugins: [planting(plant)] }),
  });
  const code = outputFiles[0]?.text ?? "";
  return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`);
}
