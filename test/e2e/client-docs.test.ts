import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Server } from "../support/server.ts";

const FOLDER = ".cache/client-docs";
const run = promisify(execFile);
let server: Server;

beforeAll(async () => {
  server = await Server.start();
  mkdirSync(FOLDER, { recursive: true });
});

afterAll(() => server?.stop());

/** The snippets that use the provider, in their order; those of the package's entries are another test's. */
const snippets = [...readFileSync("docs/client.md", "utf8").matchAll(/^```ts\n(.*?)^```$/gms)]
  .map(([, code]) => (code ?? "").replace('"../client/index.ts"', '"../../client/index.ts"'))
  .filter((code) => !code.includes("roomful/"));

it("the first snippet of docs/client.md runs as it stands", async () => {
  const [first = ""] = snippets;
  const file = `${FOLDER}/first.ts`;
  writeFileSync(
    file,
    `${first.replace("ws://localhost:8787/rooms", server.url)}\nconsole.log("now", provider.saved);\nprovider.destroy();\n`,
  );
  const { stdout } = await run(process.execPath, [file], { timeout: 60_000 });
  expect(stdout).toContain("now { state: 'saved', unsaved: 0 }");
});

const IMPORT = /^import .*$/gm;

it("every further snippet of docs/client.md type-checks after the first", async () => {
  const [first = "", ...others] = snippets;
  expect(others.length).toBeGreaterThanOrEqual(4);
  const imports = others.flatMap((code) => code.match(IMPORT) ?? []);
  const blocks = others.map((code) => `async () => {\n${code.replace(IMPORT, "")}};\n`);
  writeFileSync(
    `${FOLDER}/all.ts`,
    `${imports.join("\n")}\n${first}\ndeclare const url: string;\ndeclare const room: string;\nexport const snippets = [\n${blocks
      .map((block) => block.replace(/;\n$/, ",\n"))
      .join("")}];\n`,
  );
  const base = JSON.parse(readFileSync("tsconfig.base.json", "utf8"));
  writeFileSync(
    `${FOLDER}/tsconfig.json`,
    JSON.stringify({
      compilerOptions: {
        ...base.compilerOptions,
        composite: false,
        incremental: false,
        emitDeclarationOnly: false,
        noEmit: true,
        noUnusedLocals: false,
        lib: ["es2024", "dom", "dom.iterable"],
        types: [],
      },
      files: ["all.ts"],
    }),
  );
  const checked = run("node_modules/.bin/tsc", ["-p", FOLDER], { timeout: 60_000 });
  await checked.catch(({ stdout }) => expect(stdout).toBe(""));
});
