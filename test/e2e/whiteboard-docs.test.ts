import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addShapes } from "../../whiteboard/model/commands.ts";
import { BoardReader } from "../support/board-reader.ts";
import { Server } from "../support/server.ts";

const FOLDER = ".cache/whiteboard-docs";
const IMPORTS = `import * as Y from "yjs";\nimport { RoomProvider } from "../../client/index.ts";\n`;

/** What it prints first ends the program. */
const PRINT_ONCE = "const { log } = console;\nconsole.log = (...all) => {\n  log(...all);\n  process.exit();\n};\n";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
  mkdirSync(FOLDER, { recursive: true });
});
afterAll(() => server?.stop());

/** Runs the one snippet of a page that is in a language, and then what ends it. */
async function run(page: string, language: string, end: string): Promise<string> {
  const [snippet] = [...readFileSync(page, "utf8").matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))];
  const code = (snippet?.[1] ?? "throw new Error('absent')").replaceAll("ws://localhost:8787/rooms", server.url);
  const file = `${FOLDER}/${language}.ts`;
  writeFileSync(file, `${IMPORTS}${code}${end}`);
  return (await promisify(execFile)(process.execPath, [file], { timeout: 60_000 })).stdout;
}

it("the README's five lines are five, and save what they insert", async () => {
  const end = `await provider.whenSaved();\nconsole.log("now", provider.saved, String(doc.getText("text")));\nprocess.exit();\n`;
  expect(await run("README.md", "js", end)).toContain("now { state: 'saved', unsaved: 0 } Hello");
  expect(/```js\n(.*?)```/s.exec(readFileSync("README.md", "utf8"))?.[1]?.trim().split("\n")).toHaveLength(5);
});

it("a board is read as docs/whiteboard.md shows it", async () => {
  const writer = await BoardReader.open(server, "nova-wolf-blaze");
  const box = { x: 1, y: 2, w: 200, h: 200 };
  addShapes(writer.board, [{ kind: "note", color: "yellow", text: "ship it", box }]);
  await writer.provider.whenSaved();
  writer.close();
  const printed = await run("docs/whiteboard.md", "ts", PRINT_ONCE);
  expect(printed).toContain("kind: 'note'");
  expect(printed).toContain("text: 'ship it'");
});
