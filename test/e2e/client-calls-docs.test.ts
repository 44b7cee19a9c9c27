import { expect, it } from "vitest";
import { asFunctions, expectToCompile, snippetsOf } from "../support/snippets.ts";

it("every snippet of docs/client-calls.md type-checks", async () => {
  const [first = "", second = "", ...others] = snippetsOf("docs/client-calls.md");
  expect(others.length).toBeGreaterThanOrEqual(3);
  await expectToCompile(".cache/client-calls-docs", {
    "first.ts": `${first}\nexport const snippets = [\n${asFunctions(others)}];\n`,
    "second.ts": `${second}\nexport {};\n`,
  });
});
