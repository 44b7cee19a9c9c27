import { expect, it } from "vitest";
import { Step2Cache } from "./step2-cache.ts";

const nobody = new Uint8Array([0]);
const somebody = new Uint8Array([1, 7, 3]);

function counted(length = 10) {
  let encodings = 0;
  const encode = () => {
    encodings++;
    return new Uint8Array(length);
  };
  return { encode, encodings: () => encodings };
}

it("one state vector and one version of the document have one frame, encoded once", () => {
  const cache = new Step2Cache();
  const { encode, encodings } = counted();
  const first = cache.frameFor(1, nobody, encode);
  expect(cache.frameFor(1, nobody.slice(), encode)).toBe(first);
  expect(cache.frameFor(1, somebody, encode)).not.toBe(first);
  expect(cache.frameFor(1, nobody, encode)).toBe(first);
  expect(encodings()).toBe(2);
});

it("a new version of the document is encoded anew", () => {
  const cache = new Step2Cache();
  const { encode, encodings } = counted();
  const first = cache.frameFor(1, nobody, encode);
  expect(cache.frameFor(2, nobody, encode)).not.toBe(first);
  expect(encodings()).toBe(2);
});

it("frames for ever new state vectors are not all kept", () => {
  const cache = new Step2Cache();
  const { encode } = counted(1_000_000);
  const first = cache.frameFor(1, nobody, encode);
  for (let client = 2; client < 40; client++) cache.frameFor(1, new Uint8Array([1, client, 5]), encode);
  expect(cache.frameFor(1, nobody, encode)).not.toBe(first);
});
