// `npm run build`: what the package holds, in dist/. One file per source, so that a bundler leaves out what an app does not
// use and a stack trace names what it names here. Each layer is compiled with its own globals, as `tsc -b` does.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
for (const layer of ["client", "backend", "worker"]) {
  const options = { stdio: "inherit", shell: process.platform === "win32" };
  const { status } = spawnSync("tsc", ["-p", `${layer}/tsconfig.build.json`], options);
  if (status !== 0) process.exit(status ?? 1);
}
