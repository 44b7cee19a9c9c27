import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Plugin } from "esbuild";

/** A bug put into the source on purpose, to see that a test catches it. */
export interface Plant {
  /** Path of the source file, from the project's folder. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Builds with a bug. @throws when its text does not stand in its file exactly once */
export function planting({ file, find, replace }: Plant): Plugin {
  const path = resolve(file);
  const source = readFileSync(path, "utf8");
  if (source.split(find).length !== 2) throw new Error(`not exactly once in ${file}: ${find}`);
  return {
    name: "plant",
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, (module) =>
        module.path === path ? { contents: source.replace(find, () => replace), loader: "ts" } : null,
      );
    },
  };
}
