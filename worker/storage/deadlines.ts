import type { DeadlineRow } from "./rows.ts";

/** The part of `Store` that keeps the deadlines. */
interface DeadlineStore {
  readDeadlines(): DeadlineRow[];
  writeDeadlines(changes: DeadlineChanges): void;
}

export interface DeadlineChanges {
  /** Rows to write. Each replaces the row of the same id. */
  readonly set?: readonly DeadlineRow[];
  /** Ids of rows to delete. */
  readonly remove?: readonly number[];
}

interface DeadlinesOptions {
  /** Sets the object's one alarm. */
  readonly setAlarm: (at: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The deadlines that outlive memory. A Durable Object has one alarm, which is set for the earliest of the rows. An alarm is
 * never taken back: one that goes off for nothing costs less.
 */
export class Deadlines {
  readonly #store: DeadlineStore;
  readonly #options: DeadlinesOptions;
  /** The rows, read when they are first needed. */
  #rows: Map<number, DeadlineRow> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(store: DeadlineStore, options: DeadlinesOptions) {
    this.#store = store;
    this.#options = options;
  }

  now(): number {
    return this.#options.now();
  }

  /** The deadlines of one kind, due or not. @throws RoomfulError `storage-failed` */
  of(kind: DeadlineRow["kind"]): DeadlineRow[] {
    return [...this.#all.values()].filter((row) => row.kind === kind);
  }

  /** Whether a deadline has passed. A deadline that does not run is never due. */
  isDue({ at }: DeadlineRow): boolean {
    return at !== null && at <= this.now();
  }

  /** Writes and deletes deadlines together. @throws RoomfulError `room-too-new`, `storage-failed`; nothing was changed then */
  change({ set = [], remove = [] }: DeadlineChanges): void {
    const rows = this.#all;
    const present = remove.filter((id) => rows.has(id));
    if (set.length === 0 && present.length === 0) return;
    this.#store.writeDeadlines({ set, remove: present });
    for (const id of present) rows.delete(id);
    for (const row of set) rows.set(row.id, row);
    this.#arm();
  }

  /** Sets the alarm again. The room calls this when the alarm went off and everything due is done. */
  rearm(): void {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  /** Forgets the rows. The room calls this once it deleted all storage. */
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
