import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { TestBrowser } from "../support/browser.ts";
import {
  AUDIBLE,
  CALL_FLAGS,
  connectedTo,
  hearsSilence,
  hearsTone,
  idOf,
  joined,
  openCallPage,
  packetsGoOn,
  TONES,
} from "../support/call-pages.ts";
import type { CallPageApi } from "./call-page.ts";

declare const page: CallPageApi;

let server: BareRoomServer;
let url: string;
let browser: TestBrowser;
let rooms = 0;
const freshRoom = () => `calls/${++rooms}`;
const [LOW, MIDDLE, HIGH] = TONES;

beforeAll(async () => {
  [server, browser] = await Promise.all([
    BareRoomServer.start({ settings: { OPEN_ROLE: "moderator" } }),
    TestBrowser.start("test/browser/call-page.ts", CALL_FLAGS),
  ]);
  url = await server.url();
});
afterAll(async () => {
  await Promise.all([browser?.stop(), server?.stop()]);
});
afterEach(async () => {
  await browser.closePages();
  expect(browser.complaints.splice(0)).toEqual([]);
});

const state = (opened: Page) => opened.evaluate(() => page.state());
const peers = (opened: Page) => opened.evaluate(() => page.peers());

it("two pages hear each other's tone and not their own, fifty packets a second, and see who speaks and how well", async () => {
  const pages = await joined(browser, url, freshRoom(), 2);
  const [one, two] = pages as [Page, Page];
  await Promise.all([hearsTone(one, two, MIDDLE), hearsTone(two, one, LOW)]);
  // An echo of the own tone would pass for the other side.
  const heard = [await idOf(two), LOW] as const;
  // A gap in what arrives sounds like everything for a moment; an echo does not stop.
  await expect
    .poll(() => one.evaluate(([peer, own]) => page.hears(String(peer), [Number(own)])[0] ?? 0, heard), {
      timeout: 20_000,
    })
    .toBeLessThan(AUDIBLE);
  const rate = await one.evaluate(() => page.packetRate());
  expect(rate).toBeGreaterThan(40);
  expect(rate).toBeLessThan(60);
  await one.waitForFunction(
    () => typeof page.peers()[0]?.quality?.rttMs === "number" && page.peers()[0]?.isSpeaking === true,
  );
  expect((await peers(one))[0]).toMatchObject({
    peer: await idOf(two),
    state: "connected",
    kinds: ["audio"],
    hasAudio: true,
    isMuted: false,
    quality: { relayed: false },
  });
  expect((await one.evaluate(() => page.local())).isSpeaking).toBe(true);
});

it("three peers are three pairs, each heard by each, and leaving leaves one", async () => {
  const pages = await joined(browser, url, freshRoom(), 3);
  const [one, two, three] = pages as [Page, Page, Page];
  await Promise.all([
    hearsTone(one, two, MIDDLE),
    hearsTone(one, three, HIGH),
    hearsTone(two, one, LOW),
    hearsTone(two, three, HIGH),
    hearsTone(three, one, LOW),
    hearsTone(three, two, MIDDLE),
  ]);
  await three.evaluate(() => page.leave());
  await Promise.all([connectedTo(one, 1), connectedTo(two, 1)]);
  expect(await Promise.all(pages.map((each) => each.evaluate(() => page.live().connections)))).toEqual([1, 1, 0]);
  await packetsGoOn(one);
  // A closed tab leaves too.
  await two.close();
  await one.waitForFunction(() => page.peers().length === 0);
});

it("mute sends silence over the same connection, is seen, and unmute restores; a device is changed without negotiation", async () => {
  const pages = await joined(browser, url, freshRoom(), 2);
  const [one, two] = pages as [Page, Page];
  await hearsTone(two, one, LOW);
  const before = await two.evaluate(() => page.credentials());
  await one.evaluate(() => page.mute());
  await two.waitForFunction(() => page.peers()[0]?.isMuted === true);
  await hearsSilence(two, one, LOW);
  await packetsGoOn(two, 20);
  // The tone goes on in front of the microphone.
  await one.waitForFunction(() => page.local().isSpeakingWhileMuted);
  await two.waitForFunction(() => page.peers()[0]?.isSpeaking === false);
  const kept = await one.evaluate(() => page.local());
  expect(kept).toMatchObject({ isMuted: true, microphone: { type: "on" } });
  // A device that is changed while muted is silent too.
  await one.evaluate(() => page.setInputDevice("high"));
  await hearsSilence(two, one, LOW * 3);
  await one.evaluate(() => page.unmute());
  await hearsTone(two, one, LOW * 3);
  await two.waitForFunction(() => page.peers()[0]?.isMuted === false);
  expect(await two.evaluate(() => page.credentials())).toEqual(before);
  expect(await two.evaluate(() => page.connectionCount())).toBe(1);
  // One that does not exist changes nothing.
  await expect(one.evaluate(() => page.setInputDevice("none"))).rejects.toThrow(/NotFoundError|no such device/);
  expect((await one.evaluate(() => page.local())).microphone.type).toBe("on");
  await hearsTone(two, one, LOW * 3);
});

