import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// Nothing here may leave the machine.
process.env.WRANGLER_SEND_METRICS = "false";
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";

/** Several files run at a time on machines with two cores: a test that was only late is tried once more. `scripts/check.mjs` bounds how many. */
const RETRIES = 1;

/** Tests of the worker that ask real servers in this process. */
const NEEDS_NODE = ["worker/calls/ice-servers.test.ts", "worker/access/key-set.test.ts"];

export default defineConfig({
  test: {
    // The rooms' own log lines: tests that damage a room would fill the screen with them.
    onConsoleLog: (line) => !line.startsWith('{"level":'),
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "shared/**/*.test.ts",
            "client/**/*.test.ts",
            "whiteboard/**/*.test.ts",
            ...NEEDS_NODE,
            "backend/**/*.test.ts",
            "bench/load/**/*.test.ts",
            "bench/report/**/*.test.ts",
            "test/unit/**/*.test.ts",
          ],
          testTimeout: 30_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { AUTH: "open", LOG_LEVEL: "error" } },
          }),
        ],
        test: {
          name: "workerd",
          retry: RETRIES,
          include: ["worker/**/*.test.ts", "test/room/**/*.test.ts"],
          exclude: NEEDS_NODE,
          globalSetup: ["test/support/page-setup.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          retry: RETRIES,
          include: ["test/e2e/**/*.test.ts", "bench/e2e/**/*.test.ts"],
          globalSetup: ["test/support/page-setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "torture",
          include: ["test/torture/**/*.test.ts"],
          globalSetup: ["test/support/page-setup.ts"],
          testTimeout: 3_600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "browser",
          retry: RETRIES,
          include: ["test/browser/**/*.test.ts"],
          globalSetup: ["test/support/page-setup.ts", "test/browser/setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
