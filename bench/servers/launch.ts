import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SERVERS } from "./catalog.ts";
import type { Dialect, ServerName, StartOptions } from "./server.ts";

const HOST = fileURLToPath(new URL("host.ts", import.meta.url));

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A server in a process of its own, over an empty folder that goes with it. */
export class LaunchedServer {
  readonly name: ServerName;
  readonly dialect: Dialect;
  readonly #process: ChildProcess;
  readonly #dataDirectory: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;
  url = "";

  private constructor(name: ServerName, options: Omit<StartOptions, "dataDirectory">) {
    this.name = name;
    this.dialect = SERVERS[name].dialect;
    this.#dataDirectory = mkdtempSync(join(tmpdir(), "roomful-bench-"));
    const start: StartOptions = { ...options, dataDirectory: this.#dataDirectory };
    this.#process = fork(HOST, [name, JSON.stringify(start)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#process.on("message", (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#process.once("exit", (code) => {
      for (const [id, tell] of this.#waiting) tell({ id, error: `${name} ended with ${code}` });
    });
  }

  static async start(name: ServerName, options: Omit<StartOptions, "dataDirectory"> = {}): Promise<LaunchedServer> {
    const server = new LaunchedServer(name, options);
    server.url = (await server.#answer(0)) as string;
    return server;
  }

  /** Of the process whose tree is the server. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Ends the server and starts it on the same data; its URL may change. */
  async restart(): Promise<void> {
    this.url = (await this.#call("restart", "")) as string;
  }

  async figures<Figures>(room: string): Promise<Figures> {
    return (await this.#call("figures", room)) as Figures;
  }

  async evict(room: string): Promise<void> {
    await this.#call("evict", room);
  }

  async flush(room: string): Promise<void> {
    await this.#call("flush", room);
  }

  async #call(command: string, room: string): Promise<unknown> {
    const id = ++this.#calls;
    const answer = this.#answer(id);
    this.#process.send({ id, command, room });
    return await answer;
  }

  async #answer(id: number): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    const { result, error } = await promise;
    if (error !== undefined) throw new Error(error);
    return result;
  }

  async stop(): Promise<void> {
    if (this.#process.connected) {
      const exited = once(this.#process, "exit");
      this.#process.disconnect();
      await exited;
    }
    rmSync(this.#dataDirectory, { recursive: true, force: true });
  }
}
