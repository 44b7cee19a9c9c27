import { randomUUID } from "node:crypto";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { mintToken } from "../../backend/index.ts";
import { BoardBrowser, drag, untilStatus } from "../support/board-browser.ts";
import { AUDIBLE, SILENCE, TONES } from "../support/call-pages.ts";
import { Server } from "../support/server.ts";

const SECRET = "a secret that signs the links of a test's calls";
const WITHIN = { timeout: 30_000 };
const [LOW, HIGH] = TONES;

let browser: BoardBrowser;
let server: Server;
let room: string;

beforeAll(async () => {
  [browser, server] = await Promise.all([
    // Pages call each other on loopback, and play without a click but where a test forbids it.
    BoardBrowser.start(["--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required"]),
    Server.start("AUTH:token", `TOKEN_SECRET:${SECRET}`),
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

interface Sound {
  asked: number;
  silent: boolean;
  blocked: boolean;
  heard: (hertz: number) => number;
  live: () => number;
}
declare const sound: Sound;

/** In front of the microphone a tone sounds; what is played is listened to. Runs in the page, before its own scripts. */
function listenIn({ hertz, isDenied, isBlocked }: { hertz: number; isDenied: boolean; isBlocked: boolean }): void {
  const tracks: MediaStreamTrack[] = [];
  const analysers: AnalyserNode[] = [];
  let context: AudioContext | null = null;
  const audio = () => {
    context ??= new AudioContext();
    return context;
  };
  const gain = { node: null as GainNode | null };
  const state = {
    asked: 0,
    blocked: isBlocked,
    set silent(isSilent: boolean) {
      if (gain.node !== null) gain.node.gain.value = isSilent ? 0 : 0.3;
    },
    live: () => tracks.filter(({ readyState }) => readyState === "live").length,
    /** Decibels of a tone, in the loudest of what is played. */
    heard: (tone: number) =>
      Math.max(
        Number.NEGATIVE_INFINITY,
        ...analysers.map((analyser) => {
          const bins = new Float32Array(analyser.frequencyBinCount);
          analyser.getFloatFrequencyData(bins);
          return bins[Math.round((tone * analyser.fftSize) / audio().sampleRate)] ?? Number.NEGATIVE_INFINITY;
        }),
      ),
  };
  Object.assign(globalThis, { sound: state });
  navigator.mediaDevices.getUserMedia = async () => {
    state.asked++;
    if (isDenied) throw new DOMException("no", "NotAllowedError");
    const out = audio().createMediaStreamDestination();
    gain.node = new GainNode(audio(), { gain: 0.3 });
    const oscillator = new OscillatorNode(audio(), { frequency: hertz });
    oscillator.connect(gain.node).connect(out);
    oscillator.start();
    tracks.push(...out.stream.getTracks());
    return out.stream;
  };
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = async function () {
    if (state.blocked) throw new DOMException("a click is needed", "NotAllowedError");
    if (this.srcObject instanceof MediaStream) {
      const analyser = audio().createAnalyser();
      analyser.fftSize = 2_048;
      audio().createMediaStreamSource(this.srcObject).connect(analyser);
      analysers.push(analyser);
    }
    return play.call(this);
  };
}

interface Someone {
  readonly name: string;
  readonly hertz?: number;
  readonly isDenied?: boolean;
  readonly isBlocked?: boolean;
  readonly role?: "viewer" | "editor" | "moderator";
  readonly options?: BrowserContextOptions;
}

async function enter({ name, hertz = LOW, isDenied = false, isBlocked = false, role = "editor", options }: Someone) {
  // Without the permission the browser tells no addresses of this machine.
  const context = await browser.newContext({ permissions: ["microphone"], ...options });
  await context.addInitScript(listenIn, { hertz, isDenied, isBlocked });
  const token = await mintToken({ secret: SECRET }, { room, role, subject: name, name });
  const page = await browser.open(`http://127.0.0.1:${server.port}/${room}#token=${token}`, context);
  await untilStatus(page, role === "viewer" ? "read-only" : "saved");
  return page;
}

const join = (page: Page) => page.getByRole("button", { name: /^Join call/ }).click();
const call = (page: Page) => page.getByRole("region", { name: "Call" });
const face = (page: Page, name: string) => call(page).locator(".call-face", { hasText: name });
const heard = (page: Page, hertz: number) => page.evaluate((tone) => sound.heard(tone), hertz);

it("two join by a click, hear each other's tone, see who speaks; mute shows on the other side, and is silence", async () => {
  const [ada, grace] = await Promise.all([
    enter({ name: "Ada", hertz: LOW }),
    enter({ name: "Grace", hertz: HIGH, role: "moderator" }),
  ]);
  expect(await ada.evaluate(() => sound.asked)).toBe(0);
  await join(ada);
  await grace.getByRole("button", { name: "Join call (1)" }).click();
  await expect.poll(() => heard(ada, HIGH), WITHIN).toBeGreaterThan(AUDIBLE);
  await expect.poll(() => heard(grace, LOW), WITHIN).toBeGreaterThan(AUDIBLE);
  await expect.poll(() => heard(ada, LOW), WITHIN).toBeLessThan(AUDIBLE);
  await face(grace, "Ada").and(grace.locator('[data-speaking="true"]')).waitFor();
  await face(grace, "Ada")
    .getByText(/good connection/)
    .waitFor({ state: "attached" });

  await call(ada).getByRole("button", { name: "Mute" }).click();
  await face(grace, "Ada").and(grace.locator('[data-muted="true"][data-speaking="false"]')).waitFor();
  await expect.poll(() => heard(grace, LOW), WITHIN).toBeLessThan(SILENCE);
  // The tone goes on before the muted microphone.
  await call(ada).getByText("You are muted.").waitFor();
  await call(ada).getByRole("button", { name: "Unmute" }).click();
  await expect.poll(() => heard(grace, LOW), WITHIN).toBeGreaterThan(AUDIBLE);

  // A moderator's mute.
  await grace.getByRole("button", { name: /^You are / }).click();
  await grace.getByRole("button", { name: "What Ada may do" }).click();
  await grace.getByRole("group", { name: "What Ada may do" }).getByRole("button", { name: "Mute" }).click();
  await call(ada).getByText("A moderator muted you.").waitFor();
  expect(await call(ada).getByRole("button", { name: "Mute" }).isDisabled()).toBe(true);
  await expect.poll(() => heard(grace, LOW), WITHIN).toBeLessThan(SILENCE);

  // Whoever leaves lets go of the microphone; whoever closes the page is gone from the call.
  await call(ada).getByRole("button", { name: "Leave call" }).click();
  await expect.poll(() => ada.evaluate(() => sound.live()), WITHIN).toBe(0);
  await face(grace, "Ada").waitFor({ state: "detached" });
  await ada.getByRole("button", { name: "Join call (1)" }).waitFor();
  await grace.close();
  await ada.getByRole("button", { name: "Join call", exact: true }).waitFor();
});

it("without a microphone one listens, and is told; a blocked sound waits for a click; drawing goes on", async () => {
  const [ada, grace] = await Promise.all([
    enter({ name: "Ada", isDenied: true, isBlocked: true }),
    enter({ name: "Grace", hertz: HIGH }),
  ]);
  await join(grace);
  await join(ada);
  await call(ada).getByText("Your browser waits for a click.").waitFor(WITHIN);
  expect(await heard(ada, HIGH)).toBe(Number.NEGATIVE_INFINITY);
  await ada.evaluate(() => {
    sound.blocked = false;
  });
  await call(ada).getByRole("button", { name: "Click to hear the others" }).click();
  await expect.poll(() => heard(ada, HIGH), WITHIN).toBeGreaterThan(AUDIBLE);
  await call(ada).getByText("The microphone is blocked: you only listen.").waitFor();
  await face(grace, "Ada")
    .getByText(/listening only/)
    .waitFor({ state: "attached" });
  await ada.keyboard.press("p");
  await drag(ada, [
    [100, 400],
    [300, 400],
  ]);
  await untilStatus(ada, "saved");
  // Who may look only is offered no call.
  const joan = await enter({ name: "Joan", role: "viewer" });
  expect(await joan.getByRole("button", { name: /^Join call/ }).count()).toBe(0);
});
