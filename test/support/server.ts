import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, isListening } from "./ports.ts";

/** `npm start` as a user runs it, on a port and a data folder of its own. */
export class Server {
  readonly port: number;
  readonly dataDirectory: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(port: number, dataDirectory: string, settings: readonly string[]) {
    this.port = port;
    this.dataDirectory = dataDirectory;
    this.#settings = settings;
  }

  /** @param settings as `NAME:value` */
  static async start(...settings: string[]): Promise<Server> {
    const server = new Server(await freePort(), mkdtempSync(join(tmpdir(), "roomful-")), settings);
    await server.restart();
    return server;
  }

  /** What a stock provider takes as its server URL. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/rooms`;
  }

  get output(): string {
    return this.#output;
  }

  /** Starts the server again on the same data. */
  async restart(): Promise<void> {
    const vars = ["LOG_LEVEL:error", ...this.#settings].flatMap((setting) => ["--var", setting]);
    const args = [
      "scripts/start.mjs",
      "--port",
      `${this.port}`,
      "--persist-to",
      this.dataDirectory,
      "--inspector-port",
      "0",
    ];
    // A process group of its own, so that a kill reaches the runtime too.
    const child = spawn(process.execPath, [...args, ...vars], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk;
      });
    }
    for (let attempt = 0; attempt < 300; attempt++) {
      if (child.exitCode !== null) break;
      const response = await fetch(`http://127.0.0.1:${this.port}/healthz`).catch(() => null);
      if (response?.ok) return;
      if (response !== null) {
        const answer = await response.text();
        await this.kill();
        throw new Error(`the server refuses to serve: ${answer}\n${this.#output}`);
      }
      await pause(100);
    }
    await this.kill();
    throw new Error(`the server did not start:\n${this.#output}`);
  }

  /** Kills every process of this start at once, and proves that nothing serves the port any more. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    this.#process = undefined;
    const exited = once(child, "exit");
    process.kill(-child.pid, "SIGKILL");
    await exited;
    for (let attempt = 0; attempt < 100; attempt++) {
      if (!(await isListening(this.port))) return;
      await pause(50);
    }
    throw new Error(`port ${this.port} is still served`);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }
}
