/** Follows a counterexample that a run left in a file: `node test/torture/convergence/replay.ts FILE [clients]`. */
import { readFileSync } from "node:fs";
import { TorturedServer } from "../support/tortured-server.ts";
import { followCourse, SETTINGS, type Step } from "./convergence.ts";

const [, , file = "", clients = "8"] = process.argv;
const [plan] = JSON.parse(readFileSync(file, "utf8")) as [Step[]];
const server = await TorturedServer.start({ settings: SETTINGS });
try {
  console.log(await followCourse(server, "replay", plan, Number(clients)));
} finally {
  await server.stop();
}
