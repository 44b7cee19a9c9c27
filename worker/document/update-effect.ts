/** What an update would do to a document, told from its shape and from what the document holds. Nothing here changes either. */
import * as Y from "yjs";
import type { StructId } from "../../shared/frames.ts";
import type { UpdateShape } from "./update-shape.ts";

/** The clock that the document expects next of a client. */
export function clockOf(doc: Y.Doc, client: number): number {
  const last = doc.store.clients.get(client)?.at(-1);
  return last === undefined ? 0 : last.id.clock + last.length;
}

/** Whether the update has structs that the document lacks. */
export function addsStructs(doc: Y.Doc, shape: UpdateShape): boolean {
  return shape.structs.some((range) => range.end > clockOf(doc, range.client));
}

/** Whether applying the update would add a struct or delete one. What the document lacks it can't delete. */
export function changes(doc: Y.Doc, shape: UpdateShape): boolean {
  if (addsStructs(doc, shape)) return true;
  return shape.deletions.some(({ client, clock, length }) => {
    const structs = doc.store.clients.get(client);
    const end = Math.min(clock + length, clockOf(doc, client));
    if (structs === undefined || clock >= end) return false;
    for (let index = Y.findIndexSS(structs, clock); index < structs.length; index++) {
      const struct = structs[index];
      if (struct === undefined || struct.id.clock >= end) return false;
      if (!struct.deleted) return true;
    }
    return false;
  });
}

/**
 * The update without the structs that the document has. Yjs skips those only after it split what they refer to, and puts
 * the rest of one that is known in part where the known part stands: for a client id that is used twice both differ from
 * what a load makes of it.
 */
export function withoutKnown(doc: Y.Doc, update: Uint8Array, { structs }: UpdateShape): Uint8Array {
  const isNew = structs.every(({ client, start }) => start >= clockOf(doc, client));
  return isNew ? update : Y.diffUpdate(update, Y.encodeStateVector(doc));
}

/** How many runs of the document the update's deletions would split. */
export function splits(doc: Y.Doc, shape: UpdateShape): number {
  let count = 0;
  for (const { client, clock, length } of shape.deletions) {
    const structs = doc.store.clients.get(client);
    if (structs === undefined) continue;
    for (const cut of [clock, clock + length]) {
      if (cut >= clockOf(doc, client)) continue;
      const struct = structs[Y.findIndexSS(structs, cut)];
      if (struct !== undefined && !struct.deleted && struct.id.clock < cut) count++;
    }
  }
  return count;
}

/** Something that the update refers to and that is neither in the document nor in the update; `null` when nothing is. */
export function firstMissing(doc: Y.Doc, shape: UpdateShape): StructId | null {
  const ends = new Map<number, number>();
  for (const { client, start, end, gapEnd } of shape.structs) {
    const known = clockOf(doc, client);
    if (start > known) return { client, clock: start - 1 };
    if (gapEnd > known && gapEnd > start) return { client, clock: gapEnd - 1 };
    ends.set(client, Math.max(known, end));
  }
  const endOf = (client: number) => ends.get(client) ?? clockOf(doc, client);
  for (const [client, clock] of shape.references) if (clock >= endOf(client)) return { client, clock };
  // The last one of a client: when the room has reached it, it has reached those before it.
  const missing = shape.deletions.find(({ client, clock, length }) => clock + length > endOf(client));
  const last = shape.deletions.findLast(({ client }) => client === missing?.client);
  if (last !== undefined) return { client: last.client, clock: last.clock + last.length - 1 };
  return null;
}
