import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, Results } from "./job.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs a job in a process of its own. */
export async function runJob<Given extends Job>(job: Given): Promise<Results[Given["kind"]]> {
  const { promise, resolve, reject } = Promise.withResolvers<Results[Given["kind"]]>();
  const child = fork(MAIN, [JSON.stringify(job)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.once("message", (result) => resolve(result as Results[Given["kind"]]));
  child.once("exit", (code) => reject(new Error(`the load generator ended with ${code}`)));
  return await promise;
}
