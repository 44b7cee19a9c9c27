/** A process of its own for one job: `node bench/load/main.ts <job as JSON>`, which tells its result by a message. */
import { runBurst } from "./burst.ts";
import type { Job } from "./job.ts";
import { runJoin, runPopulate } from "./join.ts";
import { runTraffic } from "./traffic.ts";

function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case "traffic":
      return runTraffic(job);
    case "join":
      return runJoin(job);
    case "populate":
      return runPopulate(job);
    case "burst":
      return runBurst(job);
    default:
      return job satisfies never;
  }
}

const result = await run(JSON.parse(process.argv[2] ?? "") as Job);
process.send?.(result, () => process.exit(0));
