// Builds the whiteboard's page into .cache/page, unless what is there is newer than all that it is made of. wrangler runs
// this before it serves or deploys (`[build]` in wrangler.toml), and the tests before they start their servers.
import { existsSync, globSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, ".cache/page");
/** Written last: its time is that of the whole build. */
const stamp = join(root, ".cache/page.stamp");

function isStale() {
  if (!existsSync(stamp) || !existsSync(join(page, "index.html"))) return true;
  const built = statSync(stamp).mtimeMs;
  const sources = globSync(["client/**/*", "shared/**/*", "package-lock.json", "scripts/build-page.mjs"], {
    cwd: root,
  });
  return sources.some((source) => statSync(join(root, source)).mtimeMs > built);
}

export async function buildPage() {
  if (!isStale()) return;
  const { build } = await import("vite");
  const fresh = `${page}.${process.pid}`;
  // What is edited while it is built makes it stale again.
  const began = new Date();
  await build({
    configFile: false,
    root: join(root, "client/whiteboard"),
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
    },
  });
  rmSync(page, { recursive: true, force: true });
  mkdirSync(dirname(page), { recursive: true });
  renameSync(fresh, page);
  writeFileSync(stamp, `${began.toISOString()}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
