import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/until.ts";
import type { TorturedServerOptions } from "./tortured-server.ts";
import { demand } from "./violation.ts";

/** A snapshot that a room said it had written. */
export interface SnapshotNote {
  readonly room: string;
  readonly generation: number;
  /** When the line arrived, by `performance.now()`. */
  readonly at: number;
}

/** A server in a process group of its own, over a data folder that outlives it, so that all of it can be killed. */
export class KillableServer {
  readonly #dataDirectory = mkdtempSync(join(tmpdir(), "roomful-"));
  readonly #options: Omit<TorturedServerOptions, "dataDirectory">;
  #process: ChildProcess | undefined;
  #url = "";
  #output: string[] = [];
  /** Those of the present start, oldest first. */
  snapshots: SnapshotNote[] = [];
  onSnapshot: () => void = () => {};

  constructor(options: Omit<TorturedServerOptions, "dataDirectory">) {
    this.#options = options;
  }

  /** What a stock provider takes as its server URL. */
  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const options = {
      ...this.#options,
      settings: { ...this.#options.settings, LOG_LEVEL: "info" },
      dataDirectory: this.#dataDirectory,
    };
    const child = spawn(process.execPath, ["test/torture/serve.ts", JSON.stringify(options)], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    this.#url = "";
    this.#output = [];
    this.snapshots = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.#read(line));
    }
    await until(
      () => this.#url !== "" || child.exitCode !== null,
      () => `a server: ${this.#output.join("\n")}`,
      60_000,
    );
    if (this.#url === "") throw new Error(`the server did not start:\n${this.#output.join("\n")}`);
  }

  #read(line: string): void {
    if (line.startsWith("serving ")) this.#url = line.slice("serving ".length);
    else if (line.startsWith('{"level":"info"')) {
      const { event, room, generation } = JSON.parse(line) as { event: string; room: string; generation: number };
      if (event !== "snapshot") return;
      this.snapshots.push({ room, generation, at: performance.now() });
      this.onSnapshot();
    } else this.#output.push(line);
  }

  /**
   * Kills every process of this start at once, and proves that nothing serves the port any more and no process is left.
   * @returns when the signal was sent, by `performance.now()`
   */
  async kill(): Promise<number> {
    const child = this.#process;
    if (child?.pid === undefined) throw new Error("no server");
    const { pid } = child;
    this.#process = undefined;
    const exited = once(child, "exit");
    const processes = processesOfGroup(pid).length;
    const at = performance.now();
    process.kill(-pid, "SIGKILL");
    await exited;
    demand(processes >= 2, "the group that is killed has the runtime in it, and the process that started it");
    await until(() => processesOfGroup(pid).length === 0, "every process of the group to be gone");
    const port = Number(new URL(this.#url).port);
    // A process counts as dead when its first thread is; the others let go of the port moments later.
    for (let attempt = 0; attempt < 200 && (await isListening(port)); attempt++) await pause(25);
    demand(!(await isListening(port)), `nothing serves port ${port} after the kill`);
    return at;
  }

  async stop(): Promise<void> {
    if (this.#process !== undefined) await this.kill();
    rmSync(this.#dataDirectory, { recursive: true, force: true });
  }
}

/** The processes of a group that run; those that are dead and not yet fetched by their parent don't. */
function processesOfGroup(group: number): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    let stat: string;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    } catch {
      return []; // it ended meanwhile
    }
    // The command's name, in parentheses, may hold anything.
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(processGroup) === group && state !== "Z" && state !== "X" ? [Number(entry)] : [];
  });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
