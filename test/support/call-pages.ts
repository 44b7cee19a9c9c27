import type { Page } from "playwright-core";
import type { CallPageApi } from "../browser/call-page.ts";
import type { TestBrowser } from "./browser.ts";

declare const page: CallPageApi;

/** Lets pages play and call on loopback; what the microphone hears they make themselves. */
export const CALL_FLAGS = [
  "--autoplay-policy=no-user-gesture-required",
  "--allow-loopback-in-peer-connection",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** Hertz, each in the middle of a bin of the analyser, and none a multiple of another. */
export const TONES = [469, 703, 1_055] as const;

/** Decibels of full scale above which a tone is there. */
export const AUDIBLE = -50;

/** Decibels below which there is nothing but what a codec makes of silence. */
export const SILENCE = -75;

type OpenOptions = Partial<Parameters<CallPageApi["open"]>[0]>;

/** A page in a context of its own, connected to a room. Without the permission nothing is gathered. */
export async function openCallPage(
  browser: TestBrowser,
  url: string,
  room: string,
  options: OpenOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ permissions: ["microphone", "camera"] });
  const opened = await browser.open({}, context);
  await opened.evaluate((all) => page.open(all), { url, room, ...options });
  await opened.waitForFunction(() => page.me() !== null);
  return opened;
}

/** Opens pages and lets them join one after the other, each with a tone of its own. */
export async function joined(browser: TestBrowser, url: string, room: string, count: number): Promise<Page[]> {
  const pages = await Promise.all(
    TONES.slice(0, count).map((hertz) =>
      openCallPage(browser, url, room, { devices: { low: hertz, high: hertz * 3 } }),
    ),
  );
  for (const each of pages) await each.evaluate(() => page.join());
  await Promise.all(pages.map((each) => connectedTo(each, count - 1)));
  return pages;
}

/** Waits until a page is connected to so many others, and no more are there. */
export async function connectedTo(opened: Page, count: number, milliseconds = 30_000): Promise<void> {
  await opened.waitForFunction(
    (wanted) => page.peers().length === wanted && page.peers().every(({ state }) => state === "connected"),
    count,
    { timeout: milliseconds },
  );
}

export function idOf(opened: Page): Promise<string> {
  return opened.evaluate(() => page.me() ?? "");
}

/** Waits until one page hears another one's tone. */
export async function hearsTone(opened: Page, from: Page, hertz: number, milliseconds = 15_000): Promise<void> {
  const about = { peer: await idOf(from), hertz, least: AUDIBLE };
  await opened.waitForFunction(
    ({ peer, hertz: tone, least }) => (page.hears(peer, [tone])[0] ?? Number.NEGATIVE_INFINITY) > least,
    about,
    { timeout: milliseconds },
  );
}

/** Waits until one page hears nothing of another one's tone. */
export async function hearsSilence(opened: Page, from: Page, hertz: number): Promise<void> {
  const about = { peer: await idOf(from), hertz, most: SILENCE };
  await opened.waitForFunction(
    ({ peer, hertz: tone, most }) => (page.hears(peer, [tone])[0] ?? Number.NEGATIVE_INFINITY) < most,
    about,
    { timeout: 15_000 },
  );
}

/** Waits until packets go on arriving. */
export async function packetsGoOn(opened: Page, more = 50): Promise<void> {
  const before = await opened.evaluate(() => page.packets());
  await opened.waitForFunction(async (least) => (await page.packets()) >= least, before + more, { timeout: 20_000 });
}
