/** Grows as needed; numbers in the variable length of lib0. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1024);
  length = 0;

  byte(value: number): void {
    if (this.length === this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * this.#bytes.length);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes[this.length++] = value;
  }

  varUint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80);
    this.byte(rest);
  }

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.byte(byte);
  }

  varBytes(bytes: Uint8Array): void {
    this.varUint(bytes.length);
    this.bytes(bytes);
  }

  clear(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }

  /** A view of what was written. */
  peek(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** Reads numbers in the variable length of lib0. One for all frames, so that nothing is allocated for a frame. */
export class ByteReader {
  #bytes: Uint8Array = new Uint8Array();
  at = 0;

  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.at = 0;
  }

  get end(): number {
    return this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error("truncated");
    return byte;
  }

  varUint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  /** Passes over bytes that are preceded by their number. @returns the number */
  skipVarBytes(): number {
    const length = this.varUint();
    this.at += length;
    return length;
  }
}
