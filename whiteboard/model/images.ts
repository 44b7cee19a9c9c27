/** Images are stored once, by the SHA-256 of their bytes. Shapes name them, so that no move writes the bytes again. */
import { toHexString } from "lib0/buffer";
import { digest } from "lib0/hash/sha256";
import type { Board, BoardReader } from "./board.ts";
import { isShowable } from "./image-format.ts";
import { ALL_IMAGES_BYTES, IMAGE_BYTES } from "./limits.ts";

export type StoredImage =
  | { readonly type: "stored"; readonly image: string }
  /** One image is above the limit, even scaled down. */
  | { readonly type: "too-large" }
  /** The board has no room for a further image. */
  | { readonly type: "full" };

/** Keeps an image. Nothing is written when the board has it already. */
export function storeImage(board: Board, bytes: Uint8Array<ArrayBuffer>): StoredImage {
  if (bytes.length > IMAGE_BYTES || !isShowable(bytes)) return { type: "too-large" };
  const image = toHexString(digest(bytes));
  if (readImage(board, image) !== null) return { type: "stored", image };
  board.doc.transact(() => {
    if (bytesOf(board) + bytes.length > ALL_IMAGES_BYTES) forgetUnused(board);
    if (bytesOf(board) + bytes.length <= ALL_IMAGES_BYTES) board.images.set(image, bytes);
  }, board.origin);
  return board.images.has(image) ? { type: "stored", image } : { type: "full" };
}

/** @returns `null` when there is none of the name, or nothing that a page may show */
export function readImage(board: Pick<BoardReader, "images">, image: string): Uint8Array<ArrayBuffer> | null {
  const bytes = board.images.get(image);
  if (!(bytes instanceof Uint8Array) || bytes.length > IMAGE_BYTES || !isShowable(bytes)) return null;
  return bytes as Uint8Array<ArrayBuffer>;
}

function bytesOf(board: Board): number {
  let bytes = 0;
  for (const value of board.images.values()) if (value instanceof Uint8Array) bytes += value.length;
  return bytes;
}

/** Only when the room is needed: an undo, or somebody who is offline, may bring a shape back that shows one. */
function forgetUnused(board: Board): void {
  const used = new Set(board.shapes.map((shape) => (shape.kind === "image" ? shape.image : "")));
  for (const image of [...board.images.keys()]) if (!used.has(image)) board.images.delete(image);
}
