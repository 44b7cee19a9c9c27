/** A machine that stands still for a moment, as virtual ones do, leaves nothing else the time to happen either. */
const LONGEST_COUNTED_PAUSE = 100;

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until something holds. @throws when it does not within the time */
export async function until(holds: () => boolean, what: string | (() => string), milliseconds = 10_000): Promise<void> {
  let waited = 0;
  let last = Date.now();
  while (!holds()) {
    if (waited > milliseconds)
      throw new Error(`not within ${milliseconds} ms: ${typeof what === "string" ? what : what()}`);
    await pause(2);
    const now = Date.now();
    waited += Math.min(now - last, LONGEST_COUNTED_PAUSE);
    last = now;
  }
}
