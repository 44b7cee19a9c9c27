import { execFileSync } from "node:child_process";

/** Builds the whiteboard once, so that no server of a test has to. In a process of its own, since Vite runs the tests too. */
export function setup(): void {
  execFileSync(process.execPath, ["scripts/build-page.mjs"], { stdio: "inherit" });
}
