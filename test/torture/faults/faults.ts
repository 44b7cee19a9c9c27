import type { Plant } from "../../support/plant.ts";
import type { FaultKind } from "../support/fault.ts";
import { ALL, type Sample } from "../support/scale.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";
import { script } from "./fault-script.ts";
import { FaultSession, QUIET_MS } from "./fault-session.ts";

const KINDS: readonly FaultKind[] = ["once", "from-then-on", "reset"];

/**
 * What follows a fault: the clients come back to the object as it is; or it crashes first, and they find what it kept; or
 * it crashes once they came back, and what they were told after the fault must be kept.
 */
type Sequel = "live on" | "crash" | "live on, then crash";
const SEQUELS: readonly Sequel[] = ["live on", "crash", "live on, then crash"];

export interface Combination {
  readonly kind: FaultKind;
  readonly sequel: Sequel;
}
const COMBINATIONS: readonly Combination[] = KINDS.flatMap((kind) => SEQUELS.map((sequel) => ({ kind, sequel })));

export interface FaultsOptions {
  /** Kinds of fault and what follows them; every kind with every sequel, if not told otherwise. */
  readonly combinations?: readonly Combination[];
  /** Which of the combinations each call goes through: all, or one in turn. */
  readonly every: "combination" | "call";
  /** Which calls: all, or, in a smaller size, those whose number leaves this remainder. */
  readonly sample?: Sample;
  readonly settings?: Record<string, string>;
  /** Whether a record of the session spans rows. */
  readonly large?: boolean;
  /** Sessions side by side. */
  readonly sideBySide?: number;
  /** Milliseconds in which everybody must be served, or sent away. */
  readonly patience?: number;
  readonly plant?: Plant;
}

export interface FaultsFigures {
  /** Storage calls of the session without a fault. */
  readonly calls: number;
  readonly sessions: number;
  /** Sessions in which the fault struck. */
  readonly struck: number;
  /** Steps of the script in which faults struck, with how many. */
  readonly steps: ReadonlyMap<string, number>;
}

interface Case extends Combination {
  readonly at: number;
}

/**
 * Goes through a scripted session once for each of its storage calls, which fails.
 * @throws Violation when a client or a caller is told what is not so, or is left waiting
 */
export async function runFaults(options: FaultsOptions): Promise<FaultsFigures> {
  const { every, combinations = COMBINATIONS, sample = ALL, settings, large = false } = options;
  const { sideBySide = 6, patience = 20_000, plant } = options;
  const server = await TorturedServer.start({
    settings: { COALESCE_MS: "0", COMMIT_MS: "0", SNAPSHOT_QUIET_MS: `${QUIET_MS}`, ...settings },
    ...(plant && { plant }),
  });
  const url = await server.url();
  const steps = new Map<string, number>();
  const perform = (name: string, fault: Case | null) => performSession(server, url, { name, fault, large, patience });
  try {
    const { calls } = await perform("without-a-fault", null);
    const cases = Array.from({ length: calls }, (_, index) => casesOf(index + 1, every, combinations))
      .flat()
      .filter(({ at }) => at % sample.of === sample.remainder % sample.of);
    const waiting = [...cases.entries()];
    const workers = Array.from({ length: sideBySide }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, fault] = next;
        const { struckIn } = await perform(`fault-${index}`, fault);
        if (struckIn !== null) steps.set(struckIn, (steps.get(struckIn) ?? 0) + 1);
      }
    });
    await Promise.all(workers).finally(() => {
      waiting.length = 0;
    });
    const struck = [...steps.values()].reduce((sum, count) => sum + count, 0);
    return { calls, sessions: cases.length, struck, steps };
  } finally {
    await server.stop();
  }
}

function casesOf(at: number, every: FaultsOptions["every"], combinations: readonly Combination[]): Case[] {
  const all = combinations.map((combination) => ({ at, ...combination }));
  return every === "combination" ? all : all.slice(at % all.length, (at % all.length) + 1);
}

/** One room through the whole script. */
async function performSession(
  server: TorturedServer,
  url: string,
  { name, fault, large, patience }: { name: string; fault: Case | null; large: boolean; patience: number },
): Promise<{ calls: number; struckIn: string | null }> {
  const where = fault === null ? "without a fault" : `call ${fault.at}, ${fault.kind}, ${fault.sequel}`;
  let struckIn: string | null = null;
  const at = () => `${where}${struckIn === null ? "" : ` (in "${struckIn}")`}`;
  const session = new FaultSession(server, url, name, { where: at, kind: fault?.kind ?? null, patience });
  await session.room.plantFault(fault && { at: fault.at, kind: fault.kind });
  for (const step of script(large)) {
    if (struckIn !== null) await session.recover();
    await step.run(session);
    await session.settle();
    if (struckIn !== null || !(await session.struck())) continue;
    struckIn = step.name;
    if (fault?.kind === "from-then-on") await session.visitWhileItFails();
    if (fault?.sequel === "crash") await session.crash();
    else await session.mend();
    if (fault?.sequel !== "live on, then crash") continue;
    await session.recover();
    await session.crash();
  }
  const { calls } = await session.room.storageCalls();
  if (struckIn !== null) await session.recover();
  await session.checkEnd();
  demand(fault !== null || calls > 0, "the session has storage calls");
  return { calls, struckIn };
}
