import { createHmac } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { TestBrowser } from "../support/browser.ts";
import { CALL_FLAGS, connectedTo, hearsSilence, hearsTone, openCallPage, packetsGoOn } from "../support/call-pages.ts";
import { TurnServer } from "../support/turn-server.ts";
import type { CallPageApi } from "./call-page.ts";

declare const page: CallPageApi;

let turn: TurnServer;
let server: BareRoomServer;
let browser: TestBrowser;

beforeAll(async () => {
  [turn, browser] = await Promise.all([TurnServer.start(), TestBrowser.start("test/browser/call-page.ts", CALL_FLAGS)]);
  server = await BareRoomServer.start({ settings: { TURN_URLS: turn.url, TURN_SECRET: turn.secret } });
}, 180_000);
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop(), turn?.stop()]);
});

it("with `relay` all media goes through coturn by minted credentials, and ends when coturn does", async () => {
  const url = await server.url();
  const relayed = (hertz: number) =>
    openCallPage(browser, url, "relayed", { devices: { only: hertz }, call: { iceTransportPolicy: "relay" } });
  const pages = await Promise.all([relayed(469), relayed(703)]);
  const [one, two] = pages as [Page, Page];
  for (const each of pages) await each.evaluate(() => page.join());
  await Promise.all(pages.map((each) => connectedTo(each, 1)));
  await Promise.all([hearsTone(one, two, 703), hearsTone(two, one, 469), packetsGoOn(one), packetsGoOn(two)]);
  expect(await one.evaluate(() => page.candidateTypes())).toEqual([["relay", "relay"]]);
  expect(await two.evaluate(() => page.candidateTypes())).toEqual([["relay", "relay"]]);
  await one.waitForFunction(() => page.peers()[0]?.quality?.relayed === true);

  const [credentials] = await one.evaluate(() => page.iceServers());
  const hmac = createHmac("sha1", turn.secret).update(credentials?.username ?? "");
  expect(credentials).toMatchObject({ urls: [turn.url], credential: hmac.digest("base64") });
  expect(JSON.stringify(credentials)).not.toContain(turn.secret);

  await turn.stop();
  await Promise.all([hearsSilence(one, two, 703), hearsSilence(two, one, 469)]);
  const before = await one.evaluate(() => page.packets());
  await one.waitForFunction(() => page.state().type === "reconnecting-media", undefined, { timeout: 40_000 });
  expect(await one.evaluate(() => page.packets())).toBe(before);
  expect(await two.evaluate(() => page.me() !== null)).toBe(true);
});
