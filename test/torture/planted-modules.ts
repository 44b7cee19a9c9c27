import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";
import type { Plant } from "../support/bare-room-server.ts";

/** Modules of the engine that a model test drives in this process, perhaps with a bug planted into one. */
export interface EngineModules {
  readonly pacer: typeof import("../../worker/pacer.ts");
  readonly presence: typeof import("../../worker/presence.ts");
  readonly session: typeof import("../../worker/session.ts");
  readonly sessions: typeof import("../../worker/sessions.ts");
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
    ...(plant && {
      plugins: [{ name: "plant", setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, ({ path }) => grow(plant, path)) }],
    }),
  });
  const code = outputFiles[0]?.text ?? "";
  return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`);
}

function grow({ file, find, replace }: Plant, path: string): { contents: string; loader: "ts" } | null {
  if (path !== resolve(file)) return null;
  const source = readFileSync(path, "utf8");
  if (source.split(find).length !== 2) throw new Error(`not exactly once in ${file}: ${find}`);
  return { contents: source.replace(find, () => replace), loader: "ts" };
}
