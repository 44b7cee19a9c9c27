/**
 * The header of an image file. A file of some kilobytes can hold an image of gigabytes, so that its size is read
 * before anybody decodes it. SVG is none of the formats: it can hold scripts and references.
 */
import { IMAGE_DECODED_SIDE } from "./limits.ts";

export type ImageType = "image/png" | "image/jpeg" | "image/webp";

export interface ImageHeader {
  readonly type: ImageType;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Whether it is safe to decode. */
export function isShowable(bytes: Uint8Array): boolean {
  const header = readHeader(bytes);
  if (header === null) return false;
  const { width, height } = header;
  return width > 0 && height > 0 && width <= IMAGE_DECODED_SIDE && height <= IMAGE_DECODED_SIDE;
}

/** @returns `null` for what is none of the formats, or cut */
export function readHeader(bytes: Uint8Array): ImageHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (view.getUint32(0) === 0x89504e47) return png(view);
    if (view.getUint16(0) === 0xffd8) return jpeg(view);
    if (view.getUint32(0) === RIFF && view.getUint32(8) === WEBP) return webp(view);
  } catch (caught) {
    if (!(caught instanceof RangeError)) throw caught;
  }
  return null;
}

const RIFF = 0x52494646;
const WEBP = 0x57454250;

function png(view: DataView): ImageHeader {
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

/** The size is in the frame header, behind segments of any number. */
function jpeg(view: DataView): ImageHeader | null {
  for (let at = 2; at < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    // C4, C8 and CC are tables.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { type: "image/jpeg", height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** @see https://developers.google.com/speed/webp/docs/riff_container */
function webp(view: DataView): ImageHeader | null {
  const type = "image/webp";
  switch (view.getUint32(12)) {
    case 0x56503820: // "VP8 "
      return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 0x5650384c: {
      // "VP8L"
      const bits = view.getUint32(21, true);
      return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 0x56503858: {
      // "VP8X"
      const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      return { type, width: uint24(24) + 1, height: uint24(27) + 1 };
    }
    default:
      return null;
  }
}
