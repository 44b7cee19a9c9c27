import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TestBrowser } from "../support/browser.ts";
import { Server } from "../support/server.ts";
import type { EditorPageApi } from "./editor-page.ts";

declare const editor: EditorPageApi;

const EDITORS = {
  codemirror: { content: ".cm-content", cursor: ".cm-ySelectionCaret", name: ".cm-ySelectionInfo" },
  prosemirror: { content: ".ProseMirror", cursor: ".ProseMirror-yjs-cursor", name: ".ProseMirror-yjs-cursor > div" },
} as const;
type Editor = keyof typeof EDITORS;

let server: Server;
let browser: TestBrowser;
let rooms = 0;
const freshRoom = () => `editors/${++rooms}`;
/** What a browser says of a server that is away; nothing else may be in the console. */
const REFUSED = /^WebSocket connection to 'ws:[^']*' failed: /;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), TestBrowser.start("test/browser/editor-page.ts")]);
});
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop()]);
});

/** Opens a page, in a context of its own if none is given, and waits for its editor. */
async function open(query: Record<string, string>, context?: BrowserContext): Promise<Page> {
  const page = await browser.open({ url: server.url, name: "one", editor: "codemirror", ...query }, context);
  await page.locator("[contenteditable=true]").waitFor();
  return page;
}
const synced = (page: Page) => page.waitForFunction(() => editor.provider.synced);
const saved = (page: Page) => page.waitForFunction(() => editor.provider.saved.state === "saved");
const savedState = (page: Page) => page.evaluate(() => editor.provider.saved);

/** Types as a user does. */
async function type(page: Page, text: string): Promise<void> {
  await page.locator("[contenteditable=true]").focus();
  await page.keyboard.type(text);
}

/** Waits until the editor shows a text, cursors of others apart. */
async function reads(page: Page, text: string, which: Editor = "codemirror"): Promise<void> {
  const shown = ({ content, cursor, wanted }: { content: string; cursor: string; wanted: string }) => {
    const copy = document.querySelector(content)?.cloneNode(true) as Element | undefined;
    for (const widget of copy?.querySelectorAll(cursor) ?? []) widget.remove();
    return copy?.textContent?.replaceAll(/[\u2060\u200b\ufeff]/g, "") === wanted;
  };
  await page.waitForFunction(shown, { ...EDITORS[which], wanted: text });
}

describe.each(["codemirror", "prosemirror"] as const)("%s", (which) => {
  afterEach(() => expect(browser.complaints.splice(0)).toEqual([]));
  const { cursor, name } = EDITORS[which];

  it("what is typed in one page is read in the other, and undo takes back one's own alone", async () => {
    const room = freshRoom();
    const [one, two] = await Promise.all([
      open({ room, editor: which, name: "one" }),
      open({ room, editor: which, name: "two" }),
    ]);
    await Promise.all([synced(one), synced(two)]);
    // Each in one go: letters that come half a second apart are undone one by one.
    await type(one, "");
    await one.keyboard.insertText("from one. ");
    await reads(two, "from one. ", which);
    await type(two, "");
    await two.keyboard.press("Control+End");
    await two.keyboard.insertText("from two. ");
    await reads(one, "from one. from two. ", which);
    await one.keyboard.press("Control+z");
    await reads(one, "from two. ", which);
    await reads(two, "from two. ", which);
    await one.keyboard.press("Control+y");
    await reads(two, "from one. from two. ", which);
    await two.keyboard.press("Control+z");
    await reads(one, "from one. ", which);
    await Promise.all([saved(one), saved(two)]);
  });

  it("each page shows the other's cursor with its name, where it is, and no more when that page is gone", async () => {
    const room = freshRoom();
    const [one, two] = await Promise.all([
      open({ room, editor: which, name: "Ada" }),
      open({ room, editor: which, name: "Bob" }),
    ]);
    await Promise.all([synced(one), synced(two)]);
    await type(one, "hello");
    await reads(two, "hello", which);
    const shown = two.locator(name);
    await shown.waitFor({ state: "attached" });
    expect(await shown.textContent()).toBe("Ada");
    const place = () => two.locator(cursor).boundingBox();
    const before = await place();
    expect(before?.height).toBeGreaterThan(5);
    await one.keyboard.press("Home");
    // The caret moves left; the text does not.
    const isLeft = async () => ((await place())?.x ?? Number.POSITIVE_INFINITY) < (before?.x ?? 0);
    await expect.poll(isLeft, { timeout: 20_000 }).toBe(true);
    await reads(two, "hello", which);
    await type(two, "");
    await one.locator(name).waitFor({ state: "attached" });
    expect(await one.locator(name).textContent()).toBe("Bob");
    await one.close();
    await shown.waitFor({ state: "detached" });
  });
});

