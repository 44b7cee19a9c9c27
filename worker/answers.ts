/** Bytes of answers that are kept at most, beside the newest one. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Answers to step 1, for as long as the document stays as it is. Whoever comes back after a restart, or opens the same
 * link, sends one of a few state vectors: a storm of them costs one encoding each.
 */
export class Answers {
  readonly #byStateVector = new Map<string, Uint8Array>();
  #bytes = 0;

  /** @param encode makes the answer, if it is not known */
  of(stateVector: Uint8Array | undefined, encode: () => Uint8Array): Uint8Array {
    const key = keyOf(stateVector);
    const known = this.#byStateVector.get(key);
    if (known !== undefined) return known;
    const answer = encode();
    if (this.#bytes > MAX_BYTES) this.forget();
    this.#byStateVector.set(key, answer);
    this.#bytes += answer.length + key.length;
    return answer;
  }

  /** Takes what is known to be the whole document. */
  setWhole(document: Uint8Array): void {
    this.of(undefined, () => document);
  }

  /** To be called when the document changed. */
  forget(): void {
    this.#byStateVector.clear();
    this.#bytes = 0;
  }
}

/** No state vector, and that of an empty document, ask for the same. */
function keyOf(stateVector: Uint8Array = new Uint8Array([0])): string {
  let key = "";
  for (const byte of stateVector) key += String.fromCharCode(byte);
  return key;
}
