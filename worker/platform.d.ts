/** The one function that the room uses of the runtime's Node compatibility. */
declare module "node:zlib" {
  /** CRC-32 of bytes, or of a string's UTF-8. @param value a checksum to go on from */
  export function crc32(data: ArrayBuffer | Uint8Array | string, value?: number): number;
}
