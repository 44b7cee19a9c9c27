/**
 * Binary frames: y-protocols messages, one per WebSocket message.
 * Grammar and tags: https://github.com/yjs/y-protocols/blob/master/PROTOCOL.md
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { RoomfulError } from "./errors.ts";
import { AWARENESS_ENTRIES } from "./limits.ts";

const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;

const SYNC_STEP_1 = 0;
const SYNC_STEP_2 = 1;
const SYNC_UPDATE = 2;

const PERMISSION_DENIED = 0;

/** `null` as JSON in UTF-8. */
const NULL_STATE = new Uint8Array([0x6e, 0x75, 0x6c, 0x6c]);

/** One clock of one client, as Yjs identifies everything in a document. */
export interface StructId {
  readonly client: number;
  readonly clock: number;
}

/** One client's entry of an awareness frame. */
export interface AwarenessEntry {
  readonly clientId: number;
  /** Grows with each change of this client's state. */
  readonly clock: number;
  /** The state as JSON text in UTF-8, a view of the frame; `null` when the client is gone. */
  readonly state: Uint8Array | null;
}

/** What a binary frame says. Byte arrays are views of the frame, not copies. */
export type Frame =
  | { readonly type: "sync-step-1"; readonly stateVector: Uint8Array }
  | { readonly type: "sync-step-2"; readonly update: Uint8Array }
  | { readonly type: "update"; readonly update: Uint8Array }
  | { readonly type: "awareness"; readonly entries: readonly AwarenessEntry[] }
  | { readonly type: "auth"; readonly reason: string }
  | { readonly type: "query-awareness" };

/**
 * Reads one frame.
 * @throws RoomfulError `malformed-frame` when it is truncated, has bytes left over, or is of an unknown type
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const decoder = decoding.createDecoder(bytes);
  let frame: Frame;
  try {
    frame = readFrame(decoder);
  } catch (cause) {
    if (cause instanceof RoomfulError) throw cause;
    throw new RoomfulError("malformed-frame", "truncated", { cause });
  }
  if (decoding.hasContent(decoder)) throw new RoomfulError("malformed-frame", "bytes left over");
  return frame;
}

/**
 * Whether a frame counts as a sync frame, that is one that carries edits: both sides number exactly these, malformed
 * and oversize ones included, so that `saved` and `rejected` can name them.
 */
export function carriesEdits(bytes: Uint8Array): boolean {
  return bytes[0] === SYNC && (bytes[1] === SYNC_STEP_2 || bytes[1] === SYNC_UPDATE);
}

function readFrame(decoder: decoding.Decoder): Frame {
  const type = readUint(decoder);
  switch (type) {
    case SYNC:
      return readSync(decoder);
    case AWARENESS:
      return { type: "awareness", entries: readAwareness(readBytes(decoder)) };
    case AUTH: {
      const kind = readUint(decoder);
      if (kind !== PERMISSION_DENIED) throw new RoomfulError("malformed-frame", `unknown auth message ${kind}`);
      return { type: "auth", reason: decoding.readVarString(decoder) };
    }
    case QUERY_AWARENESS:
      return { type: "query-awareness" };
    default:
      throw new RoomfulError("malformed-frame", `unknown type ${type}`);
  }
}

function readSync(decoder: decoding.Decoder): Frame {
  const step = readUint(decoder);
  switch (step) {
    case SYNC_STEP_1:
      return { type: "sync-step-1", stateVector: readBytes(decoder) };
    case SYNC_STEP_2:
      return { type: "sync-step-2", update: readBytes(decoder) };
    case SYNC_UPDATE:
      return { type: "update", update: readBytes(decoder) };
    default:
      throw new RoomfulError("malformed-frame", `unknown sync step ${step}`);
  }
}

function readAwareness(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes);
  const count = readUint(decoder);
  if (count > AWARENESS_ENTRIES) throw new RoomfulError("malformed-frame", "too many awareness entries");
  const entries: AwarenessEntry[] = [];
  for (let index = 0; index < count; index++) {
    const clientId = readUint(decoder);
    const clock = readUint(decoder);
    const state = readBytes(decoder);
    entries.push({ clientId, clock, state: isNull(state) ? null : state });
  }
  if (decoding.hasContent(decoder)) throw new RoomfulError("malformed-frame", "bytes left over");
  return entries;
}

/** lib0's reader takes numbers of any length, and reads some as NaN. */
function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder);
  if (!Number.isSafeInteger(value)) throw new RoomfulError("malformed-frame", "a number out of bounds");
  return value;
}

