/**
 * Bytes of log below which no snapshot is worth its rows: reading that much at a load takes a few milliseconds. A quiet
 * room folds earlier than a busy one, since nobody waits then.
 */
const SMALLEST_LOG = { quiet: 32 * 1024, busy: 256 * 1024 } as const;

/**
 * The log's size relative to the snapshot at which a new one is written. In a busy room, a snapshot of S bytes per S
 * bytes of log makes the bytes written at most twice the edits, and the work per edit the same at every document size.
 */
const LOG_PER_SNAPSHOT = { quiet: 0.5, busy: 1 } as const;

/** Whether the log after a snapshot has grown enough to be folded into the next one. */
export function isSnapshotDue(room: "quiet" | "busy", logBytes: number, snapshotBytes: number): boolean {
  return logBytes >= Math.max(SMALLEST_LOG[room], LOG_PER_SNAPSHOT[room] * snapshotBytes);
}
