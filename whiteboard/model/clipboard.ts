/** Shapes as text, which another board can take. */
import { fromBase64, toBase64 } from "lib0/buffer";
import type { Board, BoardReader } from "./board.ts";
import { type NewShape, withoutPlace } from "./commands.ts";
import { readImage, storeImage } from "./images.ts";
import { parseContent, type Shape } from "./shape.ts";

const FORMAT = "roomful-whiteboard/1";

/** Most shapes that one paste adds. */
const SHAPES_AT_ONCE = 5_000;

export function shapesToText(shapes: readonly Shape[], imagesOf: BoardReader): string {
  const images: Record<string, string> = {};
  const written = shapes.map((shape) => {
    const { box, ...rest } = withoutPlace(shape);
    if (shape.kind === "image") {
      const bytes = readImage(imagesOf, shape.image);
      if (bytes !== null) images[shape.image] = toBase64(bytes);
    }
    return {
      ...rest,
      box: [box.x, box.y, box.w, box.h],
      ...("points" in rest && { points: toBase64(rest.points) }),
    };
  });
  return JSON.stringify({ format: FORMAT, shapes: written, images });
}

/** Stores the images of the copied text in the board. @returns `null` when the text was not copied from a board */
export function shapesFromText(text: string, board: Board): NewShape[] | null {
  if (!text.startsWith(`{"format":"${FORMAT}"`)) return null;
  let copied: { shapes?: unknown; images?: unknown };
  try {
    copied = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(copied.shapes)) return null;
  const shapes = copied.shapes.slice(0, SHAPES_AT_ONCE).flatMap((shape: unknown) => readCopy(shape) ?? []);
  const wanted = new Set(shapes.flatMap((shape) => (shape.kind === "image" ? [shape.image] : [])));
  for (const [image, bytes] of Object.entries(copied.images ?? {})) {
    if (wanted.has(image) && typeof bytes === "string") storeImage(board, bytesOf(bytes));
  }
  return shapes;
}

function readCopy(copied: unknown): NewShape | null {
  if (typeof copied !== "object" || copied === null) return null;
  const points = "points" in copied && typeof copied.points === "string" ? { points: bytesOf(copied.points) } : {};
  const content = parseContent({ ...copied, ...points, order: "a0" });
  return content === null ? null : withoutPlace({ ...content, id: "" });
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(fromBase64(base64));
  } catch {
    return new Uint8Array();
  }
}
