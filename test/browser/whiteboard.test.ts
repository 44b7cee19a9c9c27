import { randomUUID } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BoardBrowser, countPixels, drag, pixelAt, press, untilStatus } from "../support/board-browser.ts";
import { BoardReader } from "../support/board-reader.ts";
import { Server } from "../support/server.ts";

const INK = [29, 29, 34] as const;
const RED = [207, 37, 48] as const;

let server: Server;
let browser: BoardBrowser;
let origin: string;
/** Two computers. */
let ones: BrowserContext;
let others: BrowserContext;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), BoardBrowser.start()]);
  origin = `http://127.0.0.1:${server.port}`;
  [ones, others] = await Promise.all([browser.newContext(), browser.newContext()]);
});
afterAll(() => Promise.all([browser?.stop(), server?.stop()]));
afterEach(async () => {
  await Promise.all([ones, others].flatMap((context) => context.pages()).map((page) => page.close()));
  expect([browser.complaints.splice(0), browser.networkComplaints.splice(0)]).toEqual([[], []]);
});

/** Two people on one new board, and a program that reads it. */
async function meet() {
  const room = `test-${randomUUID()}`;
  const url = `${origin}/${room}`;
  const [one, other] = await Promise.all([browser.open(url, ones), browser.open(url, others)]);
  const reader = await BoardReader.open(server, room);
  await Promise.all([untilStatus(one, "saved"), untilStatus(other, "saved")]);
  return { room, one, other, reader };
}

/** The left half red, the right half blue. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.alloc(1 + width * 3);
  for (let x = 0; x < width; x++) row.set(x < width / 2 ? [255, 0, 0] : [0, 0, 255], 1 + x * 3);
  const rows = Buffer.concat(Array.from({ length: height }, () => row));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Pastes as the browser does after Control V. */
async function paste(page: Page, content: { readonly image: Buffer } | { readonly text: string }): Promise<void> {
  const data = "image" in content ? { base64: content.image.toString("base64") } : content;
  await page.evaluate((given) => {
    const transfer = new DataTransfer();
    if ("text" in given) transfer.setData("text/plain", given.text);
    else {
      const bytes = Uint8Array.from(atob(given.base64), (character) => character.charCodeAt(0));
      transfer.items.add(new File([bytes], "image.png", { type: "image/png" }));
    }
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
  }, data);
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  await expect.poll(holds, { timeout: 20_000, interval: 50, message: what }).toBe(true);
}

it("/ is a new board at once, with a name that can be read, which Copy link gives to others", async () => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const began = performance.now();
  const page = await browser.open(`${origin}/`, context);
  console.log(`a new board was ready after ${Math.round(performance.now() - began)} ms`);
  const { pathname } = new URL(page.url());
  expect(pathname).toMatch(/^\/[a-z]+-[a-z]+-[a-z]+$/);
  expect(await page.locator(".room-name").textContent()).toBe(pathname.slice(1));
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
  const other = await browser.open(`${origin}/`, context);
  expect(other.url()).not.toBe(page.url());
  await Promise.all([untilStatus(page, "saved"), untilStatus(other, "saved")]);
  await context.close();
});

it("a stroke is seen by others while it is drawn, and then is one packed value in the document", async () => {
  const { one, other, reader } = await meet();
  await press(one, [
    [200, 300],
    [300, 300],
    [400, 300],
  ]);
  await until(async () => (await countPixels(other, "live", [190, 290, 220, 20], INK)) > 300, "the stroke in progress");
  expect(reader.board.shapes).toEqual([]);
  await one.mouse.up();
  await reader.untilShapes(1);
  await until(async () => (await countPixels(other, "still", [190, 290, 220, 20], INK)) > 300, "the finished stroke");
  await until(async () => (await countPixels(other, "live", [190, 290, 150, 20], INK)) === 0, "nothing in progress");
  const [[, map] = []] = [...reader.board.maps.entries()];
  expect([...(map?.keys() ?? [])]).toEqual(["shape"]);
  expect(map?.get("shape")).toMatchObject({ kind: "stroke", color: "ink", points: expect.any(Uint8Array) });
  await one.keyboard.press("Control+z");
  await reader.untilShapes(0);
  await until(async () => (await countPixels(other, "still", [190, 290, 220, 20], INK)) === 0, "the stroke is undone");
  reader.close();
});

