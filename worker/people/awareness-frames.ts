import { type AwarenessEntry, ENTRY_BYTES, encodeAwareness } from "../../shared/frames.ts";
import { PRESENCE_FRAME_BYTES } from "../../shared/limits.ts";

/** Entries with the frame that carries them. */
export interface AwarenessPart {
  readonly entries: readonly AwarenessEntry[];
  readonly frame: Uint8Array<ArrayBuffer>;
}

/** Encodes entries as few frames, none of which is above {@link PRESENCE_FRAME_BYTES} unless a single state is. */
export function awarenessParts(entries: readonly AwarenessEntry[]): AwarenessPart[] {
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
  return parts.map((part) => ({ entries: part, frame: encodeAwareness(part) }));
}
