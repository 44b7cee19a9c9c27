import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build as buildWithEsbuild } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { build as buildWithVite, type Rollup } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PackedApp, run } from "../support/packed-app.ts";

const PEERS = ["yjs", "y-protocols", "lib0"];
/** What the package and its peers need themselves. */
const INNER = ["hono", "jose", "valibot", "isomorphic.js"];
const REACT = ["react", "react-dom", "scheduler", "@types/react", "@types/react-dom", "csstype"];

const page = (from: string, provider: string) => `
import { ${provider} } from "${from}";
import * as Y from "yjs";
const doc = new Y.Doc();
const provider = new ${provider}("ws://localhost:8787/rooms", "notes/today", doc);
Object.assign(globalThis, { doc, provider });
`;

let app: PackedApp;

beforeAll(async () => {
  app = await PackedApp.create();
  await app.install(...PEERS, ...INNER, "y-websocket");
  app.write("src/page.ts", page("roomful/client", "RoomProvider"));
  app.write("src/stock-page.ts", page("y-websocket", "WebsocketProvider"));
  app.write("src/alone.ts", `import * as all from "roomful/client"; globalThis.kept = all;`);
}, 180_000);
afterAll(() => app?.remove());

/** The first snippet in a language that docs/client.md shows of the package's entries. */
function snippet(language: string): string {
  const snippets = readFileSync("docs/client.md", "utf8").matchAll(
    new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "g"),
  );
  const found = [...snippets].map(([, text]) => text ?? "").find((text) => text.includes('from "roomful/'));
  if (found === undefined) throw new Error(`docs/client.md has no such snippet in ${language}`);
  return found;
}

/** What Vite builds of one script of the app. */
async function viteBuild(script: string, external: string[] = []): Promise<Rollup.OutputChunk[]> {
  const built = await buildWithVite({
    root: app.folder,
    configFile: false,
    logLevel: "silent",
    build: { write: false, rolldownOptions: { input: join(app.folder, script), external } },
  });
  const outputs = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
  return outputs.filter((file) => file.type === "chunk");
}

/** Bytes when compressed. Chunks that are loaded later only are left out. */
function gzipSize(chunks: readonly Rollup.OutputChunk[]): number {
  const atOnce = chunks.filter(({ isDynamicEntry }) => !isDynamicEntry);
  return atOnce.reduce((size, { code }) => size + gzipSync(code, { level: 9 }).length, 0);
}

