import type { Awareness } from "y-protocols/awareness";
import { RoomfulError } from "../../shared/errors.ts";
import type { OpenOfflineStore } from "../offline/offline-store.ts";
import type { RoomConnectionOptions } from "../room/options.ts";
import type { Target } from "../room/target.ts";

/** Options of a `RoomProvider`. `awareness` and `disableBc` are y-websocket's. */
export interface RoomProviderOptions extends RoomConnectionOptions {
  /** Default: one that sends nothing while nothing changes. The provider stops the timer of an app's own one. */
  readonly awareness?: Awareness;
  /** Whether to leave other tabs alone. Default: false. */
  readonly disableBc?: boolean;
  /**
   * The owner of the document. Tabs with the same subject share edits with each other, and visits share what the browser keeps.
   * Default: for tabs the token's `sub` claim. A token together with `offline` requires it, since there may be no token
   * without a network.
   */
  readonly subject?: string;
  /** Keeps the document in the browser: `true` for IndexedDB, or another store. Default: false. */
  readonly offline?: boolean | OpenOfflineStore;
}

/** The name that tabs and visits with the same room, server and subject have in common. */
export function localName({ serverUrl, room }: Target, subject: string): string {
  return `roomful:${JSON.stringify([serverUrl, room, subject])}`;
}

/**
 * Refuses to keep a document of nobody in particular: the next user of the same browser would see it.
 * @throws RoomfulError `invalid-argument`
 */
export function checkOwner({ token, offline, subject }: RoomProviderOptions): void {
  if (token !== undefined && offline !== undefined && offline !== false && subject === undefined) {
    throw new RoomfulError("invalid-argument", "with token and offline, subject names whose document is kept");
  }
}
