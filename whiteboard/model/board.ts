import * as Y from "yjs";
import { SHAPES } from "./limits.ts";
import { compareShapes, parseContent, type Shape } from "./shape.ts";

/** Of the document. A page shows what a newer version wrote as far as it can, and does not edit it. */
export const VERSION = 1;

/** A shape's map. The key `shape` holds the fields at the shape's birth; keys beside it override them. */
export type ShapeMap = Y.Map<unknown>;

/** Shapes whose state is another one than before, or that are gone or new. */
export type BoardListener = (changed: ReadonlyMap<string, { readonly before: Shape | null }>) => void;

/** A board that can be read and not edited: the commands take a `Board`. */
export interface BoardReader extends Pick<Board, "shapes" | "shape" | "subscribe"> {
  readonly images: Pick<Y.Map<unknown>, "get" | "observe" | "unobserve">;
}

/**
 * Reads a document as a board, and keeps up with it. What it can't read is skipped: anybody may write anything.
 * It never writes: see `commands.ts`.
 */
export class Board {
  readonly doc: Y.Doc;
  readonly maps: Y.Map<ShapeMap>;
  readonly images: Y.Map<unknown>;
  readonly meta: Y.Map<unknown>;
  /** The origin of all transactions that the commands make. */
  readonly origin = Symbol("whiteboard");
  readonly #shapes = new Map<string, Shape>();
  readonly #listeners = new Set<BoardListener>();
  #sorted: readonly Shape[] | null = null;

  constructor(doc: Y.Doc) {
    this.doc = doc;
    this.maps = doc.getMap("shapes");
    this.images = doc.getMap("images");
    this.meta = doc.getMap("board");
    for (const id of this.maps.keys()) this.#read(id);
    this.maps.observeDeep(this.#onChange);
  }

  destroy(): void {
    this.maps.unobserveDeep(this.#onChange);
    this.#listeners.clear();
  }

  /** From the lowest to the highest. The same array as long as nothing changed. */
  get shapes(): readonly Shape[] {
    this.#sorted ??= [...this.#shapes.values()].sort(compareShapes);
    return this.#sorted;
  }

  get isNewer(): boolean {
    const version = this.meta.get("version");
    return typeof version === "number" && version > VERSION;
  }

  shape(id: string): Shape | undefined {
    return this.#shapes.get(id);
  }

  /** A shape's text while it is edited. */
  textOf(id: string): Y.Text | undefined {
    const map = this.maps.get(id);
    const text = map instanceof Y.Map ? map.get("text") : undefined;
    return text instanceof Y.Text ? text : undefined;
  }

  /** @returns how to stop */
  subscribe(listener: BoardListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #onChange = (events: readonly Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    const ids = new Set<string>();
    for (const event of events) {
      if (event.target === this.maps) for (const id of event.changes.keys.keys()) ids.add(id);
      else if (typeof event.path[0] === "string") ids.add(event.path[0]);
    }
    const changed = new Map<string, { readonly before: Shape | null }>();
    for (const id of ids) {
      const before = this.#shapes.get(id) ?? null;
      const after = this.#read(id);
      if (before !== null || after !== null) changed.set(id, { before });
    }
    if (changed.size === 0) return;
    this.#sorted = null;
    for (const listener of this.#listeners) listener(changed);
  };

  #read(id: string): Shape | null {
    const content = this.#shapes.size < SHAPES || this.#shapes.has(id) ? readShape(this.maps.get(id)) : null;
    if (content === null) {
      this.#shapes.delete(id);
      return null;
    }
    const shape: Shape = { ...content, id };
    this.#shapes.set(id, shape);
    return shape;
  }
}

const OVERRIDES = ["box", "color", "order", "size", "fill", "fontSize"] as const;

/** Keys of a shape's map that a command may set after its birth. */
export type Override = (typeof OVERRIDES)[number];

function readShape(map: unknown) {
  if (!(map instanceof Y.Map)) return null;
  const born: unknown = map.get("shape");
  if (typeof born !== "object" || born === null) return null;
  const fields: Record<string, unknown> = { ...born };
  for (const key of OVERRIDES) if (map.has(key)) fields[key] = map.get(key);
  const text: unknown = map.get("text");
  if (text instanceof Y.Text) fields.text = text.toString();
  return parseContent(fields);
}
