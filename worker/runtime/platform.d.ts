/** The functions of the runtime's Node compatibility that the room uses. */
declare module "node:zlib" {
  /** CRC-32 of bytes, or of a string's UTF-8. @param value the checksum of what came before */
  export function crc32(data: ArrayBuffer | Uint8Array | string, value?: number): number;
}

/** Node's hashes, for secrets and TURN credentials: Web Crypto has them in asynchronous form only. */
declare module "node:crypto" {
  interface Digest {
    update(data: string): Digest;
    digest(encoding: "base64" | "hex"): string;
  }
  export function createHash(algorithm: "sha256"): Digest;
  export function createHmac(algorithm: "sha1", key: string): Digest;
}
