import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect } from "vitest";

/** The snippets of TypeScript in a document, in their order, importing the client from two folders below the root. */
export function snippetsOf(document: string): string[] {
  return [...readFileSync(document, "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) =>
    (code ?? "").replace('"../client/index.ts"', '"../../client/index.ts"'),
  );
}

/** Each snippet as a function of its own, in a list: the text of an array's elements. */
export function asFunctions(snippets: readonly string[]): string {
  return snippets.map((code) => `async () => {\n${code}},\n`).join("");
}

/** Type-checks files as an app's would be that uses the client in a browser. @param folder two below the root */
export async function expectToCompile(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
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
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const compiling = promisify(execFile)("node_modules/.bin/tsc", ["-p", folder], { timeout: 60_000 });
  await compiling.catch(({ stdout }) => expect(stdout).toBe(""));
}
