import { expect, it } from "vitest";
import { subjectOf } from "./token-subject.ts";

it("the subject of a token is its sub claim, or nothing", () => {
  const url = btoa(String.fromCodePoint(...new TextEncoder().encode('{"sub":"Zoë ÿÿ?>"}')));
  expect(subjectOf(`x.${url.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.y`)).toBe("Zoë ÿÿ?>");
  for (const token of ["", "opaque", "a.b.c", `a.${btoa("[]")}.c`, `a.${btoa('{"sub":5}')}.c`, `a.${btoa("null")}`]) {
    expect(subjectOf(token)).toBeUndefined();
  }
});
