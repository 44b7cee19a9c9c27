import { build } from "esbuild";
import { type Plant, planting } from "./plant.ts";

/** A Worker as one module, built as wrangler would, with a bug in it if one is planted. */
export async function bundleWorker(entry: string, plant?: Plant): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "warning",
    ...(plant && { plugins: [planting(plant)] }),
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("nothing was built");
  return output.text;
}