it("an app in which nothing but the package and its peers is installed builds with Vite, and holds no Worker", async () => {
  const [chunks, all] = [await viteBuild("src/page.ts"), await viteBuild("src/alone.ts")];
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
  expect(modules.some((id) => id.endsWith("/roomful/dist/client/provider/provider.js"))).toBe(true);
  const everything = [...modules, ...all.flatMap(({ moduleIds }) => moduleIds)];
  expect(
    everything.filter((id) => /roomful\/dist\/(worker|backend|client\/react)|hono|jose|cloudflare|react/.test(id)),
  ).toEqual([]);
  expect(modules.filter((id) => /\/yjs\//.test(id))).toHaveLength(1);
  const code = chunks.map((chunk) => chunk.code).join("");
  expect(code.split("Yjs was already imported")).toHaveLength(2);
});

it("it builds with esbuild, as wrangler does for Workers, without the optional peers", async () => {
  const { warnings } = await buildWithEsbuild({
    entryPoints: [join(app.folder, "src/page.ts")],
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
});

it("the client is small", async () => {
  app.write("src/provider-alone.ts", `import { RoomProvider } from "roomful/client"; globalThis.kept = RoomProvider;`);
  app.write(
    "src/stock-alone.ts",
    `import { WebsocketProvider } from "y-websocket"; globalThis.kept = WebsocketProvider;`,
  );
  const external = [/^(yjs|y-protocols|lib0)(\/|$)/] as unknown as string[];
  const sizes = {
    "roomful/client, all of it, peers apart": gzipSize(await viteBuild("src/alone.ts", external)),
    "RoomProvider, peers apart": gzipSize(await viteBuild("src/provider-alone.ts", external)),
    "y-websocket, peers apart": gzipSize(await viteBuild("src/stock-alone.ts", external)),
    "a page with RoomProvider and Yjs": gzipSize(await viteBuild("src/page.ts")),
    "a page with y-websocket and Yjs": gzipSize(await viteBuild("src/stock-page.ts")),
  };
  for (const [what, bytes] of Object.entries(sizes)) console.log(`${bytes.toLocaleString("en")} bytes gzip: ${what}`);
  expect(sizes["RoomProvider, peers apart"]).toBeLessThan(27_000);
  expect(sizes["a page with RoomProvider and Yjs"]).toBeLessThan(sizes["a page with y-websocket and Yjs"] + 25_000);
});

it.each([
  ["a bundler's", { module: "preserve", moduleResolution: "bundler" }],
  ["Node's", { module: "nodenext", moduleResolution: "nodenext" }],
])("the installed types are strict under %s resolution", async (_whose, options) => {
  const text = `
import { RoomProvider, RoomfulError, type Rejection, type SavedState } from "roomful/client";
import * as Y from "yjs";
const provider: RoomProvider = new RoomProvider("ws://localhost/rooms", "a", new Y.Doc(), { offline: true });
provider.on("saved-state", (saved: SavedState) => { if (saved.state === "rejected") saved.code satisfies string; });
provider.on("rejected", (rejection: Rejection) => rejection.update.byteLength);
// @ts-expect-error there is no such event
provider.on("no-such-event", () => {});
// @ts-expect-error a room has a name
new RoomProvider("ws://localhost/rooms", 1, new Y.Doc());
export const saved: Promise<void> = provider.whenSaved();
export const isCoded = (error: unknown) => error instanceof RoomfulError && error.code;
`;
  app.write("src/types.ts", text);
  await app.check(["src/types.ts"], { ...options, lib: ["es2024", "dom"] });
});

it("the command and the helper of the package make tokens, and the helper's types are strict", async () => {
  const text = `
import { mintToken, RoomfulError } from "roomful/token";
const key = { secret: "a secret of 32 bytes, or some more" };
export const token: Promise<string> = mintToken(key, { room: "notes/*", role: "viewer", subject: "ada" });
export const list = mintToken(key, { room: "*", capabilities: ["read"], expiresIn: 60, jurisdiction: "eu" });
// @ts-expect-error no such role
mintToken(key, { room: "a", role: "owner" });
// @ts-expect-error neither role nor capabilities
mintToken(key, { room: "a" });
// @ts-expect-error a private key needs its algorithm
mintToken({ privateKey: "" }, { room: "a", role: "viewer" });
export const isCoded = (error: unknown) => error instanceof RoomfulError && error.code;
`;
  app.write("src/token.ts", text);
  await app.check(["src/token.ts"], { module: "nodenext", moduleResolution: "nodenext", lib: ["es2024", "dom"] });
  app.write(
    "token.js",
    `import { mintToken } from "roomful/token";
console.log(await mintToken({ secret: process.env.TOKEN_SECRET }, { room: "a", role: "viewer" }));`,
  );
  process.env.TOKEN_SECRET = "a secret of 32 bytes, or some more";
  const jwt = /^[\w-]+\.[\w-]+\.[\w-]+\n$/;
  expect(await run(process.execPath, ["token.js"], app.folder)).toMatch(jwt);
  const command = [
    "exec",
    "--offline",
    "--loglevel=error",
    "--",
    "roomful",
    "token",
    "--room",
    "a",
    "--role",
    "viewer",
  ];
  expect(await run("npm", command, app.folder)).toMatch(jwt);
});

it("publint and are-the-types-wrong find nothing", async () => {
  await run("publint", ["run", app.tarball, "--strict"], ".");
  await run("attw", [app.tarball, "--profile", "esm-only"], ".");
});

it("the package holds what it is compiled to, its documents, and nothing else", () => {
  const files = globSync("**/*.*", { cwd: join(app.folder, "node_modules/roomful") });
  const expected =
    /^(dist\/(backend|client|shared|worker)\/[\w/-]+(\.js|\.d\.ts)|docs\/[\w-]+\.md|docs\/img\/[\w-]+\.(svg|png)|(README|CHANGELOG)\.md|package\.json)$/;
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !expected.test(file.replaceAll("\\", "/")) || file.includes("test"))).toEqual([]);
});

it("the Worker of docs/client.md serves a client of the package", async () => {
  app.write("worker.js", snippet("js"));
  const config = readFileSync("wrangler.toml", "utf8").replace(/^main = .*$/m, 'main = "worker.js"');
  // A table ends at an empty line, with what is said of it before.
  app.write("wrangler.toml", config.replaceAll(/^(?:#.*\n)*\[(?:assets|build)\]\n(?:.+\n)*/gm, ""));
  await run("wrangler", ["deploy", "--dry-run", "--outdir", "built"], app.folder);
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      modulesRoot: join(app.folder, "built"),
      scriptPath: join(app.folder, "built/worker.js"),
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["nodejs_compat"],
      bindings: { AUTH: "open", LOG_LEVEL: "error" },
      durableObjects: { ROOMS: { className: "Room", useSQLite: true } },
      cf: false,
    }),
  );
  try {
    const { host } = await worker.ready;
    const script = `
import { RoomProvider } from "roomful/client";
import * as Y from "yjs";
const [one, two] = [1, 2].map(() => {
  const doc = new Y.Doc();
  return { doc, provider: new RoomProvider("ws://${host}/rooms", "packed", doc, { disableBc: true }) };
});
const text = two.doc.getText("text");
const arrived = new Promise((resolve) => text.observe(resolve));
one.doc.getText("text").insert(0, "hello");
await Promise.all([arrived, one.provider.whenSaved()]);
console.log(String(text), one.provider.saved.state);
process.exit();
`;
    app.write("client.js", script);
    expect(await run(process.execPath, ["client.js"], app.folder)).toBe("hello saved\n");
  } finally {
    await worker.dispose();
  }
});

it("the hooks, as docs/client.md shows them, type-check and build where React is installed", async () => {
  await app.install(...REACT);
  app.write("src/notes.tsx", snippet("tsx"));
  const text = `
import { createRoot } from "react-dom/client";
import { usePresence } from "roomful/react";
import { Notes } from "./notes.tsx";
export function Other() {
  // @ts-expect-error a name is text
  return usePresence<{ name: string }>(null).setPresence({ name: 1 });
}
const element = document.querySelector("#app");
if (element !== null) createRoot(element).render(<Notes room="notes/today" />);
`;
  app.write("src/app.tsx", text);
  await app.check(["src/app.tsx"], {
    module: "preserve",
    moduleResolution: "bundler",
    jsx: "react-jsx",
    allowImportingTsExtensions: true,
    lib: ["es2024", "dom"],
  });
  const modules = (await viteBuild("src/app.tsx")).flatMap(({ moduleIds }) => moduleIds);
  expect(modules.filter((id) => /\/yjs\//.test(id))).toHaveLength(1);
  expect(modules.filter((id) => /\/react\/cjs\/react\./.test(id))).toHaveLength(1);
});
