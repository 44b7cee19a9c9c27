import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { BoardBrowser, countPixels, drag, press, statusOf, untilStatus } from "../support/board-browser.ts";
import { BoardReader } from "../support/board-reader.ts";
import { Server } from "../support/server.ts";

const WITHIN = { timeout: 20_000 };
const INK = [29, 29, 34] as const;

let browser: BoardBrowser;
let server: Server;
let viewers: Server;
let closed: Server;
let small: Server;

beforeAll(async () => {
  browser = await BoardBrowser.start();
  server = await Server.start();
  [viewers, closed, small] = await Promise.all([
    Server.start("OPEN_ROLE:viewer"),
    Server.start("AUTH:token"),
    Server.start("MAX_DOCUMENT_BYTES:12000"),
  ]);
}, 120_000);
afterAll(async () => {
  await browser?.stop();
  await Promise.all([server, viewers, closed, small].map((each) => each?.stop()));
});

beforeEach(() => {
  browser.complaints.length = 0;
  browser.networkComplaints.length = 0;
});

const boardOf = ({ port }: Server, room = `test-${randomUUID()}`) => `http://127.0.0.1:${port}/${room}`;

/** Notes every state that the light goes through from now on. */
async function watchLight(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(() => {
    const light = document.querySelector<HTMLElement>("[data-status]");
    const seen: string[] = [];
    const note = () => seen.push(light?.dataset.status ?? "");
    if (light !== null) new MutationObserver(note).observe(light, { attributes: true });
    Object.assign(globalThis, { seenStates: seen });
  });
  return () => page.evaluate(() => (globalThis as unknown as { seenStates: string[] }).seenStates);
}

async function paste(page: Page, ...texts: string[]): Promise<void> {
  await page.evaluate((given) => {
    for (const text of given) {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }
  }, texts);
}

const ink = (page: Page, y: number) => countPixels(page, "still", [90, y - 10, 220, 20], INK);
const line = (y: number): [number, number][] => [
  [100, y],
  [200, y],
  [300, y],
];

it("what is drawn offline survives a reload offline, arrives later, and a killed server loses nothing", async () => {
  const room = `test-${randomUUID()}`;
  const [ones, others] = [await browser.newContext(), await browser.newContext()];
  const [one, other] = [
    await browser.open(boardOf(server, room), ones),
    await browser.open(boardOf(server, room), others),
  ];
  await Promise.all([untilStatus(one, "saved"), untilStatus(other, "saved")]);
  const light = await watchLight(one);
  await drag(one, line(100));
  await expect.poll(() => ink(other, 100), WITHIN).toBeGreaterThan(300);
  await untilStatus(one, "saved");
  expect(await light()).toContain("saving");
  await one.evaluate(() => navigator.serviceWorker.ready);

  // The other one is in the middle of a stroke.
  await press(other, [
    [100, 400],
    [200, 400],
  ]);
  await server.kill();
  await drag(one, line(200));
  await untilStatus(one, "offline");
  expect(await light()).toContain("reconnecting");
  expect(await statusOf(one)).toMatch(/^Offline: \d+ changes kept on this device$/);
  await one.reload();
  await one.locator(".tools").waitFor();
  await expect.poll(() => ink(one, 200), WITHIN).toBeGreaterThan(300);
  expect(await ink(one, 100)).toBeGreaterThan(300);
  await drag(one, line(300));
  await untilStatus(one, "offline");
  const counts = /\d+/.exec(await statusOf(one));
  expect(Number(counts?.[0])).toBeGreaterThanOrEqual(2);

  await server.restart();
  await other.mouse.move(300, 400, { steps: 4 });
  await other.mouse.up();
  for (const page of [one, other]) {
    await untilStatus(page, "saved");
    for (const y of [100, 200, 300, 400]) await expect.poll(() => ink(page, y), WITHIN).toBeGreaterThan(300);
  }
  const reader = await BoardReader.open(server, room);
  expect(reader.board.shapes).toHaveLength(4);
  reader.close();
  await Promise.all([ones.close(), others.close()]);
  expect(browser.complaints).toEqual([]);
}, 180_000);

it("who may not write is told so, and has no tools to draw with", async () => {
  const page = await browser.open(boardOf(viewers));
  await untilStatus(page, "read-only");
  expect(await statusOf(page)).toBe("Read-only");
  expect(await page.getByRole("button", { name: "Pen" }).count()).toBe(0);
  await page.keyboard.press("p");
  await drag(page, line(200));
  await paste(page, "hello");
  expect(await ink(page, 200)).toBe(0);
  await page.locator(".status-text").click();
  await page.getByText("You may look at this board, but not change it.").waitFor();
  await page.close();
  expect([browser.complaints, browser.networkComplaints]).toEqual([[], []]);
});

it("a room that closes for good says why; a token goes there in no URL, and is not in the link", async () => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const claims = Buffer.from(JSON.stringify({ sub: "ada" })).toString("base64url");
  const token = `e30.${claims}.c2ln`;
  const page = await context.newPage();
  const urls: string[] = [];
  page.on("request", (request) => urls.push(request.url()));
  page.on("websocket", (socket) => urls.push(socket.url()));
  const handshakes: string[] = [];
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  network.on("Network.webSocketWillSendHandshakeRequest", ({ request }) =>
    handshakes.push(request.headers["Sec-WebSocket-Protocol"] ?? ""),
  );
  const url = boardOf(closed);
  await page.goto(`${url}#token=${token}`);
  await untilStatus(page, "ended");
  expect(await statusOf(page)).toBe("Server not set up");
  expect(urls.filter((each) => each.startsWith("ws"))).toHaveLength(1);
  expect(urls.filter((each) => new URL(each).pathname.includes(token) || each.includes(claims))).toEqual(
    urls.filter((each) => each === `${url}#token=${token}`),
  );
  expect(handshakes).toEqual([`roomful.v1, roomful.bearer.${token}`]);
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(url);
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => handshakes.length, WITHIN).toBe(2);
  await untilStatus(page, "ended");
  await context.close();
});

it("a full room says so; what it refused can be copied out, and the board goes on", async () => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const room = `test-${randomUUID()}`;
  const page = await browser.open(boardOf(small, room), context);
  await untilStatus(page, "saved");
  await drag(page, line(100));
  await untilStatus(page, "saved");
  // At once, before the first that does not fit is refused.
  await paste(page, ...["a", "b", "c", "d"].map((letter) => letter.repeat(4_000)));
  const dialog = page.getByRole("dialog", { name: "A change was not accepted" });
  await dialog.waitFor();
  await dialog.getByText("This board is full").waitFor();
  await dialog.getByRole("button", { name: "Copy what was refused" }).click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  expect(copied.shapes.length).toBeGreaterThan(0);
  expect(copied.shapes.at(-1)).toMatchObject({ kind: "text", text: "d".repeat(4_000) });
  await page.keyboard.press("Escape");
  await untilStatus(page, "room-full");
  expect(await ink(page, 100)).toBeGreaterThan(300);

  const reader = await BoardReader.open(small, room);
  const before = reader.board.shapes.length;
  expect(before).toBeGreaterThan(1);
  await page.getByRole("application", { name: "Board" }).focus();
  for (let each = 1; each < before; each++) {
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Delete");
  }
  await reader.untilShapes(1);
  await untilStatus(page, "saved");
  await page.keyboard.press("p");
  await drag(page, line(500));
  await reader.untilShapes(2);
  await untilStatus(page, "saved");
  reader.close();
  await context.close();
  expect([browser.complaints, browser.networkComplaints]).toEqual([[], []]);
});
