/** Bytes of answers that are kept at most, beside the newest one. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Answers to step 1, as they are sent, for as long as the document stays as it is. Whoever comes back after a
 * restart, or opens the same link, sends one of a few state vectors: a storm of them costs one encoding each.
 */
export class Answers {
  readonly #byStateVector = new Map<string, Uint8Array>();
  #version = 0;
  #bytes = 0;

  /**
   * @param version of the document
   * @param encode makes the answer, if it is not known
   */
  of(version: number, stateVector: Uint8Array, encode: () => Uint8Array): Uint8Array {
    if (version !== this.#version) this.forget();
    this.#version = version;
    const key = keyOf(stateVector);
    const known = this.#byStateVector.get(key);
    if (known !== undefined) return known;
    const answer = encode();
    if (this.#bytes > MAX_BYTES) this.forget();
    this.#byStateVector.set(key, answer);
    this.#bytes += key.length + answer.length;
    return answer;
  }

  /** Lets go of all. */
  forget(): void {
    this.#byStateVector.clear();
    this.#bytes = 0;
  }
}

function keyOf(stateVector: Uint8Array): string {
  let key = "";
  for (const byte of stateVector) key += String.fromCharCode(byte);
  return key;
}
