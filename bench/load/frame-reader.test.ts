import { expect, it } from "vitest";
import { FrameReader } from "./frame-reader.ts";
import { frameHeader } from "./websocket-frame.ts";

const LENGTHS = [0, 1, 125, 126, 127, 300, 65_535, 65_536, 200_000, 3];

function payloads(): Buffer[] {
  return LENGTHS.map((length, index) => Buffer.alloc(length, index + 1));
}

it.each([1, 2, 7, 1000, 65_536, 1_000_000])(
  "frames come out whole when the stream comes in pieces of %i bytes",
  (size) => {
    const stream = Buffer.concat(payloads().flatMap((payload) => [frameHeader(payload.length, false), payload]));
    const read: Buffer[] = [];
    const reader = new FrameReader((opcode, payload) => {
      expect(opcode).toBe(2);
      read.push(Buffer.from(payload));
    });
    for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
    expect(read.map(({ length }) => length)).toEqual(LENGTHS);
    expect(read).toEqual(payloads());
  },
);

it("a client's frames are masked, with zeros", () => {
  const payload = Buffer.from("hello");
  const frame = Buffer.concat([frameHeader(payload.length, true), payload]);
  expect([...frame.subarray(0, 6)]).toEqual([0x82, 0x85, 0, 0, 0, 0]);
  const read: string[] = [];
  new FrameReader((_, bytes) => read.push(bytes.toString())).push(frame);
  expect(read).toEqual(["hello"]);
});

it("a mask that is not zero is taken off", () => {
  const read: string[] = [];
  const masked = Buffer.from([0x82, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]);
  new FrameReader((_, bytes) => read.push(bytes.toString())).push(masked);
  expect(read).toEqual(["hi"]);
});