it("a moderator's mute drops the sound at the others and silences the muted; a kick ends the call for one alone", async () => {
  const pages = await joined(browser, url, freshRoom(), 3);
  const [one, two, three] = pages as [Page, Page, Page];
  await hearsTone(one, two, MIDDLE);
  const id = await idOf(two);
  await one.evaluate((peer) => page.moderate(peer, true), id);
  await two.waitForFunction(() => page.local().isMutedByModerator && page.local().isSpeakingWhileMuted);
  await Promise.all([hearsSilence(one, two, MIDDLE), hearsSilence(three, two, MIDDLE)]);
  // It cannot make itself heard by unmuting.
  await two.evaluate(() => page.unmute());
  expect((await peers(one)).find(({ peer }) => peer === id)?.isMutedByModerator).toBe(true);
  await one.evaluate((peer) => page.moderate(peer, false), id);
  await hearsTone(one, two, MIDDLE);
  await one.evaluate((peer) => page.kick(peer), id);
  await Promise.all([connectedTo(one, 1), connectedTo(three, 1)]);
  await two.waitForFunction(() => page.state().type === "refused");
  expect(await state(two)).toMatchObject({ type: "refused", code: "kicked" });
  expect(await two.evaluate(() => page.live())).toEqual({ connections: 0, contexts: 0, tracks: 0 });
  await hearsTone(one, three, HIGH);
});

it("a lost socket leaves the call as it is: the same connections, packets go on, and who comes late gets in", async () => {
  const room = freshRoom();
  const [one, two] = (await joined(browser, url, room, 2)) as [Page, Page];
  const [id, before] = [await idOf(one), await one.evaluate(() => page.credentials())];
  await one.evaluate(() => page.cut());
  await one.waitForFunction(() => page.states().includes("reconnecting-signaling"));
  await packetsGoOn(two, 20);
  await one.waitForFunction(() => page.state().type === "joined" && page.socketCount() === 2);
  expect(await idOf(one)).toBe(id);
  const late = await openCallPage(browser, url, room, { devices: { only: HIGH } });
  await late.evaluate(() => page.join());
  await Promise.all([connectedTo(one, 2), connectedTo(two, 2), connectedTo(late, 2)]);
  await Promise.all([hearsTone(one, late, HIGH), hearsTone(late, one, LOW), hearsTone(two, one, LOW)]);
  expect((await one.evaluate(() => page.credentials())).slice(0, 1)).toEqual(before);
  expect(await two.evaluate(() => page.connectionCount())).toBe(2);
});

it("an evicted room leaves the call as it is, and who comes late gets in", async () => {
  const room = freshRoom();
  const [one, two] = (await joined(browser, url, room, 2)) as [Page, Page];
  // Not by RPC, whose results keep the room in memory.
  const statistics = new URL(`/api/rooms/${encodeURIComponent(room)}/statistics`, url.replace(/^ws/, "http"));
  const boot = async () => (await (await fetch(statistics)).json()).boot;
  const [before, credentials] = [await boot(), await one.evaluate(() => page.credentials())];
  expect(before).toMatch(/./);
  await server.evict(room);
  expect(await boot()).not.toBe(before);
  await packetsGoOn(one);
  const late = await openCallPage(browser, url, room, { devices: { only: HIGH } });
  await late.evaluate(() => page.join());
  await Promise.all([connectedTo(one, 2), connectedTo(two, 2), connectedTo(late, 2)]);
  await Promise.all([hearsTone(one, late, HIGH), hearsTone(late, two, MIDDLE), hearsTone(two, one, LOW)]);
  expect([(await one.evaluate(() => page.credentials()))[0], await one.evaluate(() => page.socketCount())]).toEqual([
    credentials[0],
    1,
  ]);
});

