/**
 * Bytes of heap that each thing in a document takes, measured with Yjs 13.6 on V8 without pointer compression and rounded up.
 * Its encoded bytes come on top: strings and binaries are held as they are.
 */

/** A client id: its list of structs, and its entries in the maps of clients. */
export const CLIENT = 210;

/** A struct without content. */
export const COLLECTED = 90;

/** An item with its ids, its neighbours and its content's object. */
export const ITEM = 150;

/** An entry of a shared type under a key. */
export const KEYED = 80;

/** A shared type: its map, its event handlers. */
export const SHARED_TYPE = 520;

/** The list of values of an item. */
export const VALUE_LIST = 170;

/** A buffer, in an item or as a value. */
export const BUFFER = 190;

/** A number, a string, or whatever else is in no other row here. */
export const VALUE = 16;

const OBJECT = 48;
const PROPERTY = 60;
const FILLED_ARRAY = 160;

/** The index from which on V8 keeps the elements of an object with few of them in a dictionary. */
const SPARSE_INDEX = 5_000;

export const arrayHeap = (length: number): number => (length === 0 ? OBJECT : FILLED_ARRAY + VALUE * length);

/** A property's name that is an array index, else -1: V8 keeps a slot for each smaller index too. */
export function indexOfKey(key: string): number {
  return /^(?:0|[1-9]\d{0,3})$/.test(key) && Number(key) < SPARSE_INDEX ? Number(key) : -1;
}

/** @param highestIndex of its properties' names; -1 when none is an index */
export function objectHeap(properties: number, highestIndex: number): number {
  return OBJECT + PROPERTY * properties + (highestIndex < 0 ? 0 : 8 * (1.5 * (highestIndex + 1) + 16));
}

/** The heap that a parsed JSON value takes. */
export function jsonHeap(value: unknown): number {
  if (typeof value !== "object" || value === null) return VALUE;
  if (Array.isArray(value))
    return value.reduce<number>((sum, element) => sum + jsonHeap(element), arrayHeap(value.length));
  const entries = Object.entries(value);
  let heap = 0;
  let highestIndex = -1;
  for (const [key, property] of entries) {
    heap += jsonHeap(property);
    highestIndex = Math.max(highestIndex, indexOfKey(key));
  }
  return heap + objectHeap(entries.length, highestIndex);
}
