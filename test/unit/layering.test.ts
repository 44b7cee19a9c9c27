import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** The floors of each part, from the lowest: a folder imports from those below its floor, and not from its neighbours. */
const FLOORS = {
  worker: [
    ["runtime"],
    ["settings"],
    ["storage"],
    ["access"],
    ["document"],
    ["sessions"],
    ["metering"],
    ["sync", "people", "calls", "events"],
    ["room"],
    ["edge"],
  ],
  client: [["base"], ["connection"], ["call", "document"], ["offline"], ["room"], ["provider"], ["react"]],
  whiteboard: [["model"], ["scene"], ["tools"], ["together"], ["editor"], ["ui"]],
} as const;

type Part = keyof typeof FLOORS;
const PARTS = Object.keys(FLOORS) as Part[];

const foldersOf = (part: Part): readonly string[] => FLOORS[part].flat();
const floorOf = (part: Part, folder: string): number =>
  FLOORS[part].findIndex((floor: readonly string[]) => floor.includes(folder));

interface Planted {
  readonly path: string;
  readonly code: string;
}

const planted: Planted[] = [];
/** Rules that each planted file broke, by its path. */
const broken = new Map<string, string[]>();

/** Plants a file. @returns its path, under which the rules that it broke are found after the lint */
function plant(path: string, code: string): string {
  const unique = path.replace("*", `planted-${planted.length}`);
  planted.push({ path: unique, code });
  return unique;
}

function plantImport(from: string, imported: string): string {
  return plant(from, `import { planted } from "${imported}";\nexport const used = planted;\n`);
}

/** A test about an import. @param from a path of the project; `*` stands for the file's name */
function refuses(from: string, imported: string): void {
  const path = plantImport(from, imported);
  it(`${from} does not import ${imported}`, () => expect(broken.get(path)).toEqual(["noRestrictedImports"]));
}

function allows(from: string, imported: string): void {
  const path = plantImport(from, imported);
  it(`${from} may import ${imported}`, () => expect(broken.get(path)).toBeUndefined());
}

