/** The real Worker, with rooms that a test can abort, whose storage it can make fail, and whose RPC it can call. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import worker from "../../../worker/index.ts";
import { Room as RealRoom } from "../../../worker/room/room.ts";
import type { FuzzOptions, FuzzResult } from "../frames/fuzz.ts";
import type { Fault } from "../support/fault.ts";
import type { Statement, Value } from "../support/statement.ts";
import { plantFault, plantStorage, storageCalls } from "./faults.ts";
import { fuzz } from "./fuzz.ts";

export class Room extends RealRoom {
  readonly #abort: () => void;
  readonly #storage: DurableObjectStorage;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    // The storage as it is, before a failing one takes its place.
    const { storage } = ctx;
    plantStorage(ctx);
    super(ctx, env);
    this.#storage = storage;
    this.#abort = () => ctx.abort("planted abort");
  }

  /** Ends the object at once, as a crash of its isolate would. */
  async abort(): Promise<void> {
    this.#abort();
  }

  /** Runs statements on the room's storage, past the planted fault. */
  async sql(statements: readonly Statement[]): Promise<Value[][][]> {
    const { sql } = this.#storage;
    return this.#storage.transactionSync(() =>
      statements.map(([statement, ...bindings]) =>
        [...sql.exec(statement, ...bindings).raw()].map((row) =>
          row.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value)),
        ),
      ),
    );
  }

  /** Tries hostile edits on documents of their own; the room's is not touched. */
  async fuzz(options: FuzzOptions): Promise<FuzzResult> {
    return fuzz(options);
  }
}

/** Calls a method of a room: `POST /torture/<room>` with `[method, ...arguments]` in lib0's encoding of any value. */
async function call(request: Request, env: Cloudflare.Env): Promise<Response> {
  const name = decodeURIComponent(new URL(request.url).pathname.slice("/torture/".length));
  const [method, ...args] = decoding.readAny(decoding.createDecoder(new Uint8Array(await request.arrayBuffer())));
  let outcome: { value: unknown } | { error: string };
  try {
    outcome = { value: await perform(env, name, method, args) };
  } catch (caught) {
    outcome = { error: caught instanceof Error ? caught.message : String(caught) };
  }
  return new Response(encoding.encode((encoder) => encoding.writeAny(encoder, outcome as never)));
}

/** Faults are planted from outside of the object: one that can't even be constructed must be freed of them too. */
function perform(env: Cloudflare.Env, name: string, method: string, args: unknown[]): unknown {
  const id = env.ROOMS.idFromName(name).toString();
  if (method === "plantFault") return plantFault(id, args[0] as Fault | null);
  if (method === "storageCalls") return storageCalls(id);
  const methods = env.ROOMS.getByName(name) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return methods[method]?.(...args);
}

export default {
  fetch: (request: Request, env: Cloudflare.Env, ctx: ExecutionContext) =>
    new URL(request.url).pathname.startsWith("/torture/") ? call(request, env) : worker.fetch(request, env, ctx),
};
