import { resolve } from "node:path";
import { build } from "esbuild";
import { type Plant, planting } from "../../support/plant.ts";

/** Modules of the engine that a model test drives in this process, perhaps with a bug planted into one. */
export interface EngineModules {
  readonly pacer: typeof import("../../../worker/pacer.ts");
  readonly presence: typeof import("../../../worker/presence.ts");
  readonly session: typeof import("../../../worker/session.ts");
  readonly sessions: typeof import("../../../worker/sessions.ts");
}

const NAMES = ["pacer", "presence", "session", "sessions"] as const satisfies (keyof EngineModules)[];

export async function engineModules(plant?: Plant): Promise<EngineModules> {
  const { outputFiles } = await build({
    stdin: {
      contents: NAMES.map((name) => `export * as ${name} from "./worker/${name}.ts";`).join("\n"),
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
