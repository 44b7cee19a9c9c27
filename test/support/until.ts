import { setTimeout as pause } from "node:timers/promises";

/** Waits until something holds. @throws when it does not within the time */
export async function until(holds: () => boolean, what: string | (() => string), milliseconds = 10_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!holds()) {
    if (Date.now() > deadline)
      throw new Error(`not within ${milliseconds} ms: ${typeof what === "string" ? what : what()}`);
    await pause(5);
  }
}
