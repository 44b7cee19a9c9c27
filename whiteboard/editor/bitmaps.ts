import type { Board } from "../model/board.ts";
import { readHeader } from "../model/image-format.ts";
import { readImage } from "../model/images.ts";

type Entry =
  | { readonly type: "decoding" }
  | { readonly type: "broken" }
  | { readonly type: "ready"; readonly bitmap: ImageBitmap };

/** The board's images, decoded when they are first shown. */
export class Bitmaps {
  readonly #board: Board;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: (image: string) => void;
  readonly #observer = () => this.#retry();

  /** @param ready an image can be painted now */
  constructor(board: Board, ready: (image: string) => void) {
    this.#board = board;
    this.#ready = ready;
    board.images.observe(this.#observer);
  }

  /** @returns `null` as long as there is nothing to paint */
  readonly get = (image: string): ImageBitmap | null => {
    const entry = this.#entries.get(image);
    if (entry?.type === "ready") return entry.bitmap;
    if (entry === undefined) void this.#decode(image);
    return null;
  };

  /** When all images that were asked for are there, or can't be. */
  async settle(images: Iterable<string>): Promise<void> {
    await Promise.all([...images].map((image) => this.#entries.has(image) || this.#decode(image)));
    while ([...this.#entries.values()].some(({ type }) => type === "decoding"))
      await new Promise(requestAnimationFrame);
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
    if (bitmap !== null) this.#ready(image);
  }

  /** A shape may arrive before its image. */
  #retry(): void {
    for (const shape of this.#board.shapes) {
      if (shape.kind === "image" && !this.#entries.has(shape.image)) void this.#decode(shape.image);
    }
  }
}
