import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { mintToken, type Role } from "../../backend/index.ts";
import { BoardBrowser, countPixels, drag, pixelAt, press, statusOf, untilStatus } from "../support/board-browser.ts";
import { Server } from "../support/server.ts";

const SECRET = "a secret that signs the links of a test's boards";
const INK = [29, 29, 34] as const;
const WITHIN = { timeout: 20_000 };

let browser: BoardBrowser;
let server: Server;
let room: string;

beforeAll(async () => {
  [browser, server] = await Promise.all([
    BoardBrowser.start(),
    Server.start("AUTH:token", `TOKEN_SECRET:${SECRET}`, "MAX_PARTICIPANTS:4"),
  ]);
}, 120_000);
afterAll(() => Promise.all([browser?.stop(), server?.stop()]));
beforeEach(() => {
  room = `test-${randomUUID()}`;
});
afterEach(async () => {
  await browser.closePages();
  expect([browser.complaints.splice(0), browser.networkComplaints.splice(0)]).toEqual([[], []]);
});

/** Opens the board by a link of one's own, on a computer of one's own if none is given. */
async function enter(
  role: Role,
  who: { readonly subject?: string; readonly name?: string } = {},
  context?: BrowserContext,
): Promise<Page> {
  const token = await mintToken({ secret: SECRET }, { room, role, expiresIn: 600, ...who });
  return browser.open(`http://127.0.0.1:${server.port}/${room}#token=${token}`, context);
}

/** A network that can keep back what the room says. */
async function slowNetwork() {
  const context = await browser.newContext();
  const kept: (() => void)[] = [];
  let isHolding = false;
  await context.routeWebSocket(/\/rooms\//, (page) => {
    const toRoom = page.connectToServer();
    toRoom.onMessage((message) => {
      if (isHolding) kept.push(() => page.send(message));
      else page.send(message);
    });
  });
  return {
    context,
    hold: () => {
      isHolding = true;
    },
    release: () => {
      isHolding = false;
      for (const deliver of kept.splice(0)) deliver();
    },
    kept,
  };
}

async function openPeople(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^You are / }).click();
  await page.locator("#who:popover-open").waitFor();
}

/** What the list says of somebody. */
const row = (page: Page, name: string) => page.locator(`.person[data-person="${name}"]`);
const rights = (page: Page, name: string) => row(page, name).locator(".rights");
const act = async (page: Page, name: string, action: string) => {
  const more = row(page, name).getByRole("button", { name: `What ${name} may do` });
  if ((await more.getAttribute("aria-expanded")) === "false") await more.click();
  await row(page, name).getByRole("button", { name: action, exact: true }).click();
};
const ink = (page: Page, y: number) => countPixels(page, "still", [90, y - 10, 220, 20], INK);
const line = (y: number): [number, number][] => [
  [100, y],
  [200, y],
  [300, y],
];
const said = (page: Page, title: string) => page.getByRole("alert").getByText(title, { exact: true }).waitFor(WITHIN);

it("the list joins what the room vouches for with what people say of themselves, and names rights", async () => {
  const ada = await enter("moderator", { subject: "ada", name: "Ada" });
  await enter("viewer", { subject: "grace", name: "Grace" });
  const nameless = await enter("editor");
  await openPeople(nameless);
  await nameless.getByRole("textbox", { name: "Your name" }).fill("Ada");
  await openPeople(ada);
  await expect.poll(() => ada.locator(".person").count(), WITHIN).toBe(3);
  const list = ada.getByRole("list", { name: "Everybody here" });
  await expect.poll(() => list.locator('.person[data-person="Ada"]').count(), WITHIN).toBe(2);
  // Who merely calls themselves Ada is not marked as she is.
  const marks = list.getByRole("img", { name: "name vouched for by the room" });
  expect(await marks.count()).toBe(2);
  expect(await rights(ada, "Ada").allTextContents()).toEqual(["you · moderator", "editor"]);
  expect(await rights(ada, "Grace").textContent()).toBe("viewer");
  // Without a subject there is nobody to ban; of oneself there is nothing to do.
  expect(await ada.getByRole("button", { name: "What Ada may do" }).count()).toBe(1);
  await ada.getByRole("button", { name: "What Ada may do" }).focus();
  await ada.keyboard.press("Enter");
  const group = ada.getByRole("group", { name: "What Ada may do" });
  expect(await group.getByRole("button").allTextContents()).toEqual([" Make viewer", "Mute", " Remove"]);
  // Who may not moderate is offered nothing of it.
  expect(await nameless.getByRole("button", { name: /^What / }).count()).toBe(0);
  expect(await nameless.getByRole("button", { name: "Lock room" }).count()).toBe(0);
  await ada.keyboard.press("Escape");
  expect(await ada.locator("#who:popover-open").count()).toBe(0);
});

