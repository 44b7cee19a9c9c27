interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to advance. It serves as the clock of the worker and of the client. */
export class FakeClock {
  /** Milliseconds. A test that sets it lets time pass without a timer going off, as a busy runtime does. */
  time = 0;
  readonly #timers = new Map<number, Timer>();
  #ids = 0;

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, milliseconds: number): number {
    const id = ++this.#ids;
    this.#timers.set(id, { at: this.time + milliseconds, callback });
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id as number);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Runs every timer that is due within the time, in order, those included that these start. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (let fired = 0; ; fired++) {
      if (fired > 100_000) throw new Error("timers start each other without end");
      const [due] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, one], [, two]) => one.at - two.at);
      if (due === undefined) break;
      const [id, { at, callback }] = due;
      this.#timers.delete(id);
      this.time = Math.max(this.time, at);
      callback();
    }
    this.time = end;
  }
}
