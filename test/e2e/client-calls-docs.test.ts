import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const FOLDER = ".cache/client-calls-docs";
const run = promisify(execFile);

it("every snippet of docs/client-calls.md type-checks", async () => {
  const snippets = [...readFileSync("docs/client-calls.md", "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) =>
    (code ?? "").replace('"../client/index.ts"', '"../../client/index.ts"'),
  );
  const [first = "", second = "", ...others] = snippets;
  expect(others.length).toBeGreaterThanOrEqual(3);
  mkdirSync(FOLDER, { recursive: true });
  const blocks = others.map((code) => `async () => {\n${code}},\n`).join("");
  writeFileSync(`${FOLDER}/first.ts`, `${first}\nexport const snippets = [\n${blocks}];\n`);
  writeFileSync(`${FOLDER}/second.ts`, `${second}\nexport {};\n`);
  const base = JSON.parse(readFileSync("tsconfig.base.json", "utf8"));
  const compilerOptions = {
    ...base.compilerOptions,
    composite: false,
    incremental: false,
    emitDeclarationOnly: false,
    noEmit: true,
    noUnusedLocals: false,
    lib: ["es2024", "dom", "dom.iterable"],
    types: [],
  };
  writeFileSync(`${FOLDER}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ["first.ts", "second.ts"] }));
  await run("node_modules/.bin/tsc", ["-p", FOLDER], { timeout: 60_000 }).catch(({ stdout }) =>
    expect(stdout).toBe(""),
  );
});
