import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Server } from "../support/server.ts";
import { asFunctions, expectToCompile, snippetsOf } from "../support/snippets.ts";

const FOLDER = ".cache/client-docs";
const run = promisify(execFile);
let server: Server;

beforeAll(async () => {
  server = await Server.start();
  mkdirSync(FOLDER, { recursive: true });
});

afterAll(() => server?.stop());

/** The snippets that use the provider, in their order; those of the package's entries are another test's. */
const snippets = snippetsOf("docs/client.md").filter((code) => !code.includes("roomful/"));

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
  const imports = others.flatMap((code) => code.match(IMPORT) ?? []).join("\n");
  const functions = asFunctions(others.map((code) => code.replace(IMPORT, "")));
  await expectToCompile(FOLDER, {
    "all.ts": `${imports}\n${first}\ndeclare const url: string;\ndeclare const room: string;\nexport const snippets = [\n${functions}];\n`,
  });
});
