// Serves the rooms with open access through `wrangler dev`; further arguments go to it. A script of its own, because a
// package.json script can't set variables the same way on every system, and because wrangler must not reach outside.
import { spawn } from "node:child_process";

// No metrics, no request for a sample of `request.cf`, no look for a newer version (which the banner would show).
const quiet = { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_HIDE_BANNER: "true" };
const wrangler = spawn("wrangler", ["dev", "--var", "AUTH:open", ...process.argv.slice(2)], {
  env: { ...quiet, ...process.env },
  stdio: "inherit",
  shell: process.platform === "win32",
});
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    stopping = true;
    wrangler.kill(signal);
  });
}
wrangler.on("exit", (code) => process.exit(stopping ? 0 : (code ?? 1)));
