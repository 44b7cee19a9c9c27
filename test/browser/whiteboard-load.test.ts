import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as Y from "yjs";
import { RoomProvider } from "../../client/index.ts";
import { unionOf } from "../../whiteboard/model/box.ts";
import { addShapes, type NewShape } from "../../whiteboard/model/commands.ts";
import { packInk } from "../../whiteboard/model/ink.ts";
import { COLORS } from "../../whiteboard/model/shape.ts";
import { fitted, toScreen } from "../../whiteboard/scene/camera.ts";
import { boundsOf } from "../../whiteboard/scene/figure.ts";
import { PERSON_COLORS } from "../../whiteboard/together/presence.ts";
import { BoardBrowser, countPixels, drag, pixelAt, SIZE, untilStatus } from "../support/board-browser.ts";
import { BoardReader } from "../support/board-reader.ts";
import { Server } from "../support/server.ts";

const WITHIN = { timeout: 20_000 };
const INK = [29, 29, 34] as const;

let server: Server;
let browser: BoardBrowser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), BoardBrowser.start()]);
});
afterAll(() => Promise.all([browser?.stop(), server?.stop()]));

const urlOf = (room: string) => `http://127.0.0.1:${server.port}/${room}`;

/** Notes when each frame begins, until it is asked for what it noted. */
async function watchFrames(page: Page): Promise<() => Promise<string>> {
  await page.evaluate(() => {
    const frames: number[] = [];
    const note = (now: number) => {
      frames.push(now);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
    Object.assign(globalThis, { frames });
  });
  return async () => {
    const frames = await page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames.splice(0));
    const times = frames.slice(1).map((at, index) => at - (frames[index] ?? at));
    times.sort((one, other) => one - other);
    const part = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
    return `${times.length} frames, p50 ${part(0.5)} ms, p95 ${part(0.95)} ms`;
  };
}

/** A hundred columns of twenty: 40 units apart, of five kinds. */
function manyShapes(count: number): NewShape[] {
  return Array.from({ length: count }, (_, index): NewShape => {
    const box = { x: (index % 100) * 40 - 2_000, y: Math.floor(index / 100) * 40 - 400, w: 30, h: 30 };
    const color = COLORS[index % COLORS.length] ?? "ink";
    switch (index % 5) {
      case 0:
        return { kind: "rectangle", box, color, size: 2, fill: true };
      case 1:
        return { kind: "ellipse", box, color, size: 2, fill: false };
      case 2:
        return { kind: "note", box, color, text: `${index}` };
      case 3:
        return { kind: "arrow", box, color, size: 2 };
      default: {
        const ink = packInk(
          Array.from({ length: 40 }, (_each, at) => ({
            x: box.x + (at * 30) / 40,
            y: box.y + 15 + 14 * Math.sin(at / 4),
          })),
        );
        return { kind: "stroke", color, size: 3, ...ink };
      }
    }
  });
}

