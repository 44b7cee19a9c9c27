import type { CallOptions } from "../call/options.ts";
import type { BehaviourOptions } from "../connection/behaviour.ts";

/** A token, or a function that fetches one. The client calls it for each connection, since tokens expire. */
export type TokenSource = string | (() => string | Promise<string>);

/** Options of a `RoomConnection`. `connect`, `params`, `protocols`, `WebSocketPolyfill` and `maxBackoffTime` are y-websocket's. */
export interface RoomConnectionOptions extends BehaviourOptions {
  /** Whether to connect at once. Default: true. */
  readonly connect?: boolean;
  /** Query parameters of the room's URL, read at each connect. Not for secrets: URLs are logged. */
  readonly params?: Record<string, string>;
  /** Further subprotocols to offer. */
  readonly protocols?: readonly string[];
  /** For an environment that has no global `WebSocket`. */
  readonly WebSocketPolyfill?: typeof WebSocket;
  /** Goes to the room as a subprotocol, which is not logged as a URL is. Default: none. */
  readonly token?: TokenSource;
  /** How calls behave. */
  readonly call?: CallOptions;
}
