import type { BoardReader } from "../model/board.ts";
import { readHeader } from "../model/image-format.ts";
import { readImage } from "../model/images.ts";

type Entry =
  | { readonly type: "decoding" }
  | { readonly type: "broken" }
  | { readonly type: "ready"; readonly bitmap: ImageBitmap };

/** The board's images, decoded when they are first shown. */
export class Bitmaps {
  readonly #board: BoardReader;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(image: string) => void>();
  readonly #observer = () => this.#retry();

  constructor(board: BoardReader) {
    this.#board = board;
    board.images.observe(this.#observer);
  }

  /** @returns `null` as long as there is nothing to paint */
  readonly get = (image: string): ImageBitmap | null => {
    const entry = this.#entries.get(image);
    if (entry?.type === "ready") return entry.bitmap;
    if (entry === undefined) void this.#decode(image);
    return null;
  };

  /** Resolves when each of the images is decoded, or proved broken. */
  async settle(images: Iterable<string>): Promise<void> {
    await Promise.all([...images].map((image) => this.#entries.has(image) || this.#decode(image)));
    while ([...this.#entries.values()].some(({ type }) => type === "decoding"))
      await new Promise(requestAnimationFrame);
  }

  /** The listener is called when an image can be painted. @returns how to stop */
  subscribe(listener: (image: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  destroy(): void {
    this.#board.images.unobserve(this.#observer);
    for (const entry of this.#entries.values()) if (entry.type === "ready") entry.bitmap.close();
    this.#entries.clear();
  }

  async #decode(image: string): Promise<void> {
    const bytes = readImage(this.#board, image);
    if (bytes === null) return;
    this.#entries.set(image, { type: "decoding" });
    const type = readHeader(bytes)?.type ?? "";
    const bitmap = await createImageBitmap(new Blob([bytes], { type })).catch(() => null);
    this.#entries.set(image, bitmap === null ? { type: "broken" } : { type: "ready", bitmap });
    if (bitmap !== null) for (const listener of this.#listeners) listener(image);
  }

  /** A shape may arrive before its image. */
  #retry(): void {
    for (const shape of this.#board.shapes) {
      if (shape.kind === "image" && !this.#entries.has(shape.image)) void this.#decode(shape.image);
    }
  }
}
