import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    browserPath: string;
  }
}

const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

function findBrowser(): string | undefined {
  const named = process.env.CHROME_PATH;
  if (named !== undefined) return named;
  for (const command of COMMANDS) {
    const { status, stdout } = spawnSync(process.platform === "win32" ? "where" : "which", [command], {
      encoding: "utf8",
    });
    const path = stdout?.split("\n")[0]?.trim();
    if (status === 0 && path) return path;
  }
  return [...PLACES, chromium.executablePath()].find((path) => existsSync(path));
}

function installBrowser(): void {
  const isRootOnDebian = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  const say = (how: string) => console.log(`No Chromium or Chrome is installed: installing one ${how}.`);
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: "inherit" });
  if (isRootOnDebian) {
    say("from Debian's packages");
    run("apt-get", "update", "-qq");
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium");
  } else {
    say("by Playwright's download");
    run("node_modules/.bin/playwright-core", "install", "chromium");
  }
}

/** Finds the browser for the tests, and installs one when there is none: they are never left out. */
export function setup(project: TestProject): void {
  if (findBrowser() === undefined) installBrowser();
  const path = findBrowser();
  if (path === undefined) throw new Error("a browser was installed and is not found; set CHROME_PATH to it");
  project.provide("browserPath", path);
}
