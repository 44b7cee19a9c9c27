import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { Server } from "../support/server.ts";
import type { PageApi } from "./page-script.ts";

declare const roomfulTest: PageApi;
declare global {
  var opened: ReturnType<PageApi["provide"]>;
}

let server: Server;
let closedServer: Server;
let browser: Browser;
let script: string;
const complaints: string[] = [];

beforeAll(async () => {
  [server, closedServer] = await Promise.all([Server.start(), Server.start("AUTH:token")]);
  const bundle = await build({
    entryPoints: ["test/browser/page-script.ts"],
    bundle: true,
    write: false,
    format: "iife",
  });
  script = bundle.outputFiles[0]?.text ?? "";
  browser = await chromium.launch({
    executablePath: inject("browserPath"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([server?.stop(), closedServer?.stop()]);
});

/** A page in a browser context of its own, so that pages share nothing but the server. */
async function newPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.on("console", (message) => {
    const isIcon = message.location().url.endsWith("/favicon.ico");
    if (message.type() === "error" && !isIcon) complaints.push(message.text());
  });
  await page.goto(server.url.replace(/^ws/, "http").replace(/rooms$/, "healthz"));
  await page.addScriptTag({ content: script });
  return page;
}

it("[PROTO-3] a page can read why it was refused, whether it offered a subprotocol or not", async () => {
  const page = await newPage();
  const ends = await page.evaluate(
    async ([rooms, closedRooms]) => [
      await roomfulTest.openSocket(`${rooms}/a//b`, ["roomful.v1"]),
      await roomfulTest.openSocket(`${rooms}/a//b`, []),
      await roomfulTest.openSocket(`${closedRooms}/room`, ["roomful.bearer.secret", "y-websocket"]),
    ],
    [server.url, closedServer.url] as const,
  );
  expect(ends).toEqual([
    { code: 4400, reason: expect.stringMatching(/^bad-room-name: /), protocol: "roomful.v1" },
    { code: 4400, reason: expect.stringMatching(/^bad-room-name: /), protocol: "" },
    { code: 4401, reason: expect.stringMatching(/^unauthorized: /), protocol: "y-websocket" },
  ]);
});

it("two pages in separate contexts edit one document through stock y-websocket, and see each other leave", async () => {
  const [one, two] = await Promise.all([newPage(), newPage()]);
  for (const page of [one, two]) {
    await page.evaluate((url) => {
      globalThis.opened = roomfulTest.provide(url, "browser/pages");
    }, server.url);
  }
  await one.evaluate(() => {
    opened.text.insert(0, "hello from a page");
    opened.awareness.setLocalStateField("user", { name: "one" });
  });
  await two.waitForFunction(() => opened.text.toString() === "hello from a page");
  await two.waitForFunction(() => [...opened.awareness.getStates().values()].some(({ user }) => user?.name === "one"));
  await one.close();
  await two.waitForFunction(() => opened.awareness.getStates().size === 1, undefined, { timeout: 2_000 });
  expect(complaints).toEqual([]);
});
