import type { Job, Results, Target } from "../load/job.ts";
import { runJob } from "../load/launch.ts";
import { LaunchedServer } from "../servers/launch.ts";
import type { ServerName, StartOptions } from "../servers/server.ts";

/** How much is measured: enough to see that all works, or what is published. */
export type Size = "tiny" | "quick" | "full";

/** One thing that is measured of each of some servers. */
export interface Case {
  /** As tables name it: `50 subscribers`. */
  readonly name: string;
  readonly servers: readonly ServerName[];
  /** @returns raw figures, kept as they are */
  measure(server: ServerName): Promise<object>;
}

export interface Scenario {
  /** As the command line and the results' file name it. */
  readonly name: string;
  /** What is measured, in a sentence. */
  readonly about: string;
  readonly repeats: Readonly<Record<Size, number>>;
  cases(size: Size): readonly Case[];
}

type WithoutTarget<Given> = Given extends Job ? Omit<Given, "target"> : never;

/** A server and what can be asked of it in a measurement. */
export interface Bench {
  readonly server: LaunchedServer;
  run<Given extends WithoutTarget<Job>>(job: Given): Promise<Results[Given["kind"]]>;
}

/** Starts a server, measures, and ends it, whatever happens. */
export async function withServer<Result>(
  name: ServerName,
  measure: (bench: Bench) => Promise<Result>,
  options: Omit<StartOptions, "dataDirectory"> = {},
): Promise<Result> {
  const server = await LaunchedServer.start(name, options);
  try {
    return await measure({
      server,
      run: async (job) => {
        const target: Target = { url: server.url, dialect: server.dialect, pid: server.pid };
        return (await runJob({ ...job, target } as Job)) as never;
      },
    });
  } finally {
    await server.stop();
  }
}