it("a cursor with its name appears, moves, and goes when its tab closes", async () => {
  const { one, other, reader } = await meet();
  await other.getByRole("button", { name: /^You are / }).click();
  await other.getByRole("textbox", { name: "Your name" }).fill("Ada");
  await other.getByRole("button", { name: "Colour 1", exact: true }).click();
  await other.keyboard.press("Escape");
  await other.mouse.move(600, 200);
  await one.getByRole("button", { name: "Follow Ada" }).waitFor();
  const cursor = [194, 48, 58] as const;
  await until(async () => (await countPixels(one, "live", [600, 200, 80, 45], cursor)) > 200, "the cursor");
  await other.mouse.move(300, 500);
  await until(async () => (await countPixels(one, "live", [300, 500, 80, 45], cursor)) > 200, "it moved");
  expect(await countPixels(one, "live", [600, 200, 80, 45], cursor)).toBe(0);
  await other.close();
  await until(async () => (await countPixels(one, "live", [0, 0, 1000, 700], cursor)) === 0, "no ghost");
  await until(async () => (await one.getByRole("button", { name: "Follow Ada" }).count()) === 0, "nobody to follow");
  reader.close();
});

it("undo and redo are of one's own edits only", async () => {
  const { one, other, reader } = await meet();
  await one.keyboard.press("r");
  await drag(one, [
    [100, 100],
    [200, 200],
  ]);
  await reader.untilShapes(1);
  await other.keyboard.press("o");
  await drag(other, [
    [400, 100],
    [500, 200],
  ]);
  await reader.untilShapes(2);
  await other.keyboard.press("Escape");
  await other.mouse.click(100, 150);
  await other.getByRole("button", { name: "red", exact: true }).click();
  await until(
    async () => reader.board.shapes.some(({ kind, color }) => kind === "rectangle" && color === "red"),
    "red",
  );

  await one.keyboard.press("Control+z");
  await until(async () => reader.board.shapes.map(({ kind }) => kind).join() === "ellipse", "the ellipse stays");
  await one.keyboard.press("Control+z");
  await one.keyboard.press("Control+Shift+z");
  await reader.untilShapes(2);
  expect(await one.getByRole("button", { name: "Redo" }).isDisabled()).toBe(true);
  await other.keyboard.press("Control+z");
  await other.keyboard.press("Control+z");
  await until(async () => reader.board.shapes.map(({ kind }) => kind).join() === "rectangle", "the rectangle stays");
  reader.close();
});

it("what somebody moves is seen moving, and is written once, when they let go", async () => {
  const { one, other, reader } = await meet();
  await one.keyboard.press("r");
  await drag(one, [
    [200, 200],
    [300, 260],
  ]);
  await reader.untilShapes(1);
  const updates: Uint8Array[] = [];
  reader.board.doc.on("update", (update: Uint8Array) => updates.push(update));
  await press(one, [
    [250, 230],
    [350, 330],
    [450, 430],
  ]);
  await until(async () => (await countPixels(other, "live", [395, 395, 110, 70], INK)) > 300, "it moves");
  expect(await countPixels(other, "still", [195, 195, 110, 70], INK)).toBe(0);
  expect(updates).toEqual([]);
  await one.mouse.up();
  await until(async () => (await countPixels(other, "still", [395, 395, 110, 70], INK)) > 300, "it is there");
  await until(async () => updates.length > 0, "it is written");
  expect(reader.board.shapes[0]?.box).toMatchObject({ w: 100, h: 60 });
  expect(updates).toHaveLength(1);
  reader.close();
});

