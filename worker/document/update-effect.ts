/** The effect that an update would have on a document, told from both. Nothing here changes either. */
import * as Y from "yjs";
import type { StructId } from "../../shared/frames.ts";
import type { UpdateShape } from "./update-shape.ts";

/** The clock of a client that the document expects next. */
export function clockOf(doc: Y.Doc, client: number): number {
  const last = doc.store.clients.get(client)?.at(-1);
  return last === undefined ? 0 : last.id.clock + last.length;
}

/** Whether the update has structs that the document lacks. */
export function addsStructs(doc: Y.Doc, shape: UpdateShape): boolean {
  return shape.structs.some((range) => range.end > clockOf(doc, range.client));
}

/** Whether the update would add a struct or delete one. A deletion of what the document lacks changes nothing. */
export function wouldChange(doc: Y.Doc, shape: UpdateShape): boolean {
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
 * Removes the structs that the document has from the update. Yjs skips known structs only after it split what they refer
 * to, and puts the rest of a partly known struct where its known part stands. When a client id is used twice, a load would
 * make another document of that.
 */
export function withoutKnown(doc: Y.Doc, update: Uint8Array, { structs }: UpdateShape): Uint8Array {
  const isNew = structs.every(({ client, start }) => start >= clockOf(doc, client));
  if (isNew) return update;
  // The state vector names the update's clients alone: a whole one would cost what the document has of others.
  const known = new Map(structs.map(({ client }) => [client, clockOf(doc, client)]));
  return Y.diffUpdate(update, Y.encodeStateVector(known));
}

/** The splits of runs that an update's deletions make. */
interface Splits {
  readonly count: number;
  /** Structs that Yjs shifts for them: each split inserts into the array of its client's structs. */
  readonly movedStructs: number;
  /** Structs in which the deletions lie, deleted before or not. */
  readonly coveredStructs: number;
}

/** Counts the runs of the document that the update's deletions would split. */
export function countSplits(doc: Y.Doc, shape: UpdateShape): Splits {
  let count = 0;
  let movedStructs = 0;
  let coveredStructs = 0;
  for (const { client, clock, length } of shape.deletions) {
    const structs = doc.store.clients.get(client);
    const known = clockOf(doc, client);
    if (structs === undefined || clock >= known) continue;
    const end = clock + length;
    const first = Y.findIndexSS(structs, clock);
    const last = end < known ? Y.findIndexSS(structs, end) : structs.length;
    coveredStructs += last - first;
    if (splits(structs[first], clock)) {
      count++;
      movedStructs += structs.length - first;
    }
    if (splits(structs[last], end)) {
      count++;
      movedStructs += structs.length - last;
    }
  }
  return { count, movedStructs, coveredStructs };
}

/** Whether a deletion that begins or ends at a clock splits the struct that holds it. */
function splits(struct: Y.AbstractStruct | undefined, clock: number): boolean {
  return struct !== undefined && !struct.deleted && struct.id.clock < clock;
}

/** Finds something that the update refers to and that neither it nor the document holds; `null` when there is none. */
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
  // The client's last deletion is named: a room that reached it has reached those before it.
  const missing = shape.deletions.find(({ client, clock, length }) => clock + length > endOf(client));
  const last = shape.deletions.findLast(({ client }) => client === missing?.client);
  if (last !== undefined) return { client: last.client, clock: last.clock + last.length - 1 };
  return null;
}
