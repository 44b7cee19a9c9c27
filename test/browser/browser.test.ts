import { afterAll, beforeAll, expect, it } from "vitest";
import { OTHER_SITE, TestBrowser } from "../support/browser.ts";
import { Server } from "../support/server.ts";
import type { PageApi } from "./page-script.ts";

declare const roomfulTest: PageApi;
declare global {
  var opened: ReturnType<PageApi["provide"]>;
}

let server: Server;
let closedServer: Server;
let browser: TestBrowser;

beforeAll(async () => {
  [server, closedServer, browser] = await Promise.all([
    Server.start(),
    Server.start("AUTH:token"),
    TestBrowser.start("test/browser/page-script.ts"),
  ]);
});

afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop(), closedServer?.stop()]);
});

it("[PROTO-3] a page can read why it was refused, whether it offered a subprotocol or not", async () => {
  const page = await browser.open();
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
    { code: 4401, reason: expect.stringMatching(/^tokens-not-configured: /), protocol: "y-websocket" },
  ]);
});

it("[ORIGIN-1] [HTTP-5] a page of another site reaches no room of an open server on this machine, and is told why", async () => {
  const page = await browser.open({}, undefined, browser.origin.replace("127.0.0.1", OTHER_SITE));
  const own = await browser.open();
  const state = `${server.url.replace("ws:", "http:").replace("/rooms", "/api/rooms")}/browser/state-vector`;
  const read = (url: string) =>
    fetch(url).then(
      ({ status }) => status,
      () => "kept from the page",
    );
  expect(
    await page.evaluate(([url]) => roomfulTest.openSocket(`${url}/browser`, ["roomful.v1"]), [server.url]),
  ).toEqual({
    code: 4403,
    reason: expect.stringMatching(/^origin-not-allowed: .*ALLOWED_ORIGINS/),
    protocol: "roomful.v1",
  });
  expect(await page.evaluate(read, state)).toBe("kept from the page");
  expect(await own.evaluate(read, state)).toBe(200);
  expect(browser.complaints.splice(0).join()).toContain("CORS");
});

it("two pages in separate contexts edit one document through stock y-websocket, and see each other leave", async () => {
  const [one, two] = await Promise.all([browser.open(), browser.open()]);
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
  await two.waitForFunction(() => opened.awareness.getStates().size === 1, undefined, { timeout: 10_000 });
  expect(browser.complaints).toEqual([]);
});
