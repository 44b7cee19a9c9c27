import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { TestBrowser } from "../support/browser.ts";
import { CALL_FLAGS } from "../support/call-pages.ts";
import type { WebrtcPageApi } from "./webrtc-page.ts";

declare const stock: WebrtcPageApi;

let server: BareRoomServer;
let browser: TestBrowser;
let signaling: string;

beforeAll(async () => {
  [server, browser] = await Promise.all([
    BareRoomServer.start(),
    TestBrowser.start("test/browser/webrtc-page.ts", CALL_FLAGS),
  ]);
  signaling = new URL("/signal/", await server.url()).href;
});
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop()]);
});
afterEach(() => browser.closePages());

/** Two pages that share nothing, not even a channel of the browser. */
async function twoPages(): Promise<[Page, Page]> {
  const open = async () => browser.open({}, await browser.newContext({ permissions: ["microphone"] }));
  return Promise.all([open(), open()]);
}

const read = (page: Page) => page.evaluate(() => stock.read());

it("two stock y-webrtc pages without signaling know nothing of each other", async () => {
  const pages = await twoPages();
  for (const [index, page] of pages.entries()) {
    await page.evaluate((text) => {
      stock.connect("shared", []);
      stock.write(text);
    }, `page ${index}`);
  }
  // Several times what it takes them with signaling.
  await pages[0].waitForTimeout(3_000);
  expect(await Promise.all(pages.map(read))).toEqual(["page 0", "page 1"]);
  expect(await Promise.all(pages.map((page) => page.evaluate(() => stock.peers())))).toEqual([[], []]);
});

it.each([
  ["without a password", undefined],
  ["with a password", "open sesame"],
])("two stock y-webrtc pages, %s, sync a document both ways through the room's signaling", async (_how, password) => {
  const pages = await twoPages();
  const [one, two] = pages;
  const about = [`${signaling}webrtc-${password === undefined ? "open" : "closed"}`, password] as const;
  for (const page of pages) {
    await page.evaluate(([address, secret]) => stock.connect("shared", [address], secret), about);
    // One after the other: stock clients that announce themselves at once may wait for each other for half a minute.
    await page.waitForFunction(() => stock.isSignaling());
  }
  await one.evaluate(() => stock.write("from one"));
  await two.waitForFunction(() => stock.read() === "from one");
  await two.evaluate(() => stock.write("from two, "));
  await one.waitForFunction(() => stock.read() === "from two, from one");
  expect(await Promise.all(pages.map((page) => page.evaluate(() => stock.peers().length)))).toEqual([1, 1]);
});
