import type { RoomLimits } from "../access/room-limits.ts";
import type { Rules } from "../access/rules.ts";
import type { Call } from "../calls/call.ts";
import type { Places } from "../calls/places.ts";
import type { WebrtcSignaling } from "../calls/webrtc-signaling.ts";
import type { Log } from "../runtime/logging.ts";
import type { Turns } from "../runtime/turns.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Deadlines } from "../storage/deadlines.ts";
import type { Store } from "../storage/store.ts";
import type { Sync } from "../sync/sync.ts";

/** The id of the row of a room's own deletion; those of others are chosen by chance, above. */
const CLEANUP_ID = 0;

interface LifetimeOptions {
  readonly storage: Pick<DurableObjectStorage, "deleteAll">;
  readonly store: Store;
  readonly deadlines: Deadlines;
  readonly rules: Rules;
  readonly limits: RoomLimits;
  readonly sessions: Sessions;
  readonly webrtc: WebrtcSignaling;
  readonly places: Places;
  readonly call: Call;
  readonly sync: Sync;
  readonly turns: Turns;
  readonly log: Log;
}

/**
 * The lifetime of a room: occupied, stored, empty, deleted. A room that has been empty for long enough is deleted, if that is configured:
 * the deadline is set when the last one leaves, and when the first one comes, in case a crash swallows the leaving.
 */
export class Lifetime {
  readonly #options: LifetimeOptions;

  constructor(options: LifetimeOptions) {
    this.#options = options;
  }

  /** Whether somebody is in, or is about to come back. */
  get isOccupied(): boolean {
    const { sessions, webrtc, places } = this.#options;
    return sessions.size > 0 || webrtc.size > 0 || places.absentOrNone.length > 0;
  }

  /** Sets the deadline anew: the first session opened, the last one closed, or an empty room's delay changed. */
  arm(): void {
    const { store, limits, deadlines } = this.#options;
    if (store.isEmpty) return;
    const seconds = limits.deleteEmptyAfter;
    if (seconds === 0) deadlines.change({ remove: [CLEANUP_ID] });
    else {
      const at = deadlines.now() + seconds * 1000;
      deadlines.change({ set: [{ id: CLEANUP_ID, at, kind: "cleanup", json: "" }] });
    }
  }

  /** Brings everything to rest once the last session is gone. @throws RoomfulError `storage-failed` */
  settleEmpty(): void {
    const { sync, store } = this.#options;
    sync.settle();
    store.deleteAllPresence();
    this.arm();
  }

  /** Does all whose deadline has passed. */
  async runDue(): Promise<void> {
    const { call, deadlines } = this.#options;
    if (call.releasePlaces() > 0 && !this.isOccupied) this.arm();
    if (this.#isCleanupDue()) await this.deleteEverything();
    else deadlines.rearm();
  }

  /** Sends everybody away, and leaves nothing stored. */
  async deleteEverything(): Promise<void> {
    const { storage, store, deadlines, rules, sessions, webrtc, sync, turns, log } = this.#options;
    for (const session of sessions) session.end("room-deleted");
    // Now, so that the rows that a session's end writes are deleted too.
    turns.sweep();
    webrtc.end("room-deleted");
    sync.discard();
    await storage.deleteAll();
    store.forget();
    rules.forget();
    deadlines.forget();
    log("info", "deleted", {});
  }

  /** A room that is occupied then is kept, until the last one leaves. */
  #isCleanupDue(): boolean {
    const { deadlines, limits } = this.#options;
    if (!deadlines.of("cleanup").some((row) => deadlines.isDue(row))) return false;
    if (!this.isOccupied && limits.deleteEmptyAfter > 0) return true;
    deadlines.change({ remove: [CLEANUP_ID] });
    return false;
  }
}
