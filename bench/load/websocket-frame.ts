/** Final frame, binary. */
const BINARY = 0x82;
const MASKED = 0x80;

/**
 * The header of a binary WebSocket frame. A client's is masked with zeros, which RFC 6455 allows and which leaves the
 * payload as it is: frames are encoded once, ahead of time.
 */
export function frameHeader(length: number, isClient: boolean): Buffer {
  const mask = isClient ? MASKED : 0;
  const keyBytes = isClient ? 4 : 0;
  if (length < 126) return Buffer.from([BINARY, mask | length, ...new Array<number>(keyBytes).fill(0)]);
  const isLong = length >= 65_536;
  const header = Buffer.alloc(2 + (isLong ? 8 : 2) + keyBytes);
  header[0] = BINARY;
  header[1] = mask | (isLong ? 127 : 126);
  if (isLong) header.writeBigUInt64BE(BigInt(length), 2);
  else header.writeUInt16BE(length, 2);
  return header;
}
