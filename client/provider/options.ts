import type { Awareness } from "y-protocols/awareness";
import { RoomfulError } from "../../shared/errors.ts";
import { parseRoomName, type RoomName } from "../../shared/rooms.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { CallOptions } from "../call/options.ts";
import type { ConnectionTiming } from "../connection/lifecycle.ts";
import { onPageWake } from "../connection/wake.ts";
import type { OpenOfflineStore } from "../offline/offline-store.ts";

/** A token, or how to get one: asked anew for each connection, since tokens expire. */
export type TokenSource = string | (() => string | Promise<string>);

/** Options of a `RoomConnection`. Those up to `maxBackoffTime` are y-websocket's. */
export interface RoomConnectionOptions {
  /** Whether to connect at once. Default: true. */
  readonly connect?: boolean;
  /** Query parameters of the room's URL, read at each connect. Not for secrets: URLs are logged. */
  readonly params?: Record<string, string>;
  /** Further subprotocols to offer. */
  readonly protocols?: readonly string[];
  /** For an environment that has no global `WebSocket`. */
  readonly WebSocketPolyfill?: typeof WebSocket;
  /**
   * Upper bound of the wait before a reconnect, in milliseconds above 0. Default: 10,000. The bound starts at 200 and
   * doubles; each wait is a random part of it.
   */
  readonly maxBackoffTime?: number;
  /** Goes to the room as a subprotocol, which is not logged as a URL is. Default: none. */
  readonly token?: TokenSource;
  /** Silence after which the room is pinged, in milliseconds above 0. Default: 25,000. */
  readonly pingInterval?: number;
  /**
   * Silence after a ping that proves the connection dead, in milliseconds above 0. Default: 10,000. Doubled up to 4 times
   * while connections fail, since a large document on a slow link delays the answer; an upload that moves on is waited for.
   */
  readonly pingTimeout?: number;
  /** How calls behave. */
  readonly call?: CallOptions;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests. From 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  /** For tests, and for environments with other signs that a connection is worth a try. @returns how to stop */
  readonly onWake?: (wake: () => void) => () => void;
}

/** Options of a `RoomProvider`. `awareness` and `disableBc` are y-websocket's. */
export interface RoomProviderOptions extends RoomConnectionOptions {
  /** Default: one that sends nothing while nothing changes. One of the app's own is made so: its timer is stopped. */
  readonly awareness?: Awareness;
  /** Whether to leave other tabs alone. Default: false. */
  readonly disableBc?: boolean;
  /**
   * Whose document it is: tabs share edits with each other, and visits what the browser keeps, if they have the same
   * subject. Default: for tabs the token's `sub` claim. With a token and `offline` it has to be named, since there may be no
   * token without a network.
   */
  readonly subject?: string;
  /** Keeps the document in the browser: `true` for IndexedDB, or another store. Default: false. */
  readonly offline?: boolean | OpenOfflineStore;
}

/** Milliseconds that a token, and then a socket, may take. */
const CONNECT_TIMEOUT_MS = 30_000;

/** Milliseconds below which the first retry comes. */
const FIRST_BACKOFF_MS = 200;

/** Where a provider connects to, checked. */
export interface Target {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  readonly room: RoomName;
}

/**
 * Checks where to connect to.
 * @throws RoomfulError `bad-room-name`; `invalid-argument` when the server URL is none of a WebSocket
 */
export function checkTarget(serverUrl: string, room: string): Target {
  if (!URL.canParse(serverUrl) || !/^(?:ws|http)s?:$/.test(new URL(serverUrl).protocol)) {
    throw new RoomfulError("invalid-argument", "serverUrl is ws://host/rooms or wss://host/rooms");
  }
  return { serverUrl: serverUrl.replace(/\/+$/, ""), room: parseRoomName(room) };
}

/** The name that tabs and visits with the same room, server and subject have in common. */
export function localName({ serverUrl, room }: Target, subject: string): string {
  return `roomful:${JSON.stringify([serverUrl, room, subject])}`;
}

/** The URL of a room. The name is escaped, so that an URL parser leaves it as it is. */
export function roomUrl({ serverUrl, room }: Target, params: Readonly<Record<string, string>>): string {
  const path = room.split("/").map(encodeURIComponent).join("/");
  const query = new URLSearchParams(params).toString();
  return `${serverUrl}/${path}${query === "" ? "" : `?${query}`}`;
}

/**
 * One user's document must not be shown to the next one of the same browser.
 * @throws RoomfulError `invalid-argument`
 */
export function checkOwner({ token, offline, subject }: RoomProviderOptions): void {
  if (token !== undefined && offline !== undefined && offline !== false && subject === undefined) {
    throw new RoomfulError("invalid-argument", "with token and offline, subject names whose document is kept");
  }
}

/** How a connection behaves, with every default filled in. */
export interface Behaviour {
  readonly clock: Clock;
  readonly random: () => number;
  readonly onWake: (wake: () => void) => () => void;
  readonly timing: ConnectionTiming;
}

/** @throws RoomfulError `invalid-argument`, naming the option that is out of its range */
export function behaviourOf(options: RoomConnectionOptions): Behaviour {
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    onWake: options.onWake ?? onPageWake,
    timing: {
      pingInterval: duration("pingInterval", options.pingInterval ?? 25_000),
      pingTimeout: duration("pingTimeout", options.pingTimeout ?? 10_000),
      connectTimeout: CONNECT_TIMEOUT_MS,
      firstBackoff: FIRST_BACKOFF_MS,
      maxBackoff: duration("maxBackoffTime", options.maxBackoffTime ?? 10_000),
    },
  };
}

function duration(name: string, milliseconds: number): number {
  if (Number.isFinite(milliseconds) && milliseconds > 0) return milliseconds;
  throw new RoomfulError("invalid-argument", `${name} is a number of milliseconds above 0`);
}
