import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { inject } from "vitest";
import { ARGUMENTS } from "./browser.ts";

export const SIZE = { width: 1_000, height: 700 };

/** What Chromium itself writes when a network that a test cut is gone. */
const OF_THE_NETWORK = /net::ERR_(?:INTERNET_DISCONNECTED|CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|FAILED)/;

/** Red, green, blue, alpha: 0 to 255. */
export type Pixel = readonly [number, number, number, number];

/** A real browser for the whiteboard, as the server serves it. */
export class BoardBrowser {
  readonly #browser: Browser;
  /** Errors of all pages: what the console showed, and what nobody caught. */
  readonly complaints: string[] = [];
  /** Those of them that a cut network explains. */
  readonly networkComplaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(flags: readonly string[] = []): Promise<BoardBrowser> {
    return new BoardBrowser(
      await chromium.launch({ executablePath: inject("browserPath"), args: [...ARGUMENTS, ...flags] }),
    );
  }

  /** A context shares storage and channels with no other: it is another person's computer. */
  newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    return this.#browser.newContext({ viewport: SIZE, ...options });
  }

  /** Opens a board, as somebody else than all before if no context is given, and waits until it can be drawn on. */
  async open(url: string, context?: BrowserContext): Promise<Page> {
    const page = await (context ?? (await this.newContext())).newPage();
    page.on("console", (message) => {
      if (message.type() === "error") this.#complain(message.text());
    });
    page.on("pageerror", (error) => this.#complain(`uncaught: ${error.stack}`));
    await page.goto(url);
    await page.locator(".tools").waitFor();
    return page;
  }

  /** Closes every page, and forgets whose computers they were on. */
  async closePages(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
  }

  stop(): Promise<void> {
    return this.#browser.close();
  }

  #complain(text: string): void {
    (OF_THE_NETWORK.test(text) ? this.networkComplaints : this.complaints).push(text);
  }
}

/** Presses at the first point, and lets go at the last. */
export async function drag(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  await press(page, points);
  await page.mouse.up();
}

export async function press(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const [first, ...others] = points;
  if (first === undefined) return;
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const point of others) await page.mouse.move(...point, { steps: 4 });
}

/** What a layer shows at a place of the screen. */
export async function pixelAt(page: Page, layer: "still" | "live", x: number, y: number): Promise<Pixel> {
  return page.evaluate(
    ([index, left, top]) => {
      const canvas = document.querySelectorAll("canvas")[index];
      const data = canvas?.getContext("2d")?.getImageData(left, top, 1, 1).data;
      return [data?.[0] ?? 0, data?.[1] ?? 0, data?.[2] ?? 0, data?.[3] ?? 0] as const;
    },
    [layer === "still" ? 0 : 1, x, y] as const,
  );
}

/** How many pixels of an area a layer paints in about a colour. */
export async function countPixels(
  page: Page,
  layer: "still" | "live",
  area: readonly [x: number, y: number, w: number, h: number],
  color: readonly [number, number, number],
): Promise<number> {
  return page.evaluate(
    ([index, place, [red, green, blue]]) => {
      const context = document.querySelectorAll("canvas")[index]?.getContext("2d");
      const data = context?.getImageData(...place).data ?? new Uint8ClampedArray();
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const off = (channel: number, wanted: number) => Math.abs((data[at + channel] ?? 0) - wanted);
        if ((data[at + 3] ?? 0) > 200 && off(0, red) + off(1, green) + off(2, blue) < 24) count++;
      }
      return count;
    },
    [layer === "still" ? 0 : 1, area, color] as const,
  );
}

/** What the light says. */
export async function statusOf(page: Page): Promise<string> {
  return (await page.locator(".status-text .words").textContent()) ?? "";
}

/** Waits until a page's light is in a state. */
export async function untilStatus(page: Page, state: string, timeout = 30_000): Promise<void> {
  await page.locator(`[data-status="${state}"]`).waitFor({ timeout });
}