const folder = mkdtempSync(join(tmpdir(), "roomful-layers-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** One run of the linter over all that was planted, with the project's own rules. */
beforeAll(() => {
  const rules = JSON.parse(readFileSync("biome.json", "utf8"));
  write("biome.json", JSON.stringify({ ...rules, $schema: undefined, vcs: undefined }));
  for (const part of [...PARTS, "examples"]) write(`${part}/biome.json`, readFileSync(`${part}/biome.json`, "utf8"));
  for (const { path, code } of planted) write(path, code);
  const { stdout, stderr } = spawnSync(
    resolve("node_modules/.bin/biome"),
    ["lint", "--reporter=json", "--max-diagnostics=none"],
    { encoding: "utf8", cwd: folder, maxBuffer: 100_000_000 },
  );
  if (!stdout.startsWith("{")) throw new Error(`the linter gave no report: ${stderr}`);
  const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(stdout);
  for (const { category, location } of report.diagnostics) {
    const rule = category.split("/").at(-1) ?? category;
    broken.set(location.path, [...(broken.get(location.path) ?? []), rule]);
  }
});

describe.each(PARTS)("the floors of %s/", (part) => {
  it("hold every folder that there is", () => {
    const folders = readdirSync(part, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = [...foldersOf(part), "public"];
    expect(folders.map(({ name }) => name).filter((name) => !named.includes(name))).toEqual([]);
  });

  for (const from of foldersOf(part)) {
    const pairs = foldersOf(part)
      .filter((to) => to !== from)
      .map((to) => ({ to, path: plantImport(`${part}/${from}/*.ts`, `../${to}/x.ts`) }));
    it(`${from}/ imports from those below it alone`, () => {
      const allowed = pairs.filter(({ path }) => broken.get(path) === undefined).map(({ to }) => to);
      expect(allowed).toEqual(foldersOf(part).filter((to) => floorOf(part, to) < floorOf(part, from)));
      for (const { to, path } of pairs)
        if (!allowed.includes(to)) expect(broken.get(path)).toEqual(["noRestrictedImports"]);
    });
  }
});

describe("worker/", () => {
  for (const from of foldersOf("worker")) {
    refuses(`worker/${from}/*.ts`, "../../client/index.ts");
    allows(`worker/${from}/*.ts`, "../../shared/rooms.ts");
  }
  for (const from of ["runtime", "settings", "storage", "access", "sessions", "metering", "people", "calls", "events"])
    refuses(`worker/${from}/*.ts`, "yjs");
  for (const from of ["document", "sync", "room", "edge"]) allows(`worker/${from}/*.ts`, "yjs");
  // A folder that no list names has no floor yet.
  refuses("worker/sync/*.ts", "../novel/x.ts");
  refuses("worker/edge/*.ts", "../novel/x.ts");
  refuses("worker/sync/deep/*.ts", "../../room/room.ts");
  refuses("worker/*.ts", "../client/index.ts");
  refuses("worker/*.ts", "../whiteboard/model/board.ts");
  refuses("worker/*.ts", "../backend/index.ts");
  refuses("worker/sync/*.test.ts", "../../client/index.ts");
  allows("worker/sync/*.test.ts", "../room/room.ts");
  allows("worker/*.ts", "../shared/rooms.ts");
  allows("worker/*.ts", "./edge/app.ts");
  allows("worker/sync/*.ts", "./persistence.ts");
});

describe("client/", () => {
  for (const from of foldersOf("client")) {
    refuses(`client/${from}/*.ts`, "../../worker/room/room.ts");
    refuses(`client/${from}/*.ts`, "cloudflare:workers");
    refuses(`client/${from}/*.ts`, "node:fs");
    allows(`client/${from}/*.ts`, "../../shared/rooms.ts");
    allows(`client/${from}/*.ts`, "yjs");
  }
  refuses("client/room/*.ts", "../novel/x.ts");
  refuses("client/call/deep/*.ts", "../../provider/provider.ts");
  refuses("client/*.ts", "../worker/room/room.ts");
  refuses("client/*.ts", "../whiteboard/model/board.ts");
  refuses("client/*.ts", "../backend/index.ts");
  refuses("client/*.ts", "cloudflare:workers");
  allows("client/*.ts", "../shared/rooms.ts");
  allows("client/*.ts", "./provider/provider.ts");
  allows("client/base/*.test.ts", "../provider/provider.ts");
});

describe("whiteboard/", () => {
  for (const from of foldersOf("whiteboard")) {
    refuses(`whiteboard/${from}/*.ts`, "../../client/provider/provider.ts");
    refuses(`whiteboard/${from}/*.ts`, "../../client/react/use-room.ts");
    refuses(`whiteboard/${from}/*.ts`, "../../shared/rooms.ts");
    refuses(`whiteboard/${from}/*.ts`, "../../worker/index.ts");
    refuses(`whiteboard/${from}/*.ts`, "../../backend/index.ts");
    refuses(`whiteboard/${from}/*.ts`, "node:fs");
    refuses(`whiteboard/${from}/*.ts`, "cloudflare:workers");
  }
  for (const from of ["model", "scene", "tools"]) refuses(`whiteboard/${from}/*.ts`, "../../client/index.ts");
  for (const from of ["together", "editor", "ui"]) allows(`whiteboard/${from}/*.ts`, "../../client/index.ts");
  for (const from of ["model", "scene", "tools", "together", "editor"]) refuses(`whiteboard/${from}/*.ts`, "react");
  allows("whiteboard/ui/*.tsx", "react");
  allows("whiteboard/ui/*.tsx", "../../client/react/index.ts");
  refuses("whiteboard/model/*.ts", "../main.tsx");
  refuses("whiteboard/ui/*.tsx", "../novel/x.ts");
  refuses("whiteboard/*.ts", "../client/provider/provider.ts");
  refuses("whiteboard/*.ts", "../shared/rooms.ts");
  allows("whiteboard/*.ts", "../client/index.ts");
  allows("whiteboard/*.ts", "./together/session.ts");

  for (const name of ["window", "document", "navigator", "location", "localStorage"]) {
    const path = plant("whiteboard/model/*.ts", `export const used = ${name};\n`);
    it(`model/ has no ${name}`, () => expect(broken.get(path)).toEqual(["noRestrictedGlobals"]));
  }
});

describe("examples/", () => {
  refuses("examples/notes/*.ts", "../../client/provider/provider.ts");
  refuses("examples/notes/*.ts", "../../client/react/use-room.ts");
  refuses("examples/notes/*.ts", "../../worker/room/room.ts");
  refuses("examples/notes/*.ts", "../../backend/token.ts");
  refuses("examples/notes/*.ts", "../../shared/rooms.ts");
  refuses("examples/notes/*.ts", "../../whiteboard/model/board.ts");
  for (const exported of ["client/index.ts", "client/react/index.ts", "worker/index.ts", "backend/index.ts"])
    allows("examples/notes/*.ts", `../../${exported}`);
});

describe("shared/ and backend/", () => {
  refuses("shared/*.ts", "../worker/room/room.ts");
  refuses("shared/*.ts", "../client/index.ts");
  refuses("shared/*.ts", "../whiteboard/model/board.ts");
  for (const part of ["shared", "backend", "worker", "client", "whiteboard"]) {
    refuses(`${part}/*.ts`, "../examples/notes/notes.ts");
  }
  refuses("backend/*.ts", "../whiteboard/model/board.ts");
  refuses("shared/*.ts", "../backend/index.ts");
  refuses("shared/*.ts", "node:fs");
  refuses("shared/*.ts", "cloudflare:workers");
  allows("shared/*.ts", "./rooms.ts");
  refuses("backend/*.ts", "../worker/room/room.ts");
  refuses("backend/*.ts", "../client/index.ts");
  refuses("backend/*.ts", "cloudflare:workers");
  allows("backend/*.ts", "../shared/rooms.ts");
  allows("backend/*.ts", "node:fs");
});

describe("circles", () => {
  for (const at of ["worker/sync", "client/provider", "whiteboard/editor", "shared"]) {
    const one = plant(
      `${at}/circle-one.ts`,
      `import type { Two } from "./circle-two.ts";\nexport type One = Two | 1;\n`,
    );
    const two = plant(`${at}/circle-two.ts`, `import type { One } from "./circle-one.ts";\nexport type Two = One[];\n`);
    it(`two files of ${at}/ do not import each other, not even a type`, () => {
      for (const path of [one, two]) expect(broken.get(path)).toEqual(["noImportCycles"]);
    });
  }
});
