/** What the room uses of the runtime's Node compatibility. */
declare module "node:zlib" {
  /** CRC-32 of bytes, or of a string's UTF-8. @param value a checksum to go on from */
  export function crc32(data: ArrayBuffer | Uint8Array | string, value?: number): number;
}

/** And those for secrets and TURN credentials, which Web Crypto has in asynchronous form only. */
declare module "node:crypto" {
  interface Digest {
    update(data: string): Digest;
    digest(encoding: "base64" | "hex"): string;
  }
  export function createHash(algorithm: "sha256"): Digest;
  export function createHmac(algorithm: "sha1", key: string): Digest;
}
