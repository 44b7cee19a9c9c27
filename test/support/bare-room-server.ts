import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { RoomMethods } from "../../shared/rpc.ts";
import { bundleWorker } from "./bundle-worker.ts";
import type { Plant } from "./plant.ts";

const NAME = "roomful";
const CLASS = "Room";

interface BareRoomServerOptions {
  readonly settings?: Record<string, string>;
  /** The Worker's main module. */
  readonly entry?: string;
  readonly plant?: Plant;
  readonly inspectorPort?: number;
  /** Where the rooms are kept, and stay when the server stops; without it a folder that is removed then. */
  readonly dataDirectory?: string;
}

/**
 * The built Worker on workerd itself, without the proxy of `wrangler dev` before it, which costs several times the
 * throughput; and with the rooms' RPC methods at hand.
 */
export class BareRoomServer {
  readonly #dataDirectory: string;
  readonly #script: string;
  readonly #options: BareRoomServerOptions;
  #miniflare: Miniflare;

  private constructor(script: string, options: BareRoomServerOptions) {
    this.#script = script;
    this.#options = options;
    this.#dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), "roomful-"));
    this.#miniflare = this.#launch();
  }

  static async start(options: BareRoomServerOptions = {}): Promise<BareRoomServer> {
    const server = new BareRoomServer(await bundleWorker(options.entry ?? "worker/index.ts", options.plant), options);
    await server.#miniflare.ready;
    return server;
  }

  #launch(): Miniflare {
    const { settings, inspectorPort } = this.#options;
    return new Miniflare(
      convertV4MiniflareOptions({
        name: NAME,
        modules: true,
        script: this.#script,
        compatibilityDate: "2026-11-01",
        compatibilityFlags: ["nodejs_compat"],
        durableObjects: { ROOMS: { className: CLASS, useSQLite: true } },
        resourcePersistencePath: this.#dataDirectory,
        bindings: { AUTH: "open", LOG_LEVEL: "error", ...settings },
        cf: false,
        ...(inspectorPort !== undefined && { inspectorPort }),
      }),
    );
  }

  /** What a stock provider takes as its server URL. */
  async url(): Promise<string> {
    const url = new URL("/rooms", await this.#miniflare.ready);
    url.protocol = "ws:";
    return url.href;
  }

  /** A stub of the room; `Methods` when the entry's rooms have more than every room has. */
  async room<Methods = RoomMethods>(name: string): Promise<Methods> {
    const namespace = await this.#miniflare.getDurableObjectNamespace("ROOMS");
    return namespace.get(namespace.idFromName(name)) as unknown as Methods;
  }

  /** Takes the room's memory; its sockets stay, as in hibernation. */
  async evict(name: string): Promise<void> {
    await this.#miniflare.unsafeEvictDurableObject(NAME, CLASS, { name, webSockets: "hibernate" });
  }

  /** Ends the runtime and starts it on the same data. */
  async restart(): Promise<void> {
    await this.#miniflare.dispose();
    this.#miniflare = this.#launch();
    await this.#miniflare.ready;
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
    if (this.#options.dataDirectory === undefined) rmSync(this.#dataDirectory, { recursive: true, force: true });
  }
}
