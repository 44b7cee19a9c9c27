import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { Server } from "../support/server.ts";

const readme = readFileSync("README.md", "utf8");
// Beside node_modules, where the README has it written.
const SCRIPT = "two-clients.test-copy.mjs";
afterAll(() => rmSync(SCRIPT, { force: true }));

it("the README's two clients edit one document, before and after a kill -9 and a restart", async () => {
  const script = /cat > two-clients\.mjs <<'END'\n([\s\S]*?)\nEND\n/.exec(readme)?.[1];
  if (script === undefined) throw new Error("the README has no such script");
  expect(script.split("\n").length).toBeLessThanOrEqual(10);
  const server = await Server.start();
  try {
    writeFileSync(SCRIPT, script.replaceAll("localhost:8787", `localhost:${server.port}`));
    const run = async () => (await promisify(execFile)(process.execPath, [SCRIPT])).stdout;
    expect(await run()).toMatch(/^two reads: Hello at [^.]+\. \n$/);
    await server.kill();
    await server.restart();
    expect(await run()).toMatch(/two reads: Hello at [^.]+\. Hello at [^.]+\. \n$/);
  } finally {
    await server.stop();
  }
});

it("the README's example for Workers is the one that is tested", () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]?.trim() ?? "absent";
  const tested = readFileSync("test/room/readme.test.ts", "utf8").replaceAll(/^ {2}/gm, "");
  expect(tested).toContain(example);
});
