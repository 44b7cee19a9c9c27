import type * as Y from "yjs";
import { type PreparedEdit, textOfRound } from "./crash-edits.ts";
import { demand } from "./violation.ts";

/** What one author did in a round before the kill. */
export interface Work {
  readonly edits: readonly PreparedEdit[];
  readonly sent: number;
  readonly acknowledged: number;
}

/** What a room must hold, over all rounds. */
export class Ledger {
  /** Markers that were found after a restart: they were read from storage, so they are durable. */
  #present = new Set<string>();
  /** The texts of the rounds before, which nobody edits any more. */
  readonly #texts = new Map<string, string>();
  acknowledged = 0;

  /** @throws Violation when the document of a room after a kill is not what the round's work may have left */
  check(doc: Y.Doc, round: number, works: readonly Work[], where: string): void {
    const mustBe = new Set(this.#present);
    const mayBe = new Set(this.#present);
    for (const { edits, sent, acknowledged } of works) {
      this.acknowledged += acknowledged;
      for (const [index, { adds }] of edits.slice(0, sent).entries()) {
        if (adds === null) continue;
        mayBe.add(adds);
        if (index < acknowledged) mustBe.add(adds);
      }
    }
    for (const { edits, sent, acknowledged } of works) {
      for (const [index, { removes }] of edits.slice(0, sent).entries()) {
        if (removes === null) continue;
        mustBe.delete(removes);
        if (index < acknowledged) mayBe.delete(removes);
      }
    }
    const inMap = new Set(doc.getMap("map").keys());
    const lost = [...mustBe].filter((marker) => !inMap.has(marker));
    demand(lost.length === 0, `${where}: nothing acknowledged is lost: ${sample(lost)}`);
    const unexpected = [...inMap].filter((marker) => !mayBe.has(marker));
    demand(unexpected.length === 0, `${where}: nothing is there that was deleted or never sent: ${sample(unexpected)}`);
    const array = (doc.getArray("array") as Y.Array<string>).toArray();
    demand(new Set(array).size === array.length, `${where}: no marker is in the array twice`);
    demand(sameMembers(array, inMap), `${where}: an edit is in map and array, or in neither`);
    this.#checkTexts(doc, round, inMap, where);
    this.#present = inMap;
  }

  #checkTexts(doc: Y.Doc, round: number, markers: ReadonlySet<string>, where: string): void {
    for (const [name, content] of this.#texts) {
      demand(doc.getText(name).toString() === content, `${where}: ${name} is as it was`);
    }
    const text = doc.getText(textOfRound(round)).toString();
    const runs = [...text.matchAll(/<([^<>]+)>/g)].map(([, marker = ""]) => marker);
    demand(runs.map((marker) => `<${marker}>`).join("") === text, `${where}: every run of text is whole`);
    demand(new Set(runs).size === runs.length, `${where}: no run of text is there twice`);
    const ofRound = [...markers].filter((marker) => marker.startsWith(`${round}-`));
    demand(sameMembers(runs, new Set(ofRound)), `${where}: an edit is in map and text, or in neither`);
    this.#texts.set(textOfRound(round), text);
  }
}

function sameMembers(list: readonly string[], set: ReadonlySet<string>): boolean {
  return list.length === set.size && list.every((member) => set.has(member));
}

function sample(markers: readonly string[]): string {
  return `${markers.length}${markers.length > 0 ? `, as ${markers.slice(0, 5).join(" ")}` : ""}`;
}
