import * as Y from "yjs";
import { readUpdateShape } from "../../worker/update-shape.ts";

/**
 * Watches for structs that begin before the end of what is known of their client. Yjs appends the rest to what is known,
 * and splits what even a known one refers to. Of one who uses a client id with other content, a room in memory then holds
 * something else than what it emits.
 */
export class OverlapWatch {
  #ends = new Map<number, number>();
  #ranges = new Map<number, [start: number, end: number][]>();
  /** Whether any may have been taken. */
  found = false;

  /** To be called with the room's state vector, before updates that arrive in whatever order. */
  begin(stateVector: Uint8Array): void {
    this.#ends = Y.decodeStateVector(stateVector);
    this.#ranges = new Map();
  }

  see(update: Uint8Array): void {
    if (this.found) return;
    try {
      readUpdateShape(update);
    } catch {
      return;
    }
    for (const { id, length } of Y.decodeUpdate(update).structs) {
      const [start, end] = [id.clock, id.clock + length];
      const known = this.#ends.get(id.client) ?? 0;
      const ranges = this.#ranges.get(id.client) ?? [];
      if (start < known || ranges.some(([from, to]) => start < to && from < end)) {
        this.found = true;
      }
      this.#ranges.set(id.client, [...ranges, [start, end]]);
    }
  }
}
