export const SYNC = 0;
export const STEP_1 = 0;
const STEP_2 = 1;

/** @returns the number and where it ends */
export function readVarUint(bytes: Uint8Array, from: number): [value: number, end: number] {
  let value = 0;
  let factor = 1;
  for (let at = from; ; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new Error("truncated");
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, at + 1];
    factor *= 128;
  }
}

/** What stands before an update of that many bytes in an answer to step 1. */
export function step2Header(length: number): Uint8Array {
  const header = [SYNC, STEP_2];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) header.push((rest % 128) | 0x80);
  return new Uint8Array([...header, rest]);
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