it("select, resize, recolour, duplicate, order and delete change the document, and its picture", async () => {
  const { one, other, reader } = await meet();
  await one.keyboard.press("r");
  await drag(one, [
    [200, 200],
    [300, 260],
  ]);
  await drag(one, [
    [304, 264],
    [404, 324],
  ]);
  await until(async () => reader.board.shapes[0]?.box.w !== undefined && reader.board.shapes[0].box.w > 195, "resized");
  await one.getByRole("button", { name: "red", exact: true }).click();
  await one.getByRole("button", { name: "Fill" }).click();
  await until(
    async () => (await countPixels(other, "still", [200, 200, 200, 120], [253, 227, 226])) > 15_000,
    "filled",
  );
  await one.keyboard.press("Control+d");
  await reader.untilShapes(2);
  const [lower, upper] = reader.board.shapes;
  await one.keyboard.press("[");
  await until(async () => reader.board.shapes[0]?.id === upper?.id, "sent to the back");
  await one.keyboard.press("Delete");
  await reader.untilShapes(1);
  expect(reader.board.shapes[0]?.id).toBe(lower?.id);
  // A frame around everything, and then all of it at once.
  await one.keyboard.press("Control+z");
  await reader.untilShapes(2);
  await one.keyboard.press("v");
  await drag(one, [
    [150, 150],
    [600, 500],
  ]);
  await one.keyboard.press("Backspace");
  await reader.untilShapes(0);
  await until(async () => (await pixelAt(other, "still", 300, 200))[3] === 0, "the picture is empty");
  reader.close();
});

it("two people write in one note at the same time", async () => {
  const { one, other, reader } = await meet();
  await one.keyboard.press("n");
  await one.mouse.click(300, 300);
  await one.keyboard.type("ship ");
  await until(async () => reader.board.shapes.some((shape) => "text" in shape && shape.text === "ship "), "written");
  await other.keyboard.press("Escape");
  await other.mouse.dblclick(300, 300);
  await other.keyboard.press("End");
  await Promise.all([one.keyboard.type("it "), other.keyboard.type("now")]);
  const texts = () => reader.board.shapes.map((shape) => ("text" in shape ? shape.text : ""));
  await until(async () => texts()[0]?.length === 11, "all letters");
  expect([...(texts()[0] ?? "")].sort().join("")).toBe([..."ship it now"].sort().join(""));
  for (const page of [one, other]) {
    await until(async () => (await page.locator("textarea").inputValue()) === texts()[0], "both show all of it");
  }
  reader.close();
});

it("an image is stored once, shown to others, and not written again when it moves", async () => {
  const { one, other, reader } = await meet();
  await paste(one, { image: png(200, 120) });
  await reader.untilShapes(1);
  await until(
    async () => (await countPixels(other, "still", [400, 290, 100, 120], [255, 0, 0])) > 10_000,
    "its left half",
  );
  expect(await countPixels(other, "still", [500, 290, 100, 120], [0, 0, 255])).toBeGreaterThan(10_000);
  await paste(one, { image: png(200, 120) });
  await reader.untilShapes(2);
  expect(reader.board.images.size).toBe(1);
  const [bytes] = [...reader.board.images.values()];
  expect(Buffer.from(bytes as Uint8Array)).toEqual(png(200, 120));
  let written = 0;
  reader.board.doc.on("update", (update: Uint8Array) => {
    written += update.length;
  });
  await drag(one, [
    [500, 350],
    [500, 450],
  ]);
  await until(async () => reader.board.shapes[1]?.box.y !== reader.board.shapes[0]?.box.y, "moved");
  expect(written).toBeLessThan(150);
  await paste(one, { image: Buffer.from("no image") });
  await one.getByRole("alert").getByText("not an image").waitFor();
  reader.close();
});

