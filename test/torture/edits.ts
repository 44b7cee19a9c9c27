import * as Y from "yjs";
import { type Random, randomFrom } from "./scale.ts";

/** What the torture documents hold: one root of each kind. */
export interface Roots {
  readonly text: Y.Text;
  readonly map: Y.Map<unknown>;
  readonly list: Y.Array<unknown>;
  readonly xml: Y.XmlFragment;
}

export function rootsOf(doc: Y.Doc): Roots {
  return {
    text: doc.getText("text"),
    map: doc.getMap("map"),
    list: doc.getArray("list"),
    xml: doc.getXmlFragment("xml"),
  };
}

/** The content of the roots, comparable between replicas. */
export function contentOf(doc: Y.Doc): string {
  const { text, map, list, xml } = rootsOf(doc);
  return JSON.stringify([text.toDelta(), map.toJSON(), list.toJSON(), xml.toString()], sortKeys);
}

/** The order of an object's keys is no part of its content. */
function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const WORDS = ["a", "bc", "def", "é", "漢字", " ", "\n"];

/** Makes one random edit, of one or a few operations in one transaction. */
export function editRandomly(doc: Y.Doc, seed: number): void {
  const random = randomFrom(seed);
  doc.transact(() => {
    for (let operation = 0; operation <= (random(8) === 0 ? 3 : 0); operation++) editOnce(rootsOf(doc), random);
  });
}

function editOnce({ text, map, list, xml }: Roots, random: Random): void {
  switch (random(6)) {
    case 0:
    case 1:
      editText(text, random);
      break;
    case 2:
      editMap(map, random);
      break;
    case 3:
      editList(list, random);
      break;
    case 4:
      editXml(xml, random);
      break;
    default:
      editNested(map, list, random);
  }
}

function editText(text: Y.Text, random: Random): void {
  const at = random(text.length + 1);
  const length = Math.min(random(6), text.length - at);
  switch (random(8)) {
    case 0:
    case 1:
      text.delete(at, length);
      break;
    case 2:
      text.format(at, length, { bold: random(2) === 0 ? true : null });
      break;
    case 3:
      text.insert(at, word(random), { em: true });
      break;
    case 4:
      text.insertEmbed(at, { image: random(100) });
      break;
    default:
      text.insert(at, word(random));
  }
}

function editMap(map: Y.Map<unknown>, random: Random): void {
  const key = `key${random(8)}`;
  if (random(4) === 0) map.delete(key);
  else map.set(key, value(random));
}

function editList(list: Y.Array<unknown>, random: Random): void {
  const at = random(list.length + 1);
  const length = Math.min(random(3), list.length - at);
  if (random(3) === 0) list.delete(at, length);
  else list.insert(at, [value(random), value(random)].slice(random(2)));
}

function editXml(xml: Y.XmlFragment, random: Random): void {
  const at = random(xml.length + 1);
  const child = xml.length === 0 ? null : xml.get(random(xml.length));
  if (child instanceof Y.XmlElement && random(2) === 0) {
    if (random(3) === 0) child.setAttribute(`a${random(3)}`, word(random));
    else child.insert(random(child.length + 1), [new Y.XmlText(word(random))]);
  } else if (child instanceof Y.XmlText && random(2) === 0) child.insert(random(child.length + 1), word(random));
  else if (random(4) === 0 && at < xml.length) xml.delete(at, 1);
  else xml.insert(at, [random(2) === 0 ? new Y.XmlElement("p") : new Y.XmlText(word(random))]);
}

function editNested(map: Y.Map<unknown>, list: Y.Array<unknown>, random: Random): void {
  const candidates = [...map.values(), ...list.toArray()].filter((each) => each instanceof Y.AbstractType);
  const nested = candidates[random(candidates.length)];
  if (nested instanceof Y.Map) editMap(nested, random);
  else if (nested instanceof Y.Array) editList(nested, random);
  else if (nested instanceof Y.Text) editText(nested, random);
  else map.set(`key${random(8)}`, value(random));
}

function value(random: Random): unknown {
  switch (random(8)) {
    case 0:
      return new Y.Map([["inner", random(100)]]);
    case 1:
      return Y.Array.from([random(100), word(random)]);
    case 2:
      return new Y.Text(word(random));
    case 3:
      return { plain: [random(10), null, true] };
    case 4:
      return new Uint8Array([random(256), random(256)]);
    default:
      return random(2) === 0 ? random(1_000) : word(random);
  }
}

function word(random: Random): string {
  return WORDS[random(WORDS.length)] ?? "";
}
