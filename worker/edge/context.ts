import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import type { Authenticator } from "../access/authenticator.ts";
import type { Room } from "../room/room.ts";
import type { Log } from "../runtime/logging.ts";
import type { Settings } from "../settings/settings.ts";

/** The Worker's bindings. Its settings stand beside them, see `worker/settings/settings.ts`. */
export interface Bindings {
  readonly ROOMS: DurableObjectNamespace<Room>;
  /** The whiteboard's files. A deployment may do without. */
  readonly PAGE?: Fetcher;
}

/** The context that Hono hands to every route. */
export interface WorkerContext {
  Bindings: Bindings;
  Variables: { settings: Settings; authenticator: Authenticator; log: Log };
}

/** Makes routes of the Worker. A dozen of them need no compiled router. */
export function newRoutes<Context extends WorkerContext = WorkerContext>(): HonoBase<Context> {
  return new HonoBase<Context>({ router: new TrieRouter() });
}