it("2,000 shapes are all there, also after the view was moved, and drawing goes on", async () => {
  const room = `test-${randomUUID()}`;
  const reader = await BoardReader.open(server, room);
  const shapes = manyShapes(2_000);
  addShapes(reader.board, shapes);
  await reader.provider.whenSaved();
  const began = performance.now();
  const page = await browser.open(urlOf(room));
  await untilStatus(page, "saved");
  console.log(`a board of 2,000 shapes was open and saved after ${Math.round(performance.now() - began)} ms`);

  const frames = await watchFrames(page);
  await page.getByRole("button", { name: /^Zoom \d+ %/ }).click();
  await page.mouse.move(500, 350);
  await frames();
  for (let step = 0; step < 60; step++) await page.mouse.wheel(step < 30 ? 40 : -40, step % 2 === 0 ? 9 : -9);
  console.log(`moving the view over 2,000 shapes: ${await frames()}`);
  await page.keyboard.press("p");
  await drag(
    page,
    Array.from({ length: 30 }, (_, step) => [200 + step * 20, 350 + 100 * Math.sin(step / 3)] as const),
  );
  console.log(`drawing above 2,000 shapes: ${await frames()}`);
  await reader.untilShapes(2_001);

  await page.keyboard.press("1");
  await untilStatus(page, "saved");
  // What moved over the screen piece by piece is what is painted at once.
  const picture = () => page.evaluate(() => document.querySelector("canvas")?.toDataURL() ?? "");
  for (const [x, y] of [
    [37, 11],
    [-80, 63],
    [43, -74],
  ] as const) {
    await page.mouse.wheel(x, y);
  }
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await page.evaluate(() => new Promise(requestAnimationFrame));
  const moved = await picture();
  await page.setViewportSize({ width: 1_000, height: 701 });
  await page.setViewportSize({ width: 1_000, height: 700 });
  await expect.poll(picture, WITHIN).toBe(moved);

  // Every shape is in the picture, where it should be.
  await page.keyboard.press("1");
  await page.evaluate(() => new Promise(requestAnimationFrame));
  const all = unionOf(reader.board.shapes.map(boundsOf)) ?? { x: 0, y: 0, w: 0, h: 0 };
  const camera = fitted(all, SIZE);
  const areas = reader.board.shapes.map(({ box: { x, y } }) => {
    const corner = toScreen(camera, { x, y });
    const side = Math.ceil(30 * camera.zoom) + 2;
    return [Math.floor(corner.x) - 1, Math.floor(corner.y) - 1, side, side] as const;
  });
  const empty = await emptyOf(page, areas);
  expect(empty).toEqual([]);
  expect([browser.complaints.splice(0), browser.networkComplaints.splice(0)]).toEqual([[], []]);
  reader.close();
  await page.context().close();
});

/** Areas of which no pixel is painted. */
function emptyOf(page: Page, areas: readonly (readonly [number, number, number, number])[]): Promise<unknown[]> {
  return page.evaluate(
    (places) =>
      places.filter((place) => {
        const data =
          document
            .querySelector("canvas")
            ?.getContext("2d")
            ?.getImageData(...place).data ?? [];
        return !data.some((value, at) => at % 4 === 3 && value > 0);
      }),
    areas,
  );
}

it("20 people who move and draw at once are all seen", async () => {
  const room = `test-${randomUUID()}`;
  const page = await browser.open(urlOf(room));
  await untilStatus(page, "saved");
  const people = Array.from({ length: 20 }, (_, index) => {
    const doc = new Y.Doc();
    const provider = new RoomProvider(server.url, room, doc);
    return { doc, provider, index };
  });
  const move = (step: number) => {
    for (const { provider, index } of people) {
      const [x, y] = [-400 + (index % 5) * 180 + step, -250 + Math.floor(index / 5) * 120];
      provider.awareness.setLocalState({
        user: { name: `P${index}`, color: PERSON_COLORS[index % PERSON_COLORS.length] },
        cursor: [x, y],
        selection: [],
      });
    }
  };
  move(0);
  await page.locator(".faces .more", { hasText: "+16" }).waitFor();
  const frames = await watchFrames(page);
  // About 30 samples a second, for two seconds.
  await new Promise<void>((resolve) => {
    let step = 0;
    const timer = setInterval(() => {
      move(step);
      step += 1;
      if (step <= 60) return;
      clearInterval(timer);
      resolve();
    }, 33);
  });
  console.log(`20 cursors: ${await frames()}`);
  const unseen = async () => {
    const counts = await Promise.all(
      people.map(async ({ index }) => {
        const [x, y] = [500 - 400 + (index % 5) * 180 + 60, 350 - 250 + Math.floor(index / 5) * 120];
        const color = PERSON_COLORS[index % PERSON_COLORS.length] ?? "";
        const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
        return countPixels(page, "live", [x, y, 60, 40], [red, green, blue]);
      }),
    );
    return counts.filter((count) => count < 100).length;
  };
  await expect.poll(unseen, WITHIN).toBe(0);
  for (const { provider } of people) provider.destroy();
  await expect.poll(() => page.locator(".faces li").count(), WITHIN).toBe(1);
  expect([browser.complaints.splice(0), browser.networkComplaints.splice(0)]).toEqual([[], []]);
  await page.context().close();
});