describe("while the server is away", () => {
  let server: Server;
  beforeEach(async () => {
    server = await Server.start();
  });
  afterEach(async () => {
    // What a test that failed left open would go on to look for its server.
    await browser.closePages();
    await server.stop();
    expect(browser.complaints.splice(0).filter((text) => !REFUSED.test(text))).toEqual([]);
  });

  it("a reload keeps the unsaved edit, and says so; it arrives when the server is back", async () => {
    const room = freshRoom();
    const one = await open({ url: server.url, room, offline: "" });
    await synced(one);
    await type(one, "saved ");
    await saved(one);
    await one.evaluate(() => editor.provider.whenSaved());
    // What was acknowledged is gathered for a second before it is stored.
    await one.waitForTimeout(3_000);
    await server.kill();
    await type(one, "kept");
    await one.waitForFunction(() => editor.provider.saved.state === "offline");
    expect(await savedState(one)).toEqual({ state: "offline", unsaved: 4 });
    // Until it is on disk: a reload stops what is on its way.
    await one.waitForTimeout(1_000);
    await one.reload();
    await reads(one, "saved kept");
    expect(await savedState(one)).toEqual({ state: "offline", unsaved: 4 });
    await server.restart();
    await saved(one);
    expect(await one.evaluate(() => editor.states.some(({ state }) => state === "saving"))).toBe(true);
    const two = await open({ url: server.url, room });
    await reads(two, "saved kept");
    await Promise.all([one.close(), two.close()]);
  });

  it("a database that is deleted under the page gets the whole document again with the next edit", async () => {
    const room = freshRoom();
    const one = await open({ url: server.url, room, offline: "" });
    await synced(one);
    await type(one, "before ");
    await saved(one);
    const deleted = await one.evaluate(async () => {
      const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
      const outcomes = names.map(
        (name) =>
          new Promise((resolve) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = () => resolve("deleted");
            request.onerror = () => resolve("failed");
          }),
      );
      return Promise.all(outcomes);
    });
    expect(deleted).toEqual(["deleted"]);
    await server.kill();
    await type(one, "");
    await one.keyboard.press("End");
    await one.keyboard.type("and after");
    await reads(one, "before and after");
    // Until it is on disk: a reload stops what is on its way.
    await one.waitForFunction(async () => (await indexedDB.databases()).length > 0);
    await one.waitForTimeout(1_000);
    expect(await one.evaluate(() => editor.problems)).toEqual([]);
    await one.reload();
    await reads(one, "before and after");
    expect(await savedState(one)).toEqual({ state: "offline", unsaved: "and after".length });
    await server.restart();
    await saved(one);
    await one.close();
  });

  it("two tabs share edits, and what reached the second one only so arrives after the first is closed", async () => {
    const room = freshRoom();
    const context = await browser.newContext();
    const [one, two] = await Promise.all([
      open({ url: server.url, room, tabs: "" }, context),
      open({ url: server.url, room, tabs: "" }, context),
    ]);
    const apart = await open({ url: server.url, room });
    await Promise.all([synced(one), synced(two), synced(apart)]);
    await server.kill();
    await type(one, "by the channel");
    await reads(two, "by the channel");
    await one.close();
    expect(await savedState(two)).toEqual({ state: "offline", unsaved: "by the channel".length });
    // Whoever shares no channel has nothing: it was not the server that carried it.
    await reads(apart, "");
    await server.restart();
    await reads(apart, "by the channel");
    await saved(two);
    await Promise.all([two.close(), apart.close()]);
  });
});

describe.each(["refused", "failing", "full"] as const)("storage that is %s", (storage) => {
  afterEach(() => expect(browser.complaints.splice(0)).toEqual([]));

  it("is told, and stops nothing", async () => {
    const room = freshRoom();
    const context = await browser.newContext();
    if (storage === "full") await browser.limitStorage(context, 1);
    const [one, two] = await Promise.all([open({ room, offline: "", storage }, context), open({ room, name: "two" })]);
    await Promise.all([synced(one), synced(two)]);
    await type(one, "typed");
    await reads(two, "typed");
    await one.waitForFunction(() => editor.problems.includes("storage"));
    await type(two, "");
    await two.keyboard.press("End");
    await two.keyboard.type(" and answered");
    await reads(one, "typed and answered");
    await Promise.all([saved(one), saved(two)]);
  });
});