it("restartIce changes the credentials of the same connection, and audio goes on", async () => {
  const pages = await joined(browser, url, freshRoom(), 2);
  const [one, two] = pages as [Page, Page];
  const before = await Promise.all(pages.map((each) => each.evaluate(() => page.credentials()[0])));
  await one.evaluate(() => page.restartIce());
  for (const [index, each] of pages.entries()) {
    await each.waitForFunction((former) => page.credentials()[0] !== former, before[index]);
  }
  await Promise.all([connectedTo(one, 1), connectedTo(two, 1)]);
  await Promise.all([hearsTone(one, two, MIDDLE), hearsTone(two, one, LOW), packetsGoOn(one), packetsGoOn(two)]);
  expect(await one.evaluate(() => page.connectionCount())).toBe(1);
});

it("signals that are forged, misdirected, oversized, unjoined or a flood are refused, and a call beside them goes on", async () => {
  const room = freshRoom();
  const [one, two] = (await joined(browser, url, room, 2)) as [Page, Page];
  const [hostile, elsewhere] = await Promise.all([
    openCallPage(browser, url, room),
    openCallPage(browser, url, freshRoom()),
  ]);
  for (const each of [hostile, elsewhere]) await each.evaluate(() => page.listenForErrors());
  const ids = { to: await idOf(one), from: await idOf(two) };
  const before = await one.evaluate(() => page.connectionCount());
  const offer = { type: "offer", ...ids, connection: "forged", round: 1, description: { sdp: "v=0" } };
  const expectError = (each: Page, code: string) =>
    each.waitForFunction((wanted) => page.heardErrors().includes(wanted as never), code);
  // Not in the call, though the sender is one who is.
  await hostile.evaluate((message) => page.say(message), offer);
  await expectError(hostile, "not-in-call");
  // Of another room.
  await elsewhere.evaluate(() => page.join({ audio: false }));
  await elsewhere.evaluate((message) => page.say(message), offer);
  await expectError(elsewhere, "unknown-peer");
  // In the call, with an offer in another one's name: it arrives as the sender's own, and is no description.
  await hostile.evaluate(() => page.join({ audio: false }));
  await connectedTo(one, 2);
  await hostile.evaluate((message) => page.say(message), offer);
  await hostile.evaluate((to) => page.say({ type: "offer", to, connection: "x", round: 1 }), ids.to);
  await expectError(hostile, "malformed-message");
  await hostile.evaluate(() => page.sayText(`{"type":"offer","padding":"${"x".repeat(100_000)}"}`));
  await hostile.evaluate((message) => {
    for (let count = 0; count < 3_000; count++) page.say(message);
  }, offer);
  await Promise.all([packetsGoOn(one), packetsGoOn(two)]);
  await Promise.all([hearsTone(one, two, MIDDLE), hearsTone(two, one, LOW)]);
  const pair = await one.evaluate((id) => page.peers().find(({ peer }) => peer === id), ids.from);
  expect(pair).toMatchObject({ state: "connected" });
  // What was forged cost a connection with the forger, at most one at a time, and none of another one's.
  expect(await two.evaluate(() => page.connectionCount())).toBeLessThanOrEqual(before + 1);
});

it("a call that is full refuses with a reason, and lets in whoever comes when there is room", async () => {
  const small = await BareRoomServer.start({ settings: { MAX_CALL_MEMBERS: "2" } });
  const address = await small.url();
  const pages = (await joined(browser, address, "small", 2)) as [Page, Page];
  const third = await openCallPage(browser, address, "small", { devices: { only: HIGH } });
  expect(await third.evaluate(() => page.tryJoin())).toMatch(/^call-full: /);
  expect(await state(third)).toMatchObject({ type: "refused", code: "call-full" });
  expect(await third.evaluate(() => page.live())).toEqual({ connections: 0, contexts: 0, tracks: 0 });
  await pages[0].evaluate(() => page.leave());
  await pages[1].waitForFunction(() => page.peers().length === 0);
  expect(await third.evaluate(() => page.tryJoin())).toBe("joined");
  await connectedTo(third, 1);
  await browser.closePages();
  await small.stop();
});