it("a viewer's link: no tools to draw with, pan and follow and export work, others see them, no token in the link", async () => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const editor = await enter("editor", { subject: "ada", name: "Ada" });
  await untilStatus(editor, "saved");
  await drag(editor, line(200));
  const token = await mintToken({ secret: SECRET }, { room, role: "viewer", subject: "grace", expiresIn: 600 });
  const url = `http://127.0.0.1:${server.port}/${room}`;
  const viewer = await browser.open(`${url}#token=${token}`, context);
  await untilStatus(viewer, "read-only");
  expect(await statusOf(viewer)).toBe("Read-only");
  await expect.poll(() => ink(viewer, 200), WITHIN).toBeGreaterThan(300);
  expect(await viewer.locator(".tools button").allTextContents()).toHaveLength(2);
  expect(await viewer.getByRole("toolbar", { name: "History" }).count()).toBe(0);
  await viewer.keyboard.press("p");
  // With the hand at hand, a drag moves the view.
  await drag(viewer, [
    [400, 300],
    [400, 400],
  ]);
  await expect.poll(() => ink(viewer, 300), WITHIN).toBeGreaterThan(300);
  await viewer.getByRole("button", { name: "Zoom in" }).click();
  await viewer.getByRole("button", { name: /^Zoom 125 %/ }).waitFor();
  await viewer.getByRole("button", { name: "Follow ", exact: false }).first().click();
  await viewer.getByRole("button", { name: /^Following / }).waitFor();
  await viewer.getByRole("button", { name: "Menu" }).click();
  const [file] = await Promise.all([
    viewer.waitForEvent("download"),
    viewer.getByRole("button", { name: "Export as SVG" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe(`${room}.svg`);
  await expect.poll(() => editor.getByRole("button", { name: /^Follow / }).count(), WITHIN).toBe(1);
  await viewer.getByRole("button", { name: "Copy link" }).click();
  await viewer.getByRole("button", { name: "Copied" }).waitFor();
  expect(await viewer.evaluate(() => navigator.clipboard.readText())).toBe(url);
});

it("rights are changed live, back and forth; a stroke that was being drawn can be copied, and none is lost", async () => {
  const ada = await enter("moderator", { subject: "ada", name: "Ada" });
  const grace = await enter("editor", { subject: "grace", name: "Grace" });
  await Promise.all([untilStatus(ada, "saved"), untilStatus(grace, "saved")]);
  await drag(grace, line(200));
  await expect.poll(() => ink(ada, 200), WITHIN).toBeGreaterThan(300);
  await openPeople(ada);
  await press(grace, line(300));
  await act(ada, "Grace", "Make viewer");
  await untilStatus(grace, "read-only");
  await expect.poll(() => rights(ada, "Grace").textContent(), WITHIN).toBe("viewer");
  const dialog = grace.getByRole("dialog", { name: "A change was not accepted" });
  await dialog.getByText("A moderator made this board read-only for you while you were drawing.").waitFor();
  await dialog.getByText("1 shape could not be saved").waitFor();
  await grace.mouse.up();
  const copied = dialog.getByRole("button", { name: /^Copied$|Copy what was refused/ });
  await copied.click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  await dialog.getByRole("button", { name: "Go on" }).click();
  expect(await grace.getByRole("button", { name: "Pen" }).count()).toBe(0);
  expect(await ink(grace, 200)).toBeGreaterThan(300);

  await act(ada, "Grace", "Make editor");
  await untilStatus(grace, "saved");
  // The pen is at hand again, as before.
  await grace.locator('.tool.pen[aria-pressed="true"]').waitFor();
  await drag(grace, line(400));
  await expect.poll(() => ink(ada, 400), WITHIN).toBeGreaterThan(300);
  await openPeople(grace);
  const muted = row(grace, "Grace").getByRole("img", { name: "muted by a moderator" });
  await act(ada, "Grace", "Mute");
  await muted.waitFor();
  await act(ada, "Grace", "Unmute");
  await muted.waitFor({ state: "detached" });
});

it("a stroke that was finished before the page heard that it may not draw is refused, and can be copied", async () => {
  const network = await slowNetwork();
  const ada = await enter("moderator", { subject: "ada", name: "Ada" });
  const grace = await enter("editor", { subject: "grace", name: "Grace" }, network.context);
  await Promise.all([untilStatus(ada, "saved"), untilStatus(grace, "saved")]);
  await drag(grace, line(200));
  await untilStatus(grace, "saved");
  await openPeople(ada);
  network.hold();
  await act(ada, "Grace", "Make viewer");
  await expect.poll(() => rights(ada, "Grace").textContent(), WITHIN).toBe("viewer");
  await drag(grace, line(300));
  // The pen is at hand still: the page knows nothing yet.
  await grace.locator('.tool.pen[aria-pressed="true"]').waitFor();
  await expect.poll(() => network.kept.length, WITHIN).toBeGreaterThan(1);
  network.release();
  const dialog = grace.getByRole("dialog", { name: "A change was not accepted" });
  await dialog.getByText("You have no right to change this board.").waitFor();
  await dialog.getByText("1 shape could not be saved").waitFor();
  await dialog.getByRole("button", { name: "Go on" }).click();
  await untilStatus(grace, "read-only");
  await expect.poll(() => ink(grace, 300), WITHIN).toBe(0);
  expect(await ink(grace, 200)).toBeGreaterThan(300);
  expect(await ink(ada, 300)).toBe(0);
});

it("remove, ban, let in again, lock and unlock: who is shut out is told why, and gets in when they may", async () => {
  const ada = await enter("moderator", { subject: "ada", name: "Ada" });
  const grace = await enter("editor", { subject: "grace", name: "Grace" });
  await untilStatus(grace, "saved");
  await drag(grace, line(200));
  await openPeople(ada);
  await act(ada, "Grace", "Remove");
  await said(grace, "Removed");
  await expect.poll(() => row(ada, "Grace").count(), WITHIN).toBe(0);
  // What was drawn stays in view, and nothing more can be.
  expect(await ink(grace, 200)).toBeGreaterThan(300);
  expect(await grace.getByRole("button", { name: "Pen" }).count()).toBe(0);
  await grace.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await untilStatus(grace, "saved");

  await act(ada, "Grace", "Ban");
  await said(grace, "Shut out");
  expect(await grace.getByRole("alert").getByRole("button", { name: "Try again" }).count()).toBe(0);
  await grace.reload();
  await said(grace, "Shut out");
  await ada.getByText("Grace is banned").waitFor();
  await ada.getByRole("button", { name: "Let in again" }).click();
  await grace.reload();
  await untilStatus(grace, "saved");

  await ada.getByRole("button", { name: "Lock room" }).click();
  await ada.getByRole("button", { name: "Unlock" }).waitFor();
  const late = await enter("editor", { subject: "joan", name: "Joan" });
  await said(late, "Board locked");
  // Another moderator's page knows of the lock.
  const other = await enter("moderator", { subject: "edith", name: "Edith" });
  await openPeople(other);
  await other.getByRole("button", { name: "Unlock" }).click();
  await other.getByRole("button", { name: "Lock room" }).waitFor();
  await late.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await untilStatus(late, "saved");

  // Four are in: that is as many as this server takes.
  const fifth = await enter("editor");
  await said(fifth, "Too many people");
  await late.close();
  await untilStatus(fifth, "saved");
});

it("a refusal is told in words; a link that ended, and a room that was deleted, say so", async () => {
  const ada = await enter("moderator", { subject: "ada", name: "Ada" });
  const grace = await enter("moderator", { subject: "grace", name: "Grace" });
  await untilStatus(grace, "saved");
  await openPeople(grace);
  const more = row(grace, "Ada").getByRole("button", { name: "What Ada may do" });
  await more.click();
  // The room's answer decides, whatever a page still offers.
  await grace.evaluate(() => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data) {
      const text = typeof data === "string" ? data.replace(/"peer":"[^"]*"/, '"peer":"gone"') : data;
      send.call(this, text);
    };
  });
  await row(grace, "Ada").getByRole("button", { name: "Mute", exact: true }).click();
  await grace.getByRole("alert").getByText("They have left already.").waitFor();

  const expired = await new SignJWT({ room, role: "editor", exp: Math.floor(Date.now() / 1_000) - 3_600 })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
  const late = await browser.open(`http://127.0.0.1:${server.port}/${room}#token=${expired}`);
  await said(late, "Link expired");

  const token = await mintToken({ secret: SECRET }, { room, role: "moderator", expiresIn: 60 });
  const deleted = await fetch(`http://127.0.0.1:${server.port}/api/rooms/${room}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}` },
  });
  expect(deleted.status).toBe(204);
  await said(ada, "Board deleted");
  expect(await pixelAt(ada, "still", 5, 5)).toHaveLength(4);
});
