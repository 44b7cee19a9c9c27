import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { RoomMethods } from "../../shared/rooms.ts";

const BUNDLE = ".cache/bundle";

/**
 * The built Worker on workerd itself, without the proxy of `wrangler dev` before it, which costs several times the
 * throughput; and with the rooms' RPC methods at hand.
 */
export class BareRoomServer {
  readonly #dataDirectory: string;
  readonly #settings: Record<string, string>;
  #miniflare: Miniflare;

  private constructor(settings: Record<string, string>) {
    this.#settings = settings;
    this.#dataDirectory = mkdtempSync(join(tmpdir(), "roomful-"));
    this.#miniflare = this.#launch();
  }

  static async start(settings: Record<string, string> = {}): Promise<BareRoomServer> {
    execFileSync("node_modules/.bin/wrangler", ["deploy", "--dry-run", "--outdir", BUNDLE], {
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const server = new BareRoomServer(settings);
    await server.#miniflare.ready;
    return server;
  }

  #launch(): Miniflare {
    return new Miniflare(
      convertV4MiniflareOptions({
        modules: true,
        scriptPath: join(BUNDLE, "index.js"),
        compatibilityDate: "2026-11-01",
        compatibilityFlags: ["nodejs_compat"],
        durableObjects: { ROOMS: { className: "Room", useSQLite: true } },
        resourcePersistencePath: this.#dataDirectory,
        bindings: { AUTH: "open", LOG_LEVEL: "error", ...this.#settings },
        cf: false,
      }),
    );
  }

  /** What a stock provider takes as its server URL. */
  async url(): Promise<string> {
    const url = new URL("/rooms", await this.#miniflare.ready);
    url.protocol = "ws:";
    return url.href;
  }

  async room(name: string): Promise<RoomMethods> {
    const namespace = await this.#miniflare.getDurableObjectNamespace("ROOMS");
    return namespace.get(namespace.idFromName(name)) as unknown as RoomMethods;
  }

  /** Ends the runtime and starts it on the same data. */
  async restart(): Promise<void> {
    await this.#miniflare.dispose();
    this.#miniflare = this.#launch();
    await this.#miniflare.ready;
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
    rmSync(this.#dataDirectory, { recursive: true, force: true });
  }
}
