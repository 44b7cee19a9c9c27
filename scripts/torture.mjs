// `npm run torture [-- --seed N] [vitest arguments]`: the long form of the torture suites. Prints the seed, from which
// all that is random follows.
import { spawnSync } from "node:child_process";

const args = process.argv.slice(2);
const place = args.indexOf("--seed");
const seed = place === -1 ? `${Math.floor(Math.random() * 2 ** 31)}` : args.splice(place, 2)[1];
console.log(`torture: seed ${seed} (repeat with: npm run torture -- --seed ${seed})`);
const { status } = spawnSync("vitest", ["run", "--project", "torture", ...args], {
  stdio: "inherit",
  shell: process.platform === "win32",
  env: { ...process.env, TORTURE: "long", TORTURE_SEED: seed },
});
process.exit(status ?? 1);
