import { MOVED_STRUCTS } from "../../shared/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import { explain, type Log } from "../runtime/logging.ts";
import type { Store } from "../storage/store.ts";
import type { StoredDocument, StoredSnapshot } from "../storage/stored-document.ts";

/**
 * Bytes of log below which no snapshot is worth its rows: a load reads that much in a few milliseconds. A quiet room folds
 * earlier than a busy one, since nobody waits for it then.
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

interface PersistenceOptions {
  /** The document that memory holds, encoded; `null` while it holds none. */
  readonly encode: () => StoredSnapshot | null;
  /** Milliseconds without a commit after which a room is quiet. */
  readonly quietMs: number;
  /** Called when the room is quiet and a snapshot is due. It commits first, and then calls `snapshotIfDue`. */
  readonly whenQuiet: () => void;
  readonly log: Log;
  readonly clock: Clock;
}

/** Commits what Yjs emitted to the store, folds the log into snapshots, and makes a damaged room read-only. */
export class Persistence {
  readonly #store: Store;
  readonly #options: PersistenceOptions;
  readonly #clock: Clock;
  #uncommitted: Uint8Array[] = [];
  #uncommittedBytes = 0;
  #quietTimer: number | undefined;
  /** Log bytes at which the next snapshot is tried, after one failed. */
  #snapshotNotBefore = 0;
  /** Structs that Yjs shifts for the log since the last snapshot, each time that it is loaded. */
  #movedStructs = 0;
  /** Whether a damaged snapshot waits to be replaced. */
  #mustHeal = false;
  #readOnly: "room-damaged" | null = null;
  #damage: readonly string[] = [];

  constructor(store: Store, options: PersistenceOptions) {
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Bytes that were added and are not committed yet. */
  get uncommittedBytes(): number {
    return this.#uncommittedBytes;
  }

  /** Why no edit may be taken, or `null`. Known once the document was read. */
  get readOnly(): "room-damaged" | null {
    return this.#readOnly;
  }

  /** Every damaged place that the last reading of storage met. */
  get damage(): readonly string[] {
    return this.#damage;
  }

  /** Adds updates that Yjs emitted to the next commit. */
  add(updates: readonly Uint8Array[]): void {
    for (const update of updates) {
      this.#uncommitted.push(update);
      this.#uncommittedBytes += update.length;
    }
  }

  /** Counts the structs that Yjs shifted for an update, and shifts again whenever the log is loaded. */
  countReplay(movedStructs: number): void {
    this.#movedStructs += movedStructs;
  }

  /** Writes what was added as one record. @throws RoomfulError of the store; everything stays uncommitted then */
  commit(): void {
    if (this.#uncommitted.length === 0) return;
    this.#store.append(this.#uncommitted);
    this.#uncommitted = [];
    this.#uncommittedBytes = 0;
  }

  /** Commits what was added, and reads all of it from the store. @throws RoomfulError of the store */
  read(): StoredDocument {
    this.commit();
    const stored = this.#store.read();
    this.#readOnly = null;
    this.#damage = stored.damage;
    for (const place of stored.damage) this.#options.log("error", "damage", { code: "room-damaged", detail: place });
    if (!stored.whole) this.makeReadOnly("not everything that was acknowledged is there");
    // A sound snapshot is due in the place of the damaged one.
    this.#mustHeal = stored.damage.length > 0 && stored.whole;
    if (this.#isDue("quiet")) this.#startQuietTimer();
    return stored;
  }

  /** Takes no more edits, since the stored document can't be read whole: a write would replace what may still be saved. */
  makeReadOnly(detail: string): void {
    this.#readOnly = "room-damaged";
    this.#store.markDamaged();
    this.#options.log("error", "read-only", { code: "room-damaged", detail });
  }

  /** Follows a commit: writes a snapshot if the log has grown too large, or plans one for a quiet moment. */
  planSnapshot(): void {
    this.#stopQuietTimer();
    if (this.#isDue("busy")) this.#trySnapshot();
    else if (this.#isDue("quiet")) this.#startQuietTimer();
  }

  /** Writes a snapshot if one is due in a quiet room. Everything is committed by then. */
  snapshotIfDue(): void {
    if (this.#isDue("quiet")) this.#trySnapshot();
  }

  /** Folds the whole log into a snapshot. @throws RoomfulError of the store */
  writeSnapshot(): void {
    this.#stopQuietTimer();
    const { logBytesSinceSnapshot } = this.#store.figures();
    if (logBytesSinceSnapshot === 0 && !this.#mustHeal) return;
    const snapshot = this.#options.encode();
    if (snapshot === null) return;
    this.#store.writeSnapshot(snapshot);
    this.#snapshotNotBefore = 0;
    this.#movedStructs = 0;
    this.#mustHeal = false;
    const { snapshotGeneration, snapshotBytes } = this.#store.figures();
    this.#options.log("info", "snapshot", {
      generation: snapshotGeneration,
      bytes: snapshotBytes,
      logBytes: logBytesSinceSnapshot,
    });
  }

  /** Drops the updates that were added and not committed. */
  dropUncommitted(): void {
    this.#stopQuietTimer();
    this.#uncommitted = [];
    this.#uncommittedBytes = 0;
  }

  /** Writes a snapshot. A failure loses nothing, since the log is complete; the next try waits until the log has doubled. */
  #trySnapshot(): void {
    const { logBytesSinceSnapshot } = this.#store.figures();
    try {
      this.writeSnapshot();
    } catch (cause) {
      this.#snapshotNotBefore = 2 * logBytesSinceSnapshot;
      this.#options.log("error", "snapshot-failed", { detail: explain(cause) });
    }
  }

  #isDue(room: "quiet" | "busy"): boolean {
    const { logBytesSinceSnapshot, snapshotBytes } = this.#store.figures();
    if (this.#readOnly !== null || logBytesSinceSnapshot < this.#snapshotNotBefore) return false;
    if (this.#movedStructs > MOVED_STRUCTS && logBytesSinceSnapshot > 0) return true;
    return (room === "quiet" && this.#mustHeal) || isSnapshotDue(room, logBytesSinceSnapshot, snapshotBytes);
  }

  #startQuietTimer(): void {
    this.#stopQuietTimer();
    this.#quietTimer = this.#clock.setTimeout(() => {
      this.#quietTimer = undefined;
      this.#options.whenQuiet();
    }, this.#options.quietMs);
  }

  #stopQuietTimer(): void {
    if (this.#quietTimer !== undefined) this.#clock.clearTimeout(this.#quietTimer);
    this.#quietTimer = undefined;
  }
}
