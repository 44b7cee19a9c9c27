/** What one socket can send, again and again, to take a room's time from the others. */
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { encodeAwareness, encodeQueryAwareness, encodeSyncStep1, encodeUpdate } from "../../../shared/frames.ts";

export interface Flood {
  readonly name: string;
  /** Of the bucket that it empties. */
  readonly kind: "edits" | "joins" | "presence" | "messages" | "refusals";
  /** The message of a turn. */
  readonly message: (turn: number) => Uint8Array | string;
}

const NOTHING_KNOWN = new Uint8Array([0]);
const EVENT = JSON.stringify({ type: "event", data: "x".repeat(200) });

/** A drawing of many shapes, as one update of items that belong together. */
export function drawing(shapes: number, client: number): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = client;
  doc.transact(() => {
    for (let index = 0; index < shapes; index++) {
      const shape = new Y.Map<unknown>();
      for (const key of ["x", "y", "width", "height", "color"]) shape.set(key, index);
      doc.getMap("shapes").set(`shape ${client} ${index}`, shape);
    }
  });
  return Y.encodeStateAsUpdate(doc);
}

/** One key, set by thousands who know nothing of each other: each has to be searched a place for among the others. */
function unrelated(clients: number): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, clients);
    for (let client = 1; client <= clients; client++) {
      for (const number of [1, client, 0]) encoding.writeVarUint(encoder, number);
      encoding.writeUint8(encoder, 0x24);
      encoding.writeVarUint(encoder, 1);
      for (const text of ["map", "key", "v"]) encoding.writeVarString(encoder, text);
    }
    encoding.writeVarUint(encoder, 0);
  });
}

const sameDrawing = encodeUpdate(drawing(2_000, 1));
const costly = encodeUpdate(unrelated(8_000));

function presence(turn: number): Uint8Array {
  const state = new TextEncoder().encode(JSON.stringify({ turn, text: "x".repeat(60_000) }));
  return encodeAwareness([{ clientId: 99, clock: turn + 1, state }]);
}

export const FLOODS: readonly Flood[] = [
  { name: "updates of many items", kind: "edits", message: () => sameDrawing },
  { name: "step 1", kind: "joins", message: () => encodeSyncStep1(NOTHING_KNOWN) },
  { name: "large cursors", kind: "presence", message: presence },
  { name: "questions for presence", kind: "presence", message: () => encodeQueryAwareness() },
  { name: "events", kind: "messages", message: () => EVENT },
  { name: "refused updates", kind: "refusals", message: () => costly },
];
