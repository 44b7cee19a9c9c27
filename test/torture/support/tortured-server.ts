import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { RoomMethods } from "../../../shared/rpc.ts";
import { BareRoomServer } from "../../support/bare-room-server.ts";
import type { Plant } from "../../support/plant.ts";
import type { FuzzOptions, FuzzResult } from "../frames/fuzz.ts";
import type { Fault, StorageCalls } from "./fault.ts";
import type { Statement, Value } from "./statement.ts";

/** What a room of `worker/index.ts` in this folder has beyond every room's methods. */
export interface TorturedRoom extends RoomMethods {
  /** Ends the room's object as a crash would: memory and sockets are gone, storage stays. */
  abort(): Promise<void>;
  plantFault(fault: Fault | null): Promise<void>;
  storageCalls(): Promise<StorageCalls>;
  /** Tries hostile edits on documents of their own inside the isolate. */
  fuzz(options: FuzzOptions): Promise<FuzzResult>;
  /** Runs statements on the room's own storage, in one transaction. @returns the rows of each */
  sql(statements: readonly Statement[]): Promise<Value[][][]>;
}

export interface TorturedServerOptions {
  readonly settings?: Record<string, string>;
  readonly plant?: Plant;
  readonly inspectorPort?: number;
  readonly dataDirectory?: string;
}

/**
 * The methods of a room. They are called by way of the Worker: a stub that Miniflare hands out counts as a reference to
 * the object, and keeps it from being evicted.
 *
 * @param serverUrl what {@link TorturedServer.url} is, also of one in another process
 */
export function torturedRoom(serverUrl: string, name: string): TorturedRoom {
  const url = new URL(`/torture/${encodeURIComponent(name)}`, serverUrl.replace(/^ws/, "http"));
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const body = encoding.encode((encoder) => encoding.writeAny(encoder, [method, ...args] as never));
    const response = await fetch(url, { method: "POST", body });
    const outcome = decoding.readAny(decoding.createDecoder(new Uint8Array(await response.arrayBuffer())));
    if ("error" in outcome) throw new Error(outcome.error);
    return outcome.value;
  };
  return new Proxy({} as TorturedRoom, {
    get: (_target, method) => (method === "then" ? undefined : (...args: unknown[]) => call(String(method), args)),
  });
}

/** The built Worker on workerd, with rooms that can be evicted, aborted and made to fail. */
export class TorturedServer {
  readonly #server: BareRoomServer;
  #url: string;

  private constructor(server: BareRoomServer, url: string) {
    this.#server = server;
    this.#url = url;
  }

  static async start(options: TorturedServerOptions = {}): Promise<TorturedServer> {
    const server = await BareRoomServer.start({ ...options, entry: "test/torture/worker/index.ts" });
    return new TorturedServer(server, await server.url());
  }

  /** What a stock provider takes as its server URL. */
  async url(): Promise<string> {
    return this.#url;
  }

  room(name: string): TorturedRoom {
    return torturedRoom(this.#url, name);
  }

  async abort(name: string): Promise<void> {
    // The call dies with the object.
    await this.room(name)
      .abort()
      .catch(() => {});
  }

  /** Takes the room's memory; its sockets stay, as in hibernation. Waits until no timer is pending. */
  evict(name: string): Promise<void> {
    return this.#server.evict(name);
  }

  async restart(): Promise<void> {
    await this.#server.restart();
    this.#url = await this.#server.url();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
