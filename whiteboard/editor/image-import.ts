/** Images from files that were pasted or dropped, scaled to the bytes that a board takes. */
import { readHeader } from "../model/image-format.ts";
import { IMAGE_BYTES, IMAGE_SIDE } from "../model/limits.ts";

export type ImportedImage =
  | { readonly type: "image"; readonly bytes: Uint8Array<ArrayBuffer>; readonly width: number; readonly height: number }
  | { readonly type: "no-image" }
  | { readonly type: "too-large" };

/** Files as small as that are kept as they are, if they hold nothing but an image. */
const KEPT_BYTES = 300_000;

/** From the best to the smallest. */
const TRIES = [
  { side: IMAGE_SIDE, quality: 0.86 },
  { side: IMAGE_SIDE, quality: 0.7 },
  { side: 1_200, quality: 0.7 },
  { side: 800, quality: 0.6 },
];

export async function importImage(file: Blob): Promise<ImportedImage> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap === null) return { type: "no-image" };
  const { width, height } = bitmap;
  try {
    const own = new Uint8Array(await file.arrayBuffer());
    const isSmall = own.length <= KEPT_BYTES && Math.max(width, height) <= IMAGE_SIDE;
    // A JPEG file says where it was taken, and is written anew for that.
    if (isSmall && readHeader(own)?.type === "image/png") return { type: "image", bytes: own, width, height };
    for (const { side, quality } of TRIES) {
      const bytes = await encode(bitmap, Math.min(1, side / Math.max(width, height)), quality);
      if (bytes !== null && bytes.length <= IMAGE_BYTES) return { type: "image", bytes, width, height };
    }
    return { type: "too-large" };
  } finally {
    bitmap.close();
  }
}

async function encode(bitmap: ImageBitmap, scale: number, quality: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  // A browser that can't write WebP writes PNG instead.
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/webp", quality));
  return blob === null ? null : new Uint8Array(await blob.arrayBuffer());
}
