import type { Fault, StorageCalls } from "../fault.ts";

interface Planted extends StorageCalls {
  calls: number;
  happened: boolean;
  readonly fault: Fault | null;
}

/** By object id; outlives the objects, as the module does. */
const planted = new Map<string, Planted>();

/** Makes the storage of an object fail, or none when `fault` is `null`; its calls are counted anew. */
export function plantFault(id: string, fault: Fault | null): void {
  planted.set(id, { calls: 0, happened: false, fault });
}

export function storageCalls(id: string): StorageCalls {
  const { calls, happened } = planted.get(id) ?? { calls: 0, happened: false };
  return { calls, happened };
}

/**
 * Puts a storage in the place of the object's own that fails as planted. A call is a SQL statement, or the beginning or
 * the end of a transaction.
 */
export function plantStorage(ctx: DurableObjectState): void {
  const id = ctx.id.toString();
  const { storage } = ctx;
  const count = () => {
    const plan = planted.get(id);
    if (plan === undefined) return;
    plan.calls++;
    const { calls, fault } = plan;
    if (fault === null || (fault.kind === "from-then-on" ? calls < fault.at : calls !== fault.at)) return;
    plan.happened = true;
    if (fault.kind === "reset") ctx.abort("planted reset");
    throw new Error(`planted fault at storage call ${calls}`);
  };
  const sql: Pick<SqlStorage, "exec"> = {
    exec: (statement, ...bindings) => {
      count();
      return storage.sql.exec(statement, ...bindings);
    },
  };
  const transactionSync = <Result>(work: () => Result): Result => {
    count();
    return storage.transactionSync(() => {
      const result = work();
      count();
      return result;
    });
  };
  Object.defineProperty(ctx, "storage", { value: { sql, transactionSync } });
}
