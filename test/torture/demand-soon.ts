import { setTimeout as pause } from "node:timers/promises";
import { demand } from "./violation.ts";

/** Waits until something holds. @throws Violation when it does not within the time, or while it can't be asked */
export async function demandSoon(
  holds: () => boolean | Promise<boolean>,
  promise: string | (() => string),
  milliseconds: number,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds())) {
    demand(performance.now() < deadline, `${typeof promise === "string" ? promise : promise()} (${milliseconds} ms)`);
    await pause(10);
  }
}
