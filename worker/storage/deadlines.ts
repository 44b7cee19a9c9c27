import type { DeadlineRow } from "./rows.ts";

/** Keeps deadlines, see `Store`. */
interface DeadlineStore {
  readDeadlines(): DeadlineRow[];
  writeDeadlines(changes: DeadlineChanges): void;
}

export interface DeadlineChanges {
  /** Written, in the place of those with the same id. */
  readonly set?: readonly DeadlineRow[];
  /** Ids. */
  readonly remove?: readonly number[];
}

interface DeadlinesOptions {
  /** Sets the object's one alarm. */
  readonly setAlarm: (at: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * All that waits for a moment longer than a timer may: rows, so that nothing of it is lost with memory, and the object's
 * single alarm, set for the earliest of them. An alarm that goes off for nothing costs less than taking it back.
 */
export class Deadlines {
  readonly #store: DeadlineStore;
  readonly #options: DeadlinesOptions;
  /** Read when they are first needed. */
  #rows: Map<number, DeadlineRow> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(store: DeadlineStore, options: DeadlinesOptions) {
    this.#store = store;
    this.#options = options;
  }

  now(): number {
    return this.#options.now();
  }

  /** Those of one kind, due or not. @throws RoomfulError `storage-failed` */
  of(kind: DeadlineRow["kind"]): DeadlineRow[] {
    return [...this.#all.values()].filter((row) => row.kind === kind);
  }

  /** Whether a deadline has passed. One that does not run yet has not. */
  isDue({ at }: DeadlineRow): boolean {
    return at !== null && at <= this.now();
  }

  /** Durable when it returns, all of it. @throws RoomfulError `room-too-new`, `storage-failed`; nothing was changed then */
  change({ set = [], remove = [] }: DeadlineChanges): void {
    const rows = this.#all;
    const present = remove.filter((id) => rows.has(id));
    if (set.length === 0 && present.length === 0) return;
    this.#store.writeDeadlines({ set, remove: present });
    for (const id of present) rows.delete(id);
    for (const row of set) rows.set(row.id, row);
    this.#arm();
  }

  /** To be called when the alarm went off and all that was due is done. */
  rearm(): void {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  /** To be called once everything stored was deleted. */
  forget(): void {
    this.#rows = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
  }

  get #all(): Map<number, DeadlineRow> {
    this.#rows ??= new Map(this.#store.readDeadlines().map((row) => [row.id, row]));
    return this.#rows;
  }

  #arm(): void {
    const earliest = Math.min(...Array.from(this.#all.values(), ({ at }) => at ?? Number.POSITIVE_INFINITY));
    if (earliest >= this.#alarmAt) return;
    this.#alarmAt = earliest;
    this.#options.setAlarm(earliest);
  }
}
