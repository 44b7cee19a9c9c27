// Builds the whiteboard's page into .cache/page, unless what is there is newer than all that it is made of. wrangler runs
// this before it serves or deploys (`[build]` in wrangler.toml), and the tests before they start their servers.
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, ".cache/page");
/** Written last: its time is that of the whole build. */
const stamp = join(root, ".cache/page.stamp");

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

function isStale() {
  if (!existsSync(stamp) || !existsSync(join(page, "index.html"))) return true;
  const built = statSync(stamp).mtimeMs;
  const sources = [
    ...["whiteboard", "client", "shared"].flatMap((folder) => filesIn(join(root, folder))),
    ...["package-lock.json", "scripts/build-page.mjs"].map((file) => join(root, file)),
  ];
  return sources.some((source) => statSync(source).mtimeMs > built);
}

/** It keeps the page's files, and so has to know their names; another one of them makes it another worker. */
function writeServiceWorker(folder) {
  const files = filesIn(folder).sort();
  const digest = createHash("sha256");
  for (const file of files) digest.update(file).update(readFileSync(file));
  // Not the headers, which nobody can ask for.
  const names = files
    .map((file) => `/${relative(folder, file).replaceAll("\\", "/")}`)
    // As it is served: the name itself is redirected to that, and what was redirected can't be shown for another address.
    .map((name) => (name === "/index.html" ? "/" : name))
    .filter((name) => name !== "/_headers");
  const code = readFileSync(join(root, "whiteboard/service-worker.js"), "utf8");
  const head = `const VERSION = "roomful-page-${digest.digest("hex").slice(0, 16)}";\nconst FILES = ${JSON.stringify(names)};\n`;
  writeFileSync(join(folder, "service-worker.js"), head + code);
}

export async function buildPage() {
  if (!isStale()) return;
  // Tests set it to another value, and would get a page for developers, without the worker that keeps it offline.
  process.env.NODE_ENV = "production";
  const { build } = await import("vite");
  const fresh = `${page}.${process.pid}`;
  // What is edited while it is built makes it stale again.
  const began = new Date();
  await build({
    configFile: false,
    root: join(root, "whiteboard"),
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic" } },
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: "es2022",
      // The strict Content-Security-Policy allows no data: URL but for images.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1_000,
      // Directives for servers that render React, which there are none of.
      rolldownOptions: { onLog: (level, log, report) => log.code === "MODULE_LEVEL_DIRECTIVE" || report(level, log) },
    },
  });
  writeServiceWorker(fresh);
  // Into the folder that is there: a server watches it, and would not see another one in its place.
  cpSync(fresh, page, { recursive: true });
  for (const file of filesIn(page)) if (!existsSync(join(fresh, relative(page, file)))) rmSync(file);
  rmSync(fresh, { recursive: true });
  writeFileSync(stamp, `${began.toISOString()}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
