import { afterAll, beforeAll, expect, it } from "vitest";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { TestBrowser } from "../support/browser.ts";
import { CALL_FLAGS, connectedTo, openCallPage } from "../support/call-pages.ts";
import type { CallPageApi } from "./call-page.ts";

declare const page: CallPageApi;

let server: BareRoomServer;
let browser: TestBrowser;

beforeAll(async () => {
  const flags = CALL_FLAGS.filter((flag) => !flag.startsWith("--autoplay-policy"));
  [server, browser] = await Promise.all([
    BareRoomServer.start(),
    TestBrowser.start("test/browser/call-page.ts", [...flags, "--autoplay-policy=document-user-activation-required"]),
  ]);
});
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop()]);
});

it("a page on which nobody clicked is told that its sound is blocked, and plays after a click", async () => {
  const url = await server.url();
  const speaker = await openCallPage(browser, url, "autoplay", { isReal: true });
  await speaker.evaluate(() => page.join());
  // Who speaks may play: only a listener is blocked.
  const context = await browser.newContext({ permissions: ["microphone"] });
  const listener = await browser.open({ url, room: "autoplay" }, context);
  await connectedTo(speaker, 1);
  await listener.waitForFunction(() => page.playback() === "blocked");
  await listener.evaluate(() => document.addEventListener("click", () => page.resumePlayback()));
  await listener.mouse.click(10, 10);
  await listener.waitForFunction(() => page.playback() === "playing" && page.isPlaying());
  expect(await speaker.evaluate(() => page.playback())).toBe("playing");
});
