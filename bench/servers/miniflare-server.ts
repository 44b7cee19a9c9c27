import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleWorker } from "../../test/support/bundle-worker.ts";
import type { RunningServer, StartOptions } from "./server.ts";

/** As the inspector names it, too. */
const NAME = "roomful";

interface WorkerEntry {
  /** Its main module, from the repository's root. */
  readonly entry: string;
  readonly className: string;
  readonly binding: string;
  /** What its WebSocket URLs begin with. */
  readonly path: string;
}

/** A Worker with one Durable Object class on workerd itself, without the proxy of `wrangler dev` before it. */
export async function startWorker(
  { entry, className, binding, path }: WorkerEntry,
  { dataDirectory, settings, inspectorPort }: StartOptions,
): Promise<RunningServer> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: NAME,
      modules: true,
      script: await bundleWorker(entry),
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["nodejs_compat"],
      durableObjects: { [binding]: { className, useSQLite: true } },
      resourcePersistencePath: dataDirectory,
      bindings: { AUTH: "open", LOG_LEVEL: "error", ...settings },
      cf: false,
      ...(inspectorPort !== undefined && { inspectorPort }),
    }),
  );
  const url = new URL(path, await miniflare.ready);
  url.protocol = "ws:";
  return {
    url: url.href,
    // Not by a stub of Miniflare's, which would keep the object in memory for good.
    figures: async (room) => {
      const answer = await fetch(new URL(`/api/rooms/${room}/statistics`, await miniflare.ready));
      if (!answer.ok) throw new Error(`statistics: ${answer.status}`);
      return await answer.json();
    },
    evict: async (room) => {
      await miniflare.unsafeEvictDurableObject(NAME, className, { name: room, webSockets: "hibernate" });
    },
    flush: async (room) => {
      const rooms = await miniflare.getDurableObjectNamespace(binding);
      await (rooms.getByName(room) as unknown as { flush(): Promise<void> }).flush();
    },
    stop: () => miniflare.dispose(),
  };
}
