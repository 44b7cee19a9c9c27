const MASKED = 0x80;

/** Cuts a stream of bytes into WebSocket frames. Handles what servers under measurement send: no fragments. */
export class FrameReader {
  readonly #handle: (opcode: number, payload: Buffer) => void;
  /** The beginning of a frame that has not come whole, and how much of it there is. */
  #partial: Buffer = Buffer.alloc(0);
  #filled = 0;

  /** @param handle is given a view that is valid only during the call */
  constructor(handle: (opcode: number, payload: Buffer) => void) {
    this.#handle = handle;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (this.#filled > 0 && at < chunk.length) {
      const needed = frameBytes(this.#partial, 0, this.#filled);
      // The header is not whole either: a byte at a time will do.
      const missing = needed === null ? 1 : needed - this.#filled;
      this.#reserve(needed ?? this.#filled + 1);
      const taken = Math.min(missing, chunk.length - at);
      chunk.copy(this.#partial, this.#filled, at, at + taken);
      this.#filled += taken;
      at += taken;
      if (frameBytes(this.#partial, 0, this.#filled) === this.#filled) {
        const { length } = this.#partial.subarray(0, this.#filled);
        this.#filled = 0;
        this.#deliver(this.#partial, 0, length);
      }
    }
    while (at < chunk.length) {
      const bytes = frameBytes(chunk, at, chunk.length);
      if (bytes === null || at + bytes > chunk.length) {
        const rest = chunk.length - at;
        this.#reserve(bytes ?? rest);
        chunk.copy(this.#partial, 0, at);
        this.#filled = rest;
        return;
      }
      this.#deliver(chunk, at, at + bytes);
      at += bytes;
    }
  }

  #reserve(bytes: number): void {
    if (this.#partial.length >= bytes) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes, 1024));
    this.#partial.copy(larger, 0, 0, this.#filled);
    this.#partial = larger;
  }

  #deliver(bytes: Buffer, start: number, end: number): void {
    const first = bytes[start] ?? 0;
    const second = bytes[start + 1] ?? 0;
    if ((first & 0x80) === 0) throw new Error("a fragmented message");
    const header = headerBytes(second);
    const payload = bytes.subarray(start + header, end);
    if ((second & MASKED) !== 0) unmask(payload, bytes.subarray(start + header - 4, start + header));
    this.#handle(first & 0x0f, payload);
  }
}

function headerBytes(second: number): number {
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & MASKED) === 0 ? 0 : 4);
}

/** The bytes of the frame at `start`, or `null` while too little of its header is there. */
function frameBytes(bytes: Buffer, start: number, end: number): number | null {
  if (end - start < 2) return null;
  const second = bytes[start + 1] ?? 0;
  const header = headerBytes(second);
  if (end - start < header) return null;
  const length = second & 0x7f;
  if (length < 126) return header + length;
  return header + (length === 126 ? bytes.readUInt16BE(start + 2) : Number(bytes.readBigUInt64BE(start + 2)));
}

function unmask(payload: Buffer, key: Buffer): void {
  if (key.readUInt32BE(0) === 0) return;
  for (let index = 0; index < payload.length; index++) {
    payload[index] = (payload[index] ?? 0) ^ (key[index & 3] ?? 0);
  }
}
