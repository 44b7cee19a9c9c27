interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to advance. */
export class FakeClock {
  readonly #timers = new Map<number, Timer>();
  #now = 1_000_000;
  #ids = 0;

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, milliseconds: number): unknown {
    const id = ++this.#ids;
    this.#timers.set(id, { at: this.#now + milliseconds, callback });
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
    const end = this.#now + milliseconds;
    for (let fired = 0; ; fired++) {
      if (fired > 100_000) throw new Error("timers start each other without end");
      const [due] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, one], [, two]) => one.at - two.at);
      if (due === undefined) break;
      const [id, { at, callback }] = due;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      callback();
    }
    this.#now = end;
  }
}