function readBytes(decoder: decoding.Decoder): Uint8Array {
  const length = readUint(decoder);
  if (length > decoder.arr.length - decoder.pos) throw new RoomfulError("malformed-frame", "truncated");
  return decoding.readUint8Array(decoder, length);
}

function isNull(state: Uint8Array): boolean {
  return state.length === NULL_STATE.length && NULL_STATE.every((byte, index) => state[index] === byte);
}

/**
 * Reads a state vector.
 * @param mostEntries a reader that trusts its sender needs no bound: it must bear the clients of any document
 * @returns for each client the clock that is expected next
 * @throws RoomfulError `malformed-frame`
 */
export function decodeStateVector(bytes: Uint8Array, mostEntries = Number.POSITIVE_INFINITY): Map<number, number> {
  try {
    const decoder = decoding.createDecoder(bytes);
    const count = readUint(decoder);
    if (count > mostEntries) throw new RoomfulError("malformed-frame", "too many state vector entries");
    const clocks = new Map<number, number>();
    for (let index = 0; index < count; index++) {
      const client = readUint(decoder);
      // Yjs writes each client once: repeats would cost time and say nothing.
      if (clocks.has(client)) throw new RoomfulError("malformed-frame", "a client twice in a state vector");
      clocks.set(client, readUint(decoder));
    }
    if (clocks.size !== count) throw new RoomfulError("malformed-frame", "a client twice in a state vector");
    if (decoding.hasContent(decoder)) throw new RoomfulError("malformed-frame", "bytes left over");
    return clocks;
  } catch (cause) {
    if (cause instanceof RoomfulError) throw cause;
    throw new RoomfulError("malformed-frame", "state vector", { cause });
  }
}

/** Sent by either side to ask for what it lacks. */
export function encodeSyncStep1(stateVector: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSync(SYNC_STEP_1, stateVector);
}

/** Sent by either side in answer to step 1. */
export function encodeSyncStep2(update: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSync(SYNC_STEP_2, update);
}

/** Sent by either side when the document changed. */
export function encodeUpdate(update: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSync(SYNC_UPDATE, update);
}

function encodeSync(step: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodePayload([SYNC, step], payload);
}

/** Sent by a client when its state changed, and by the room to all with every state that changed in a window. */
export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array<ArrayBuffer> {
  return encodePayload([AWARENESS], encodeAwarenessUpdate(entries));
}

/** Copies the payload once, and allocates nothing else: a document may have megabytes, and a room sends many frames. */
function encodePayload(tags: readonly number[], payload: Uint8Array): Uint8Array<ArrayBuffer> {
  let rest = payload.length;
  const head = [...tags];
  for (; rest > 0x7f; rest >>>= 7) head.push(0x80 | (rest & 0x7f));
  head.push(rest);
  const frame = new Uint8Array(head.length + payload.length);
  frame.set(head);
  frame.set(payload, head.length);
  return frame;
}

/** Bytes that an entry may take beside its state: three numbers. */
export const ENTRY_BYTES = 30;

/** What an awareness frame carries: `applyAwarenessUpdate` of y-protocols takes it. */
export function encodeAwarenessUpdate(entries: readonly AwarenessEntry[]): Uint8Array<ArrayBuffer> {
  return encoding.encode((encoder) => {
    // Else the buffer would be copied each time that it is full.
    encoding.verifyLen(
      encoder,
      entries.reduce((sum, { state }) => sum + ENTRY_BYTES + (state?.length ?? 0), ENTRY_BYTES),
    );
    encoding.writeVarUint(encoder, entries.length);
    for (const entry of entries) {
      encoding.writeVarUint(encoder, entry.clientId);
      encoding.writeVarUint(encoder, entry.clock);
      encoding.writeVarUint8Array(encoder, entry.state ?? NULL_STATE);
    }
  });
}

/** Sent by the room to a holder of a client id that another socket claims, and by a client that wants all states. */
export function encodeQueryAwareness(): Uint8Array<ArrayBuffer> {
  return encoding.encode((encoder) => encoding.writeVarUint(encoder, QUERY_AWARENESS));
}

/** Sent by the room to a stock client that lacks a right. */
export function encodePermissionDenied(reason: string): Uint8Array<ArrayBuffer> {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, AUTH);
    encoding.writeVarUint(encoder, PERMISSION_DENIED);
    encoding.writeVarString(encoder, reason);
  });
}
