import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "roomful-layers-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lints one file as if it stood at a path of the project, with the project's own rules. */
function lint(path: string, line: string): { fails: boolean; output: string } {
  const rules = JSON.parse(readFileSync("biome.json", "utf8"));
  writeFileSync(
    join(folder, "biome.json"),
    JSON.stringify({ ...rules, $schema: undefined, vcs: undefined, root: true }),
  );
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${line}\nexport const used = planted;\n`);
  const { status, stdout, stderr } = spawnSync(resolve("node_modules/.bin/biome"), ["lint", folder], {
    encoding: "utf8",
    cwd: folder,
  });
  rmSync(file);
  return { fails: status !== 0, output: stdout + stderr };
}

it.each([
  ["worker/planted.ts", "../client/index.ts"],
  ["worker/deep/planted.ts", "../../client/index.ts"],
  ["client/planted.ts", "../worker/room.ts"],
  ["client/planted.ts", "cloudflare:workers"],
  ["shared/planted.ts", "../worker/room.ts"],
  ["shared/planted.ts", "../client/index.ts"],
  ["shared/planted.ts", "node:fs"],
  ["shared/planted.ts", "../backend/index.ts"],
  ["backend/planted.ts", "../worker/room.ts"],
  ["backend/planted.ts", "../client/index.ts"],
  ["backend/planted.ts", "cloudflare:workers"],
  ["worker/document/document.ts", "./session.ts"],
  ["worker/storage/store.ts", "./session.ts"],
  ["worker/storage/store.ts", "yjs"],
  ["worker/sessions/session.ts", "yjs"],
  ["whiteboard/model/planted.ts", "../scene/paint.ts"],
  ["whiteboard/model/planted.ts", "../../index.ts"],
  ["whiteboard/scene/planted.ts", "../tools/tools.ts"],
  ["whiteboard/tools/planted.ts", "../together/people.ts"],
  ["whiteboard/together/planted.ts", "../editor/editor.ts"],
  ["whiteboard/together/planted.ts", "../../provider.ts"],
  ["whiteboard/editor/planted.ts", "../ui/app.tsx"],
  ["whiteboard/editor/planted.ts", "react"],
  ["whiteboard/ui/planted.ts", "../../react/use-room.ts"],
  ["whiteboard/planted.ts", "../provider.ts"],
  ["whiteboard/planted.ts", "../../shared/rooms.ts"],
])("%s must not import %s", (path, imported) => {
  const { fails, output } = lint(path, `import { planted } from "${imported}";`);
  expect(output).toContain("noRestrictedImports");
  expect(fails).toBe(true);
});

it.each([
  ["worker/planted.ts", "../shared/rooms.ts"],
  ["client/planted.ts", "../shared/rooms.ts"],
  ["backend/planted.ts", "../shared/rooms.ts"],
  ["whiteboard/ui/planted.ts", "../model/board.ts"],
  ["whiteboard/together/planted.ts", "../../index.ts"],
  ["whiteboard/ui/planted.ts", "../../react/index.ts"],
])("%s may import %s", (path, imported) => {
  expect(lint(path, `import { planted } from "${imported}";`)).toMatchObject({ fails: false });
});
