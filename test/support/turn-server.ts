import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, isListening } from "./ports.ts";

/** Where Debian, Homebrew and those who build it themselves have it. */
const PLACES = ["/usr/bin/turnserver", "/opt/homebrew/bin/turnserver", "/usr/local/bin/turnserver"];

function findTurnServer(): string | undefined {
  const named = process.env.TURNSERVER_PATH;
  if (named !== undefined) return named;
  const { status, stdout } = spawnSync("which", ["turnserver"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : PLACES.find((path) => existsSync(path));
}

/** Finds coturn for the tests, and installs it when it is not there: they are never left out. */
function turnServerPath(): string {
  if (findTurnServer() === undefined && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("coturn is not installed: installing it from Debian's packages.");
    const run = (...args: string[]) => execFileSync("apt-get", args, { stdio: "inherit" });
    run("update", "-qq");
    run("install", "-y", "-qq", "--no-install-recommends", "coturn");
  }
  const path = findTurnServer();
  if (path === undefined) throw new Error("install coturn (turnserver), or set TURNSERVER_PATH to it");
  return path;
}

/** A real coturn on loopback, which takes time-limited credentials made with its secret. */
export class TurnServer {
  readonly port: number;
  readonly secret = "a-secret-of-the-tests-and-of-nobody-else";
  readonly #directory = mkdtempSync(join(tmpdir(), "roomful-turn-"));
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<TurnServer> {
    const path = turnServerPath();
    const server = new TurnServer(await freePort());
    const flags = [
      "-n",
      "--listening-ip=127.0.0.1",
      "--relay-ip=127.0.0.1",
      `--listening-port=${server.port}`,
      "--use-auth-secret",
      `--static-auth-secret=${server.secret}`,
      "--realm=roomful.test",
      "--allow-loopback-peers",
      "--no-cli",
      "--no-tls",
      "--no-dtls",
      "--log-file=stdout",
      `--pidfile=${join(server.#directory, "pid")}`,
      `--userdb=${join(server.#directory, "db")}`,
    ];
    server.#process = spawn(path, flags, { stdio: "ignore", cwd: server.#directory });
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await isListening(server.port)) return server;
      await pause(50);
    }
    await server.stop();
    throw new Error("coturn did not start");
  }

  get url(): string {
    return `turn:127.0.0.1:${this.port}?transport=udp`;
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process === null || process.exitCode !== null) return;
    const exited = once(process, "exit");
    process.kill("SIGKILL");
    await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
