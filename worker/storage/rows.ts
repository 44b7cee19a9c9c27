import { crc32 } from "node:zlib";
import { ROW_BYTES } from "../../shared/limits.ts";

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
  /** Data of the deadline's owner, for when it is due. */
  readonly json: string;
};

/** The checksum of a row's own columns: it tells a sound row with damaged chunks from a damaged row. */
export function rowChecksumOf({ generation, log_id, bytes, checksum, state_vector }: SnapshotRow): number {
  const numbers = crc32(`${generation}:${log_id}:${bytes}:${checksum}`);
  return state_vector === null ? numbers : crc32(new Uint8Array(state_vector), numbers);
}

/** The checksum of a row's data and place: one row is never taken for another. */
export function logChecksumOf(id: number, part: number, parts: number, data: ArrayBuffer | Uint8Array): number {
  return crc32(`${id}:${part}:${parts}`, crc32(data));
}

/** Cuts bytes into views that fit a row each. At least one is returned, which may be empty. */
export function split(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += ROW_BYTES) {
    pieces.push(bytes.subarray(start, start + ROW_BYTES));
  }
  return pieces;
}

/** The buffer that SQLite is given for bytes. A view of a larger buffer is copied, or the whole buffer would be stored. */
export function bytesOf(bytes: Uint8Array): ArrayBuffer {
  const whole = bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  return whole.buffer as ArrayBuffer;
}

/** Joins the pieces that {@link split} made. */
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
