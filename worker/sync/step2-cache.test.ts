import { expect, it } from "vitest";
import { Answers } from "./step2-cache.ts";

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

it("who asks for the same of the same document is given the same frame, encoded once", () => {
  const answers = new Answers();
  const { encode, encodings } = counted();
  const first = answers.of(1, nobody, encode);
  expect(answers.of(1, nobody.slice(), encode)).toBe(first);
  expect(answers.of(1, somebody, encode)).not.toBe(first);
  expect(answers.of(1, nobody, encode)).toBe(first);
  expect(encodings()).toBe(2);
});

it("another version of the document is encoded anew", () => {
  const answers = new Answers();
  const { encode, encodings } = counted();
  const first = answers.of(1, nobody, encode);
  expect(answers.of(2, nobody, encode)).not.toBe(first);
  expect(encodings()).toBe(2);
});

it("answers to ever new state vectors are not all kept", () => {
  const answers = new Answers();
  const { encode } = counted(1_000_000);
  const first = answers.of(1, nobody, encode);
  for (let client = 2; client < 40; client++) answers.of(1, new Uint8Array([1, client, 5]), encode);
  expect(answers.of(1, nobody, encode)).not.toBe(first);
});
