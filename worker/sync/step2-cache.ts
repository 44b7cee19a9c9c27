/** Most bytes of frames that are kept, besides the newest one. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The frames of step 2 for one version of the document, by the state vector that they answer. Clients that come back
 * after a restart, or open the same link, send one of a few state vectors: a storm of them costs one encoding each.
 */
export class Step2Cache {
  readonly #byStateVector = new Map<string, Uint8Array>();
  #version = 0;
  #bytes = 0;

  /**
   * The frame that answers a state vector.
   * @param version of the document
   * @param encode makes the frame, if it is not kept
   */
  frameFor(version: number, stateVector: Uint8Array, encode: () => Uint8Array): Uint8Array {
    if (version !== this.#version) this.forget();
    this.#version = version;
    const key = keyOf(stateVector);
    const known = this.#byStateVector.get(key);
    if (known !== undefined) return known;
    const frame = encode();
    if (this.#bytes > MAX_BYTES) this.forget();
    this.#byStateVector.set(key, frame);
    this.#bytes += key.length + frame.length;
    return frame;
  }

  /** Forgets all frames. */
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