it("a document and presence full of hostile shapes open all the same, and what is good is shown", async () => {
  const room = `test-${randomUUID()}`;
  const reader = await BoardReader.open(server, room);
  const { board, provider } = reader;
  const good: NewShape = {
    kind: "rectangle",
    box: { x: -100, y: -100, w: 200, h: 200 },
    color: "ink",
    size: 4,
    fill: false,
  };
  addShapes(board, [good]);
  const common = { order: "a0", color: "ink", size: 4, box: [0, 0, 10, 10] };
  const hostile: unknown[] = [
    null,
    7,
    "text",
    [],
    {},
    { ...common },
    { ...common, kind: "portal" },
    { ...common, kind: "__proto__" },
    { ...common, kind: "rectangle", fill: "yes" },
    { ...common, kind: "rectangle", fill: true, box: [0, 0, 1e300, 10] },
    { ...common, kind: "rectangle", fill: true, box: [0, 0, -5, 10] },
    { ...common, kind: "rectangle", fill: true, box: ["0", 0, 5, 10] },
    { ...common, kind: "ellipse", fill: true, order: "not an order" },
    { ...common, kind: "ellipse", fill: true, size: 1e9 },
    { ...common, kind: "stroke" },
    { ...common, kind: "stroke", points: new Uint8Array(100).fill(255) },
    { ...common, kind: "stroke", points: new Uint8Array(70_000) },
    { ...common, kind: "image", image: "nothing" },
    { ...common, kind: "image", image: "0".repeat(64) },
    { ...common, kind: "text", fontSize: 1e6, text: "large" },
  ];
  board.doc.transact(() => {
    for (const [index, shape] of hostile.entries()) {
      const map = new Y.Map<unknown>();
      map.set("shape", shape);
      board.maps.set(`hostile-${index}`, map);
    }
    const scripts = new Y.Map<unknown>();
    scripts.set("shape", { ...common, kind: "note", box: [-400, -300, 150, 150], color: "no such colour" });
    scripts.set("text", new Y.Text("<img src=x onerror=alert(1)>".repeat(500)));
    board.maps.set("script", scripts);
    (board.maps as unknown as Y.Map<unknown>).set("no-map", "text");
    (board.maps as unknown as Y.Map<unknown>).set("array", new Y.Array());
    board.images.set("0".repeat(64), new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]));
    board.images.set("no-bytes", "<svg onload=alert(1)>");
    board.meta.set("version", "newest");
  });
  for (const state of [
    { user: "nobody" },
    { user: { name: "<b>bold</b>", color: "url(//evil)" }, cursor: [1e308, "x"], doing: { type: "ink" } },
    { user: { name: "\u202eevil", color: PERSON_COLORS[0] }, cursor: [0, 0], selection: 7, view: [0, 0, -1, 0] },
    { user: { name: "A", color: PERSON_COLORS[0] }, cursor: null, doing: { type: "shape", shape: { kind: "note" } } },
  ]) {
    provider.awareness.setLocalState(state);
  }
  await provider.whenSaved();
  const page = await browser.open(urlOf(room));
  await untilStatus(page, "saved");
  await page.keyboard.press("0");
  for (const state of [
    { user: { name: "B", color: 1 }, doing: { type: "transform", ids: ["x"], by: [0, 0, 1e9, 1] } },
  ]) {
    provider.awareness.setLocalState(state);
  }
  await page.keyboard.press("p");
  await page.keyboard.press("1");
  await expect.poll(() => countPixels(page, "still", [0, 0, 1000, 700], INK), WITHIN).toBeGreaterThan(500);
  expect(await page.locator("img, b, svg[onload]").count()).toBe(0);
  await drag(page, [
    [500, 520],
    [600, 520],
  ]);
  await expect.poll(async () => (await pixelAt(page, "still", 550, 520))[3], WITHIN).toBeGreaterThan(0);
  await untilStatus(page, "saved");
  await reader.untilShapes(4);
  // Only what can be shown was read: the good one, the note, an image without bytes, and the new stroke.
  expect(board.shapes.map(({ kind }) => kind).sort()).toEqual(["image", "note", "rectangle", "stroke"]);
  expect([browser.complaints.splice(0), browser.networkComplaints.splice(0)]).toEqual([[], []]);
  reader.close();
});
