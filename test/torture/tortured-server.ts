import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { RoomMethods } from "../../shared/rooms.ts";
import { BareRoomServer, type Plant } from "../support/bare-room-server.ts";
import type { Fault, StorageCalls } from "./fault.ts";
import type { FuzzOptions, FuzzResult } from "./fuzz.ts";

/** What a room of `worker/index.ts` in this folder has beyond every room's methods. */
export interface TorturedRoom extends RoomMethods {
  /** Ends the room's object as a crash would: memory and sockets are gone, storage stays. */
  abort(): Promise<void>;
  plantFault(fault: Fault | null): Promise<void>;
  storageCalls(): Promise<StorageCalls>;
  /** Tries hostile edits on documents of their own inside the isolate. */
  fuzz(options: FuzzOptions): Promise<FuzzResult>;
}

interface TorturedServerOptions {
  readonly settings?: Record<string, string>;
  readonly plant?: Plant;
  readonly inspectorPort?: number;
}

/** The built Worker on workerd, with rooms that can be evicted, aborted and made to fail. */
export class TorturedServer {
  readonly #server: BareRoomServer;

  private constructor(server: BareRoomServer) {
    this.#server = server;
  }

  static async start(options: TorturedServerOptions = {}): Promise<TorturedServer> {
    return new TorturedServer(await BareRoomServer.start({ ...options, entry: "test/torture/worker/index.ts" }));
  }

  /** What a stock provider takes as its server URL. */
  url(): Promise<string> {
    return this.#server.url();
  }

  /**
   * The room's methods. They are called by way of the Worker: a stub that Miniflare hands out counts as a reference to
   * the object, and keeps it from being evicted.
   */
  room(name: string): TorturedRoom {
    const call = async (method: string, args: unknown[]): Promise<unknown> => {
      const url = new URL(`/torture/${encodeURIComponent(name)}`, (await this.url()).replace(/^ws/, "http"));
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

  restart(): Promise<void> {
    return this.#server.restart();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
