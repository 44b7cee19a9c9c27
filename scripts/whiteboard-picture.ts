/**
 * `node scripts/whiteboard-picture.ts [server URL]`: takes docs/img/whiteboard.png, two people on one board, with the browser
 * of CHROME_PATH (/usr/bin/chromium). The server is one that `npm start` runs.
 */
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";

const origin = process.argv[2] ?? "http://localhost:8787";
const SIZE = { width: 1_200, height: 750 };
const TARGET = "docs/img/whiteboard.png";

type Place = readonly [x: number, y: number];

async function open(name: string, color: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: SIZE, colorScheme: "light", ...options });
  await context.addInitScript(
    (user) => localStorage.setItem("roomful-whiteboard-user", user),
    JSON.stringify({ name, color }),
  );
  const page = await context.newPage();
  await page.goto(`${origin}/nova-wolf-blaze`);
  await page.locator('[data-status="saved"]').waitFor();
  return page;
}

async function clear(page: Page): Promise<void> {
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.locator('[data-status="saved"]').waitFor();
}

async function choose(page: Page, ...names: string[]): Promise<void> {
  for (const name of names) await page.getByRole("button", { name, exact: true }).click();
}

async function drag(page: Page, points: readonly Place[], isHeld = false): Promise<void> {
  const [first, ...others] = points;
  if (first === undefined) return;
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const point of others) await page.mouse.move(...point);
  if (!isHeld) await page.mouse.up();
}

async function note(page: Page, color: string, [x, y]: Place, text: string): Promise<void> {
  await page.keyboard.press("n");
  await choose(page, color);
  await page.mouse.click(x, y);
  await page.keyboard.type(text);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
}

/** A line that a hand draws: on a curve, a little off it. */
function curve(from: number, to: number, at: (x: number) => number): Place[] {
  const steps = 60;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const x = from + ((to - from) * step) / steps;
    return [x, at(x) + Math.sin(step * 1.7) * 0.8] as const;
  });
}

/** Once around, and a little further. */
function circle([x, y]: Place, width: number, height: number): Place[] {
  return Array.from({ length: 90 }, (_, step) => {
    const angle = -2 + (step / 90) * 6.6;
    const off = 1 + step / 1_500;
    return [x + width * off * Math.cos(angle), y + height * off * Math.sin(angle)] as const;
  });
}

const browser = await chromium.launch({
  executablePath: process.env.CHROME_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const ada = await open("Ada", "#c2303a");
const ben = await open("Ben", "#0f7676");
await clear(ada);

await ada.keyboard.press("t");
await choose(ada, "black", "Medium");
await ada.mouse.click(90, 128);
await ada.keyboard.type("How an edit becomes safe");
await ada.keyboard.press("Escape");
await ada.keyboard.press("Escape");

await note(ada, "yellow", [190, 300], "You draw a stroke");
await note(ada, "blue", [530, 300], "The room sends it to everybody");
await note(ada, "green", [870, 300], "Committed to disk: Saved");

await ada.keyboard.press("a");
await choose(ada, "grey", "Medium");
await drag(
  ada,
  curve(305, 415, () => 300),
);
await ada.keyboard.press("Escape");
await ada.keyboard.press("a");
await drag(
  ada,
  curve(645, 755, () => 300),
);
await ada.keyboard.press("Escape");

await ada.keyboard.press("p");
await choose(ada, "red", "Medium");
await drag(
  ada,
  curve(440, 620, (x) => 420 + 3 * Math.sin((x - 440) / 9)),
);
await ada.keyboard.press("o");
await choose(ada, "violet", "Fill");
await drag(ada, [
  [580, 490],
  [700, 520],
  [800, 575],
]);
await ada.keyboard.press("Escape");
await ada.keyboard.press("t");
await choose(ada, "violet", "Thin");
await ada.mouse.click(621, 532);
await ada.keyboard.type("survives kill -9");
await ada.keyboard.press("Escape");
await ada.keyboard.press("Escape");
await ada.keyboard.press("a");
await choose(ada, "violet", "Medium");
await drag(ada, [
  [868, 432],
  [840, 470],
  [806, 508],
]);
await ada.keyboard.press("Escape");

// Ben is in the middle of a stroke, and Ada has something selected.
await ben.keyboard.press("p");
await choose(ben, "orange", "Medium");
await drag(ben, circle([870, 300], 136, 124), true);
await ada.keyboard.press("v");
await ada.mouse.click(190, 300);
await ada.mouse.move(240, 360);
await ada.locator('[data-status="saved"]').waitFor();
await ada.waitForTimeout(600);
await ada.screenshot({ path: TARGET });
await ben.mouse.up();
await browser.close();
console.log(`wrote ${TARGET}`);
