import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { TestBrowser } from "../support/browser.ts";
import { Server } from "../support/server.ts";
import type { ReactPageApi } from "./react-page.tsx";

declare const app: ReactPageApi;

let server: Server;
let browser: TestBrowser;
let rooms = 0;
const freshRoom = () => `react/${++rooms}`;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), TestBrowser.start("test/browser/react-page.tsx")]);
});
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop()]);
});
afterEach(() => {
  expect(browser.complaints.splice(0)).toEqual([]);
});

const open = (name = "one") => browser.open({ url: server.url, name });
const show = (page: Page, room: string | null) =>
  page.evaluate((wanted) => app.show(wanted === null ? null : { room: wanted }), room);
const shows = (page: Page, text: string) => page.getByText(text, { exact: true }).waitFor();
const live = (page: Page) => page.evaluate(() => app.live());
/** Enough turns for whatever would still happen. */
const settle = (page: Page) => page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));

it("a mount under StrictMode opens one socket, and an unmount closes it and renders nothing more", async () => {
  const [page, other] = await Promise.all([open("one"), open("two")]);
  const room = freshRoom();
  await show(page, room);
  await shows(page, `${room}: saved 0 with []`);
  expect([await page.evaluate(() => app.made()), await live(page)]).toEqual([1, [`${server.url}/${room}`]]);

  await show(other, room);
  await shows(page, `${room}: saved 0 with [two]`);
  await shows(other, `${room}: saved 0 with [one]`);
  for (const each of [page, other]) await each.getByTitle("2 connected").waitFor();
  await page.evaluate(() => app.unmount());
  await other.getByTitle("1 connected").waitFor();
  await shows(other, `${room}: saved 0 with []`);
  const rendered = await page.evaluate(() => app.renders());
  await other.evaluate(() => app.write("after"));
  await settle(page);
  expect([await page.evaluate(() => app.renders()), await live(page)]).toEqual([rendered, []]);
});

it("another room is another document and socket, and no render is given one room's for the other's", async () => {
  const page = await open();
  const [first, second] = [freshRoom(), freshRoom()];
  await show(page, first);
  await shows(page, `${first}: saved 0 with []`);
  await page.evaluate(() => app.write("first"));
  await shows(page, `${first}: saved 0 with []`);
  await show(page, second);
  await shows(page, `${second}: saved 0 with []`);
  expect(await page.evaluate(() => app.read())).toBe("");
  expect([await page.evaluate(() => app.made()), await live(page)]).toEqual([2, [`${server.url}/${second}`]]);
  await show(page, first);
  await page.waitForFunction(() => app.read() === "first");
  expect(await page.evaluate(() => app.strayRenders())).toBe(0);
});

it.each([
  ["in one turn", false],
  ["turn by turn", true],
])("rapid toggling between rooms and nothing, %s, ends with one live socket, or none", async (_how, waits) => {
  const page = await open();
  const [first, second] = [freshRoom(), freshRoom()];
  const toggle = (last: string | null) =>
    page.evaluate(
      async ({ names, final, isSlow }) => {
        for (let round = 0; round < 30; round++) {
          const room = names[round % 3];
          app.show(room === undefined ? null : { room });
          if (isSlow) await new Promise((resolve) => setTimeout(resolve, round % 5));
        }
        app.show(final === null ? null : { room: final });
      },
      { names: [first, second], final: last, isSlow: waits },
    );
  await toggle(second);
  await shows(page, `${second}: saved 0 with []`);
  expect(await live(page)).toEqual([`${server.url}/${second}`]);
  if (!waits) expect(await page.evaluate(() => app.made())).toBe(1);
  await toggle(null);
  await settle(page);
  expect(await live(page)).toEqual([]);
  expect(await page.evaluate(() => app.strayRenders())).toBe(0);
});

it("a hidden component leaves the room, and comes back when it is shown", async () => {
  const page = await open();
  const room = freshRoom();
  await show(page, room);
  await shows(page, `${room}: saved 0 with []`);
  await page.evaluate((name) => app.show({ room: name, isHidden: true }), room);
  await page.waitForFunction(() => app.live().length === 0);
  await page.evaluate((name) => app.show({ room: name }), room);
  await page.waitForFunction(() => app.live().length === 1);
  await shows(page, `${room}: saved 0 with []`);
  await page.evaluate(() => app.write("back"));
  expect(await page.evaluate(() => app.read())).toBe("back");
  expect(await page.evaluate(() => app.strayRenders())).toBe(0);
});

it("what is unsaved is counted, and the count of another room starts anew", async () => {
  const page = await open();
  const [first, second] = [freshRoom(), freshRoom()];
  await page.evaluate(() => app.setOptions({ connect: false }));
  await show(page, first);
  await page.waitForFunction(() => app.read() === "");
  await page.evaluate(() => app.write("hello"));
  await shows(page, `${first}: offline 5 with []`);
  await show(page, second);
  await shows(page, `${second}: offline 0 with []`);
  expect(await page.evaluate(() => app.made())).toBe(0);
});

it("others are the same list until one of them changes", async () => {
  const [page, other] = await Promise.all([open("one"), open("two")]);
  const room = freshRoom();
  await show(page, room);
  await show(other, room);
  await shows(page, `${room}: saved 0 with [two]`);
  await shows(other, `${room}: saved 0 with [one]`);
  const before = await page.evaluate(() => app.othersSeen());
  await page.evaluate(() => app.setPresence({ name: "renamed" }));
  await page.evaluate(() => app.write("and renders for another reason"));
  await shows(other, `${room}: saved 0 with [renamed]`);
  await shows(page, `${room}: saved 0 with [two]`);
  expect(await page.evaluate(() => app.othersSeen())).toBe(before);
  await other.evaluate(() => app.setPresence({ name: "three" }));
  await shows(page, `${room}: saved 0 with [three]`);
  expect(await page.evaluate(() => app.othersSeen())).toBe(before + 1);
});

it("a bad room name reaches an error boundary, and opens nothing", async () => {
  const page = await open();
  await show(page, "a//b");
  await page.getByText(/^refused: /).waitFor();
  expect(await page.evaluate(() => app.made())).toBe(0);
  // React tells each caught error in the console.
  expect(browser.complaints.splice(0)).toEqual([expect.stringContaining("RoomfulError")]);
});
