import { toBase64 } from "lib0/buffer";
import * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import type { Json } from "../../shared/rooms.ts";
import type { RootKind, Roots, RootsAsJson } from "../../shared/rpc.ts";

/** The reader of each kind of root. */
const KINDS: { readonly [Kind in RootKind]: (doc: Y.Doc, root: Content) => unknown } = {
  text: (doc, root) => view(new Y.Text(), doc, root).toString(),
  "rich-text": (doc, root) => view(new Y.Text(), doc, root).toDelta(),
  array: (doc, root) => view(new Y.Array<unknown>(), doc, root).toJSON(),
  map: (doc, root) => view(new Y.Map<unknown>(), doc, root).toJSON(),
  xml: (doc, root) => view(new Y.XmlFragment(), doc, root).toString(),
};

type Root = Y.Text | Y.Array<unknown> | Y.Map<unknown> | Y.XmlFragment;
type Content = Pick<Y.AbstractType<unknown>, "_start" | "_map" | "_length">;

const NO_ROOT: Content = { _start: null, _map: new Map(), _length: 0 };

/**
 * Reads the named roots, each as the kind that the caller names. A root that does not exist reads as empty, and so does
 * the part of a root that the kind can't express.
 *
 * Bytes become base64 and big integers decimal strings, so that the result is JSON.
 * @throws RoomfulError `invalid-argument` for an unknown kind, and for content that can't be read as that kind
 */
export function readRoots<Asked extends Roots>(doc: Y.Doc, roots: Asked): RootsAsJson<Asked> {
  const result: Record<string, Json> = {};
  for (const [name, kind] of Object.entries(roots)) {
    if (!Object.hasOwn(KINDS, kind)) throw new RoomfulError("invalid-argument", "unknown kind of root");
    const root = doc.share.get(name) ?? NO_ROOT;
    let value: Json;
    try {
      value = toJson(KINDS[kind](doc, root));
    } catch (cause) {
      throw new RoomfulError("invalid-argument", `a root can't be read as ${kind}`, { cause });
    }
    Object.defineProperty(result, name, { value, enumerable: true });
  }
  return result as RootsAsJson<Asked>;
}

/**
 * Makes a type of some kind over a root's content. `doc.get` would turn the root itself into that kind for good, and a
 * caller's mistake would outlast the call.
 */
function view<Type extends Root>(type: Type, doc: Y.Doc, root: Content): Type {
  type._start = root._start;
  type._map = root._map;
  type._length = root._length;
  type.doc = doc;
  return type;
}

function toJson(value: unknown): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      return value.toString();
    case "object": {
      if (value === null) return null;
      if (value instanceof Uint8Array) return toBase64(value);
      if (Array.isArray(value)) return value.map(toJson);
      if (value instanceof Y.AbstractType) return toJson(value.toJSON());
      const object: Record<string, Json> = {};
      for (const [key, inner] of Object.entries(value)) {
        if (inner !== undefined) object[key] = toJson(inner);
      }
      return object;
    }
    default:
      return null;
  }
}
