import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { build } from "esbuild";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { inject } from "vitest";

/** Another site, whose name leads to the same pages. */
export const OTHER_SITE = "other-site.example";

export const ARGUMENTS = [
  `--host-resolver-rules=MAP ${OTHER_SITE} 127.0.0.1`,
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The icon is in the page, so that nobody asks the server for one. */
const HTML = `<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">
<div id="app"></div><script src="/script.js"></script>`;

/** A real browser, and a page that a server of its own serves: it can be reloaded while the rooms' server is away. */
export class TestBrowser {
  /** Errors of all pages: what the console showed, and what nobody caught. */
  readonly complaints: string[] = [];
  readonly #pages: HttpServer;
  readonly #browser: Browser;

  private constructor(pages: HttpServer, browser: Browser) {
    this.#pages = pages;
    this.#browser = browser;
  }

  /** @param entry the script of the page, which is bundled. @param flags of the browser, beside those of every test */
  static async start(entry: string, flags: readonly string[] = []): Promise<TestBrowser> {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: "iife",
      define: { "process.env.NODE_ENV": '"development"' },
    });
    const script = outputFiles[0]?.contents;
    const pages = createServer(({ url }, response) => {
      const isScript = url === "/script.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : HTML);
    });
    pages.listen(0, "127.0.0.1");
    await once(pages, "listening");
    const args = [...ARGUMENTS, ...flags];
    return new TestBrowser(pages, await chromium.launch({ executablePath: inject("browserPath"), args }));
  }

  /** Of every page. */
  get origin(): string {
    const address = this.#pages.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}`;
  }

  /** A context shares storage and channels with no other. */
  newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    return this.#browser.newContext(options);
  }

  /**
   * Opens the page, in a context of its own if none is given.
   * @param query what the page's script reads
   * @param origin as which site
   */
  async open(
    query: Readonly<Record<string, string>> = {},
    context?: BrowserContext,
    origin = this.origin,
  ): Promise<Page> {
    const page = await (context ?? (await this.newContext())).newPage();
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(`uncaught: ${error.message}`));
    await page.goto(`${origin}/?${new URLSearchParams(query)}`);
    return page;
  }

  /** Lets the pages of a context store no more than some bytes: the browser itself then refuses what is beyond. */
  async limitStorage(context: BrowserContext, bytes: number): Promise<void> {
    const session = await context.newCDPSession(await context.newPage());
    await session.send("Storage.overrideQuotaForOrigin", { origin: this.origin, quotaSize: bytes });
  }

  /** Closes every page that is open. */
  async closePages(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    this.#pages.close();
  }
}