it("what is copied from one board can be pasted into another", async () => {
  const { one, reader } = await meet();
  await paste(one, { image: png(40, 40) });
  await one.keyboard.press("n");
  await one.mouse.click(200, 300);
  await one.keyboard.type("hello");
  await one.keyboard.press("Escape");
  await reader.untilShapes(2);
  await one.keyboard.press("Control+a");
  const text = await one.evaluate(() => {
    const event = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), bubbles: true, cancelable: true });
    document.dispatchEvent(event);
    return event.clipboardData?.getData("text/plain") ?? "";
  });
  const elsewhere = await meet();
  await paste(elsewhere.one, { text });
  await elsewhere.reader.untilShapes(2);
  expect(elsewhere.reader.board.shapes.map((shape) => ("text" in shape ? shape.text : shape.kind)).sort()).toEqual([
    "hello",
    "image",
  ]);
  expect(elsewhere.reader.board.images.size).toBe(1);
  await paste(elsewhere.one, { text: "<b>not markup</b>" });
  await elsewhere.reader.untilShapes(3);
  expect(await elsewhere.one.locator("b").count()).toBe(0);
  reader.close();
  elsewhere.reader.close();
});

it("exports hold the drawing: PNG by its pixels, SVG as a browser renders it", async () => {
  const { one, reader } = await meet();
  await one.keyboard.press("r");
  await one.getByRole("button", { name: "red", exact: true }).click();
  await one.getByRole("button", { name: "Fill" }).click();
  await drag(one, [
    [200, 200],
    [400, 300],
  ]);
  await one.keyboard.press("p");
  await drag(one, [
    [200, 400],
    [400, 400],
  ]);
  await one.keyboard.press("n");
  await one.mouse.click(550, 300);
  await one.keyboard.type("a < b & c");
  await one.keyboard.press("Escape");
  await paste(one, { image: png(60, 60) });
  await reader.untilShapes(4);
  await one.keyboard.press("Escape");
  for (const [name, type] of [
    ["Export as PNG", "image/png"],
    ["Export as SVG", "image/svg+xml"],
  ] as const) {
    await one.getByRole("button", { name: "Menu" }).click();
    const [download] = await Promise.all([one.waitForEvent("download"), one.getByText(name).click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (type === "image/svg+xml") expect(bytes.toString()).toContain("a &lt; b &amp; c");
    const counts = await one.evaluate(
      async ([base64, kind]) => {
        const image = new Image();
        image.src = `data:${kind};base64,${base64}`;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [400, Math.round((400 * image.height) / image.width)];
        const context = canvas.getContext("2d");
        context?.drawImage(image, 0, 0, canvas.width, canvas.height);
        const data = context?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        const colors: Record<string, number> = {};
        for (let at = 0; at < data.length; at += 4) {
          const key = [0, 1, 2].map((channel) => Math.round((data[at + channel] ?? 0) / 16)).join();
          colors[key] = (colors[key] ?? 0) + 1;
        }
        return colors;
      },
      [bytes.toString("base64"), type] as const,
    );
    const count = (red: number, green: number, blue: number) =>
      counts[[red, green, blue].map((channel) => Math.round(channel / 16)).join()] ?? 0;
    expect(count(253, 227, 226)).toBeGreaterThan(3_000); // the filled rectangle
    expect(count(...RED)).toBeGreaterThan(200); // its edge, and the stroke
    expect(count(255, 201, 196)).toBeGreaterThan(5_000); // the note, in the chosen colour
    expect(count(255, 0, 0)).toBeGreaterThan(200); // the image
    expect(count(0, 0, 255)).toBeGreaterThan(200);
  }
  reader.close();
});

it("following somebody shows what they see, until one moves the view oneself", async () => {
  const { one, other, reader } = await meet();
  await one.keyboard.press("r");
  await drag(one, [
    [450, 300],
    [550, 400],
  ]);
  await reader.untilShapes(1);
  await one.keyboard.press("Escape");
  await other.getByRole("button", { name: /^Follow / }).click();
  await other.getByRole("button", { name: /^Following / }).waitFor();
  await one.mouse.wheel(300, 200);
  await until(async () => (await countPixels(other, "still", [145, 95, 110, 110], INK)) > 300, "it follows");
  await other.mouse.move(500, 350);
  await other.mouse.wheel(0, -50);
  await until(
    async () => (await other.getByRole("button", { name: /^Following / }).count()) === 0,
    "it follows no more",
  );
  await one.mouse.wheel(0, 300);
  await until(
    async () => (await countPixels(one, "still", [0, 0, 1000, 700], INK)) === 0,
    "the one has gone elsewhere",
  );
  expect(await countPixels(other, "still", [100, 100, 200, 250], INK)).toBeGreaterThan(300);
  reader.close();
});

it("the keyboard alone draws, selects, moves and writes, and what happens is told", async () => {
  const { one, reader } = await meet();
  const told = one.locator('[role="status"]').first();
  await one.getByRole("application", { name: "Board" }).focus();
  await one.keyboard.press("r");
  await one.keyboard.press("Enter");
  await reader.untilShapes(1);
  const before = reader.board.shapes[0]?.box.x ?? 0;
  await one.keyboard.press("ArrowRight");
  await until(async () => reader.board.shapes[0]?.box.x === before + 4, "moved");
  await one.keyboard.press("n");
  await one.keyboard.press("Enter");
  await one.keyboard.type("by keys");
  await one.keyboard.press("Escape");
  await reader.untilShapes(2);
  await one.keyboard.press("Escape");
  await one.keyboard.press("Tab");
  expect(await told.textContent()).toBe("Rectangle, black, 1 of 2");
  await one.keyboard.press("Tab");
  expect(await told.textContent()).toBe("Note: by keys, 2 of 2");
  await one.keyboard.press("Delete");
  await reader.untilShapes(1);
  expect(await told.textContent()).toBe("1 shape deleted");
  // No trap: behind the last shape the focus goes on.
  await one.keyboard.press("Tab");
  await one.keyboard.press("Tab");
  expect(await one.evaluate(() => document.activeElement?.getAttribute("aria-label"))).not.toBe("Board");
  await one.keyboard.press("?");
  await one.getByRole("dialog", { name: "Keys and gestures" }).waitFor();
  await one.keyboard.press("Escape");
  expect(await one.getByRole("dialog").count()).toBe(0);
  reader.close();
});

it("fingers draw with one, and move and zoom the view with two", async () => {
  const room = `test-${randomUUID()}`;
  const context = await browser.newContext({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 740 } });
  const page = await browser.open(`${origin}/${room}`, context);
  const reader = await BoardReader.open(server, room);
  await untilStatus(page, "saved");
  const touch = await context.newCDPSession(page);
  const send = (type: "touchStart" | "touchMove" | "touchEnd", ...points: (readonly [number, number])[]) =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  await send("touchStart", [100, 300]);
  for (let x = 100; x <= 260; x += 10) await send("touchMove", [x, 300]);
  await send("touchEnd");
  await reader.untilShapes(1);
  await send("touchStart", [150, 300]);
  await send("touchStart", [150, 300], [210, 300]);
  for (let by = 0; by <= 30; by += 5) await send("touchMove", [150 - by, 300 + by], [210 + by, 300 + by]);
  await send("touchEnd");
  await until(
    async () => (await countPixels(page, "still", [0, 310, 360, 60], INK)) > 1_500,
    "larger, and further down",
  );
  await reader.untilShapes(1);
  const tools = await page.locator(".tools").boundingBox();
  expect((tools?.x ?? -1) >= 0 && (tools?.x ?? 0) + (tools?.width ?? 0) <= 360).toBe(true);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await context.close();
  reader.close();
});
