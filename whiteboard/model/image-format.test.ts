import fc from "fast-check";
import { expect, it } from "vitest";
import { isShowable, readHeader } from "./image-format.ts";

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

it.each([
  ["image/png", "89504e470d0a1a0a 0000000d 49484452 00000003 00000005 0802000000", 3, 5],
  ["image/jpeg", "ffd8 ffe00004 0000 ffc0 000b 08 0005 0003 01 011100", 3, 5],
  ["image/webp", "52494646 00000000 57454250 56503820 00000000 000000 9d012a 0300 0500", 3, 5],
  ["image/webp", "52494646 00000000 57454250 5650384c 00000000 2f 02000100 00", 3, 5],
  ["image/webp", "52494646 00000000 57454250 56503858 00000000 00000000 020000 040000", 3, 5],
])("the size of %s is read without decoding it", (type, hex, width, height) => {
  expect(readHeader(bytes(hex))).toEqual({ type, width, height });
  expect(isShowable(bytes(hex))).toBe(true);
});

it("a small file that says it is a huge image is not decoded", () => {
  expect(isShowable(bytes("89504e470d0a1a0a 0000000d 49484452 00010000 00010000"))).toBe(false);
});

it("what is no image, or cut, has no size; nothing throws", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("", "89504e47", "ffd8ff", "5249464600000000574542505650"),
      fc.uint8Array(),
      (start, rest) => {
        isShowable(new Uint8Array([...bytes(start), ...rest]));
      },
    ),
  );
  expect(readHeader(new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg'/>"))).toBeNull();
});
