import type * as Y from "yjs";
import { docOf } from "../../support/documents.ts";
import type { Random } from "../support/scale.ts";

/** An edit made beforehand, so that whoever sends it holds no document that it could send again. */
export interface PreparedEdit {
  readonly update: Uint8Array;
  /** The marker that it adds to map, array and text at once. */
  readonly adds: string | null;
  /** The marker that it removes from them. */
  readonly removes: string | null;
}

/** Keys of large values that are overwritten again and again: the log grows, the document does not. */
const BALLAST_KEYS = 6;

export const textOfRound = (round: number): string => `text-${round}`;

/** Edits of one author who knows `base` and hears of nobody else: markers, removals of old and own ones, ballast. */
export function prepareEdits(options: {
  readonly base: Uint8Array;
  readonly round: number;
  readonly author: string;
  readonly count: number;
  /** Bytes of ballast per edit that adds. */
  readonly payload: number;
  readonly random: Random;
}): PreparedEdit[] {
  const { base, round, author, count, payload, random } = options;
  const doc = docOf(base);
  let update: Uint8Array = new Uint8Array();
  doc.on("update", (emitted: Uint8Array) => {
    update = emitted;
  });
  const map = doc.getMap("map");
  const array: Y.Array<string> = doc.getArray("array");
  const text = doc.getText(textOfRound(round));
  const order = array.toArray();
  /** This author's runs in this round's text, in their order. */
  const runs: string[] = [];

  const add = (marker: string) => {
    map.set(marker, round);
    const place = random(order.length + 1);
    array.insert(place, [marker]);
    order.splice(place, 0, marker);
    const run = random(runs.length + 1);
    text.insert(runs.slice(0, run).join("").length, `<${marker}>`);
    runs.splice(run, 0, `<${marker}>`);
    if (payload > 0) doc.getMap("ballast").set(`${author}-${random(BALLAST_KEYS)}`, ballast(payload, random));
  };
  const remove = (place: number): string | null => {
    const [marker] = order.splice(place, 1);
    if (marker === undefined) return null;
    map.delete(marker);
    array.delete(place, 1);
    const run = runs.indexOf(`<${marker}>`);
    if (run !== -1) {
      text.delete(runs.slice(0, run).join("").length, marker.length + 2);
      runs.splice(run, 1);
    }
    return marker;
  };

  return Array.from({ length: count }, (_, index) => {
    const removing = index % 3 === 2;
    const marker = `${round}-${author}-${index}`;
    let removes: string | null = null;
    doc.transact(() => {
      if (removing) removes = remove(random(order.length));
      else add(marker);
    });
    return { update, adds: removing ? null : marker, removes };
  });
}

function ballast(length: number, random: Random): string {
  let text = "";
  while (text.length < length) text += random(2 ** 31).toString(36);
  return text;
}
