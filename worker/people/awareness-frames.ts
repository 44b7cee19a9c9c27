import { type AwarenessEntry, ENTRY_BYTES, encodeAwareness } from "../../shared/frames.ts";
import { PRESENCE_FRAME_BYTES } from "../../shared/limits.ts";

/** Encodes entries as few frames, none of which is above {@link PRESENCE_FRAME_BYTES} unless a single state is. */
export function awarenessFrames(entries: readonly AwarenessEntry[]): Uint8Array<ArrayBuffer>[] {
  const parts: AwarenessEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = ENTRY_BYTES + (entry.state?.length ?? 0);
    const part = parts.at(-1);
    if (part !== undefined && bytes <= room) part.push(entry);
    else {
      parts.push([entry]);
      room = PRESENCE_FRAME_BYTES - ENTRY_BYTES;
    }
    room -= bytes;
  }
  return parts.map(encodeAwareness);
}