it("after leave nothing is left of tracks, connections and audio contexts, however often one joined and left at once", async () => {
  const room = freshRoom();
  const other = await openCallPage(browser, url, room, { devices: { only: MIDDLE } });
  const one = await openCallPage(browser, url, room, { devices: { only: LOW } });
  await other.evaluate(() => page.join());
  for (const media of [{}, { video: true }]) {
    await one.evaluate((wanted) => page.join(wanted), media);
    await connectedTo(one, 1);
    const live = await one.evaluate(() => page.live());
    expect(live.connections).toBe(1);
    expect(live.contexts).toBe(1);
    expect(live.tracks).toBeGreaterThanOrEqual(2);
    await one.evaluate(() => page.leave());
    expect(await one.evaluate(() => page.live())).toEqual({ connections: 0, contexts: 0, tracks: 0 });
  }
  await one.evaluate(async () => {
    for (let count = 0; count < 20; count++) {
      const joining = page.tryJoin();
      if (count % 2 === 0) await new Promise((resolve) => setTimeout(resolve, count * 5));
      page.leave();
      await joining;
    }
  });
  await one.waitForFunction(() => page.live().tracks === 0);
  expect(await one.evaluate(() => page.live())).toEqual({ connections: 0, contexts: 0, tracks: 0 });
  await other.waitForFunction(() => page.peers().length === 0);
  const all = await one.evaluate(() => page.allMade());
  expect([all.connections, all.contexts].every((count) => count >= 2)).toBe(true);
  await one.evaluate(() => page.join());
  await connectedTo(one, 1);
});

it("without a microphone one listens, is told why, and can take one later; the document goes on", async () => {
  const room = freshRoom();
  const [one, listener] = await Promise.all([
    openCallPage(browser, url, room, { devices: { only: LOW } }),
    openCallPage(browser, url, room, { devices: {}, withDocument: true }),
  ]);
  await one.evaluate(() => page.join());
  await listener.evaluate(() => page.join());
  expect((await listener.evaluate(() => page.local())).microphone).toEqual({ type: "missing" });
  await hearsTone(listener, one, LOW);
  expect((await peers(one))[0]).toMatchObject({ hasAudio: false, isSpeaking: false });
  // The real one, of a browser that allows none.
  const refusing = await browser.open({}, await browser.newContext({ permissions: [] }));
  await refusing.evaluate(
    (all) => {
      const deny = async () => {
        throw new DOMException("no", "NotAllowedError");
      };
      Object.defineProperty(navigator.mediaDevices, "getUserMedia", { value: deny });
      page.open(all);
    },
    { url, room, isReal: true },
  );
  await refusing.evaluate(() => page.join());
  expect((await refusing.evaluate(() => page.local())).microphone).toEqual({ type: "denied" });
  expect(await state(refusing)).toEqual({ type: "joined" });
});

it("Chromium's own fake microphone is heard, a camera is seen and turned off, and a data channel carries words", async () => {
  const room = freshRoom();
  const [one, two] = await Promise.all([
    openCallPage(browser, url, room, { isReal: true }),
    openCallPage(browser, url, room, { devices: { only: MIDDLE } }),
  ]);
  for (const each of [one, two]) await each.evaluate(() => page.openChannels());
  await one.evaluate(() => page.join({ audio: true, video: true }));
  await two.evaluate(() => page.join());
  await Promise.all([connectedTo(one, 1), connectedTo(two, 1)]);
  // It beeps once a second.
  await two.waitForFunction(() => page.peers()[0]?.isSpeaking === true);
  await two.waitForFunction(() => page.peers()[0]?.hasVideo === true && page.peers()[0]?.kinds.includes("video"));
  expect((await one.evaluate(() => page.local())).microphone).toMatchObject({ type: "on" });
  await two.waitForFunction(() => page.sendOnChannel("hello"));
  await one.waitForFunction(() => page.receivedOnChannel().includes("hello"));
  await one.evaluate(() => page.setCamera(false));
  await two.waitForFunction(() => page.peers()[0]?.hasVideo === false);
  await two.evaluate(() => page.setCamera(true));
  await one.waitForFunction(() => page.peers()[0]?.kinds.includes("video") === true);
  expect(await one.evaluate(() => page.connectionCount())).toBe(1);
});
