import type * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import { READ_BYTES } from "../../shared/limits.ts";
import type { Json } from "../../shared/rooms.ts";
import type { RootKind, Roots, RootsAsJson } from "../../shared/rpc.ts";
import { type Content, JsonWalk, ReadMeter, TooMuch } from "./json-walk.ts";

/** The reader of each kind of root. */
const KINDS: { readonly [Kind in RootKind]: (walk: JsonWalk, root: Content) => Json } = {
  text: (walk, root) => walk.text(root),
  "rich-text": (walk, root) => walk.delta(root),
  array: (walk, root) => walk.list(root),
  map: (walk, root) => walk.object(root),
  xml: (walk, root) => walk.xml(root),
};

const NO_ROOT: Content = { _start: null, _map: new Map() };

/** Bytes that count for each root, so that the number of those that are not there is bounded too. */
const ROOT = 64;

/**
 * Reads the named roots, each as the kind that the caller names. A root that does not exist reads as empty, and so does
 * the part of a root that the kind can't express. No root is made one of that kind, or a caller's mistake would outlast
 * the call.
 *
 * Bytes become base64 and big integers decimal strings, so that the result is JSON.
 * @param meter counts what is made, also of what is refused
 * @throws RoomfulError `invalid-argument` for an unknown kind, for content that can't be read as that kind, and for more
 * than may be read at once
 */
export function readRoots<Asked extends Roots>(
  doc: Y.Doc,
  roots: Asked,
  meter: ReadMeter = new ReadMeter(READ_BYTES),
): RootsAsJson<Asked> {
  const result: Record<string, Json> = {};
  for (const [name, kind] of Object.entries(roots)) {
    if (!Object.hasOwn(KINDS, kind)) throw new RoomfulError("invalid-argument", "unknown kind of root");
    let value: Json;
    try {
      meter.count(ROOT + name.length);
      value = new JsonWalk(meter).run((walk) => KINDS[kind](walk, doc.share.get(name) ?? NO_ROOT));
    } catch (cause) {
      const why = cause instanceof TooMuch ? "more than may be read at once" : `a root can't be read as ${kind}`;
      throw new RoomfulError("invalid-argument", why, { cause });
    }
    Object.defineProperty(result, name, { value, enumerable: true });
  }
  return result as RootsAsJson<Asked>;
}
