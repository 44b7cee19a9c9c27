/** A process of its own for one job: `node bench/load/main.ts <job as JSON>`, which tells its result by a message. */
import { runBurst } from "./burst.ts";
import { runEdit } from "./edit.ts";
import { runHistory } from "./history.ts";
import type { Job } from "./job.ts";
import { runJoin, runPopulate } from "./join.ts";
import { runPeople } from "./people.ts";
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
    case "edit":
      return runEdit(job);
    case "people":
      return runPeople(job);
    case "history":
      return runHistory(job);
    default:
      return job satisfies never;
  }
}

const result = await run(JSON.parse(process.argv[2] ?? "") as Job);
process.send?.(result, () => process.exit(0));
