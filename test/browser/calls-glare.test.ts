import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { TestBrowser } from "../support/browser.ts";
import { CALL_FLAGS } from "../support/call-pages.ts";
import type { CallPageApi } from "./call-page.ts";
import type { HeldOffers } from "./held-offers.ts";

declare const page: CallPageApi;
declare global {
  var pairs: HeldOffers[];
}

/** Pairs in all, half of them with each side's offer first. */
const PAIRS = 50;

/** Pairs at a time: each needs two RTCPeerConnections. */
const AT_A_TIME = 5;

let server: BareRoomServer;
let browser: TestBrowser;

beforeAll(async () => {
  [server, browser] = await Promise.all([
    BareRoomServer.start(),
    TestBrowser.start("test/browser/call-page.ts", CALL_FLAGS),
  ]);
});
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop()]);
});

type Step = "offered" | "heard" | "connected";

const wait = (each: Page, index: number, step: Step) =>
  each.evaluate(([at, what]) => pairs[at]?.[what], [index, step] as const);
const release = (each: Page, index: number) => each.evaluate((at) => pairs[at]?.release(), index);

/** Joins a fresh pair; the first one's offer arrives while the second's is on its way, and the other way round. */
async function connect(first: Page, second: Page, index: number, url: string): Promise<string[]> {
  const sides = [first, second];
  const about = { url, room: `glare/${index}`, index };
  for (const each of sides) {
    each.evaluate(({ url: address, room, index: at }) => {
      pairs[at] = page.holdOffers(address, room);
    }, about);
  }
  await Promise.all(sides.map((each) => each.waitForFunction((at) => pairs[at] !== undefined, index)));
  await Promise.all(sides.map((each) => wait(each, index, "offered")));
  await release(first, index);
  await wait(second, index, "heard");
  await release(second, index);
  await Promise.all(sides.map((each) => wait(each, index, "connected")));
  const problems = await Promise.all(sides.map((each) => each.evaluate((at) => pairs[at]?.problems ?? [], index)));
  await Promise.all(sides.map((each) => each.evaluate((at) => pairs[at]?.leave(), index)));
  return problems.flat();
}

it("both sides of 50 fresh pairs make an offer at once, whichever arrives first, and all connect without an error", async () => {
  const url = await server.url();
  const context = { permissions: ["microphone"] };
  const [one, two] = await Promise.all([
    browser.open({}, await browser.newContext(context)),
    browser.open({}, await browser.newContext(context)),
  ]);
  for (const each of [one, two]) {
    await each.evaluate(() => {
      globalThis.pairs = [];
      page.useTone(469);
    });
  }
  const problems: string[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < PAIRS; index = next++) {
      const [first, second] = index % 2 === 0 ? [one, two] : [two, one];
      problems.push(...(await connect(first, second, index, url)));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  expect(problems).toEqual([]);
  expect(browser.complaints.splice(0)).toEqual([]);
  // One for each side of each pair, and one that the polite side gave up.
  const made = await Promise.all([one, two].map((each) => each.evaluate(() => page.connectionCount())));
  expect(made.reduce((sum, count) => sum + count, 0)).toBe(PAIRS * 3);
}, 120_000);
