import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { RoomMethods } from "../../shared/rpc.ts";
import { bundleWorker } from "./bundle-worker.ts";
import type { Plant } from "./plant.ts";

const NAME = "roomful";
const CLASS = "Room";
const EVICTOR_NAME = "evictor";

interface BareRoomServerOptions {
  readonly settings?: Record<string, string>;
  /** The Worker's main module. */
  readonly entry?: string;
  readonly plant?: Plant;
  readonly inspectorPort?: number;
  /** Where the rooms are kept, and stay when the server stops; without it a folder that is removed then. */
  readonly dataDirectory?: string;
}

/** Evicts the room whose name it is sent. Miniflare has a method for it, which holds up this whole process meanwhile. */
const EVICTOR = `
import unsafe from "workerd:unsafe";
export default {
  async fetch(request, env) {
    try {
      await unsafe.evict(env.ROOMS.getByName(await request.text()), { webSockets: "hibernate" });
      return new Response(null, { status: 204 });
    } catch (caught) {
      return new Response(String(caught), { status: 500 });
    }
  },
};`;

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
        resourcePersistencePath: this.#dataDirectory,
        cf: false,
        ...(inspectorPort !== undefined && { inspectorPort }),
        workers: [
          {
            name: NAME,
            modules: true,
            script: this.#script,
            compatibilityDate: "2026-11-01",
            compatibilityFlags: ["nodejs_compat"],
            durableObjects: { ROOMS: { className: CLASS, useSQLite: true } },
            bindings: { AUTH: "open", LOG_LEVEL: "error", ...settings },
          },
          {
            name: EVICTOR_NAME,
            modules: true,
            script: EVICTOR,
            compatibilityDate: "2026-11-01",
            compatibilityFlags: ["unsafe_module"],
            durableObjects: { ROOMS: { className: CLASS, scriptName: NAME, useSQLite: true } },
          },
        ],
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

  /** Takes the room's memory; its sockets stay, as in hibernation. Waits until no timer is pending. */
  async evict(name: string): Promise<void> {
    const evictor = await this.#miniflare.getWorker(EVICTOR_NAME);
    const response = await evictor.fetch("http://evictor", { method: "POST", body: name });
    if (!response.ok) throw new Error(await response.text());
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
