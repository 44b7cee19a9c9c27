import { crc32 } from "node:zlib";
import { ROW_BYTES } from "../../shared/limits.ts";

/** A whole document, as one update. */
export interface StoredSnapshot {
  readonly state: Uint8Array;
  /** The clocks that it reaches, as Yjs encodes them; `null` in snapshots that were written before these were kept. */
  readonly stateVector: Uint8Array | null;
}

/** A row of the table `snapshot`. */
export type SnapshotRow = {
  generation: number;
  log_id: number;
  bytes: number;
  checksum: number;
  row_checksum: number;
  state_vector: ArrayBuffer | null;
};

/** A row of the table `log`. */
export type LogRow = { id: number; part: number; parts: number; checksum: number; data: ArrayBuffer };

/** A row of the table `deadline`. */
export type DeadlineRow = {
  readonly id: number;
  /** Milliseconds since 1970; `null` while it does not run. */
  readonly at: number | null;
  readonly kind: "cleanup" | "call";
  /** What its owner needs then. */
  readonly json: string;
};

/** Covers a row's own columns, so that a sound row with damaged chunks can be told from a damaged row. */
export function rowChecksumOf({ generation, log_id, bytes, checksum, state_vector }: SnapshotRow): number {
  const numbers = crc32(`${generation}:${log_id}:${bytes}:${checksum}`);
  return state_vector === null ? numbers : crc32(new Uint8Array(state_vector), numbers);
}

/** Covers a row's data and its place, so that rows can't be taken for one another. */
export function logChecksumOf(id: number, part: number, parts: number, data: ArrayBuffer | Uint8Array): number {
  return crc32(`${id}:${part}:${parts}`, crc32(data));
}

/** Cuts bytes into row-sized pieces, which are views of them; at least one, which may be empty. */
export function split(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += ROW_BYTES) {
    pieces.push(bytes.subarray(start, start + ROW_BYTES));
  }
  return pieces;
}

/** Bytes as SQLite takes them, without what surrounds a view. Not a copy, where nothing does. */
export function bytesOf(bytes: Uint8Array): ArrayBuffer {
  const whole = bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  return whole.buffer as ArrayBuffer;
}

/** The opposite of {@link split}. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let position = 0;
  for (const piece of pieces) {
    all.set(piece, position);
    position += piece.length;
  }
  return all;
}
