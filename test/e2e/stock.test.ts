import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { TcpProxy } from "../support/proxy.ts";
import { Server } from "../support/server.ts";
import { pause, until } from "../support/until.ts";

// Each provider listens for the end of the process.
process.setMaxListeners(50);

let server: Server;
const opened: { destroy(): void }[] = [];

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  for (const provider of opened) provider.destroy();
  await server?.stop();
});

let rooms = 0;
/** Stock clients renew their presence after 15 s. */
const BEFORE_RENEWAL_MS = 8_000;

const freshRoom = () => `stock/${++rooms}`;

async function untilParticipants(room: string, count: number): Promise<void> {
  const url = `http://127.0.0.1:${server.port}/api/rooms/${encodeURIComponent(room)}/participants`;
  let here = -1;
  while (here !== count) {
    const { participants } = (await (await fetch(url)).json()) as { participants: unknown[] };
    here = participants.length;
    await pause(20);
  }
}

/** An unmodified provider that can sync through nothing but the server. */
function provide(room: string, { url = server.url, doc = new Y.Doc(), ...options }: StockOptions = {}) {
  const provider = new WebsocketProvider(url, room, doc, { disableBc: true, ...options });
  opened.push(provider);
  return { provider, doc, awareness: provider.awareness, text: doc.getText("text") };
}

type StockOptions = NonNullable<ConstructorParameters<typeof WebsocketProvider>[3]> & { url?: string; doc?: Y.Doc };

/** Waits until so many more attempts to connect have failed. */
async function untilFailed(provider: WebsocketProvider, count: number): Promise<void> {
  let failures = 0;
  provider.on("connection-error", () => failures++);
  await until(() => failures >= count, "connections to fail");
}

describe.concurrent("stock y-websocket clients", () => {
  it("the pair does not converge without the server", async () => {
    const nowhere = "ws://127.0.0.1:9/rooms";
    const [one, two] = [provide("nowhere", { url: nowhere }), provide("nowhere", { url: nowhere })];
    one.text.insert(0, "hello");
    await Promise.all([one, two].map(({ provider }) => untilFailed(provider, 2)));
    expect(two.text.toString()).toBe("");
  });

  it("two clients converge", async () => {
    const room = freshRoom();
    const [one, two] = [provide(room), provide(room)];
    await until(() => one.provider.synced && two.provider.synced, "both synced");
    one.text.insert(0, "one ");
    two.text.insert(0, "two ");
    await until(() => one.text.length === 8 && two.text.length === 8, "both edits");
    expect(one.text.toString()).toBe(two.text.toString());
  });

  it("edits made before connecting arrive", async () => {
    const room = freshRoom();
    const offline = new Y.Doc();
    offline.getText("text").insert(0, "written offline");
    const [one, two] = [provide(room, { doc: offline }), provide(room)];
    await until(() => two.text.toString() === "written offline", "the offline edit");
    expect(one.provider.synced).toBe(true);
  });

  it("one alone and idle for 70 s never reconnects", async () => {
    const { provider } = provide(freshRoom());
    const statuses: string[] = [];
    provider.on("status", ({ status }) => statuses.push(status));
    await until(() => provider.synced, "synced");
    // The timers by which a stock client gives up a silent connection, and renews its presence.
    await pause(70_000);
    expect(statuses).toEqual(["connected"]);
    expect(provider.wsconnected).toBe(true);
  });

  it("awareness of those present reaches a newcomer", async () => {
    const room = freshRoom();
    const one = provide(room);
    one.awareness.setLocalStateField("user", { name: "one" });
    await until(() => one.provider.synced, "synced");
    const late = provide(room);
    await until(() => late.awareness.getStates().has(one.doc.clientID), "to see who is there");
    expect(late.awareness.getStates().get(one.doc.clientID)).toEqual({ user: { name: "one" } });
    await until(() => one.awareness.getStates().has(late.doc.clientID), "to see who came");
  });

  it("a client that reconnects is visible to others at once, not at its next renewal", async () => {
    const room = freshRoom();
    const proxy = await TcpProxy.to(server.port);
    const [one, two] = [provide(room, { url: proxy.url }), provide(room)];
    const sees = () => two.awareness.getStates().has(one.doc.clientID);
    one.awareness.setLocalStateField("user", { name: "one" });
    await until(sees, "to see the other");
    for (const leave of ["cut", "disconnect"] as const) {
      if (leave === "cut") proxy.cut();
      else one.provider.disconnect();
      await until(() => !sees(), `to see it gone after ${leave}`);
      one.provider.connect();
      await until(() => one.provider.wsconnected, "connected again");
      await until(sees, `to see it again after ${leave}`, BEFORE_RENEWAL_MS);
      const isSeen = () => one.awareness.getStates().has(two.doc.clientID);
      await until(isSeen, `who stayed to be seen by who came back after ${leave}`, BEFORE_RENEWAL_MS);
    }
    proxy.close();
  });

  it("one that reconnects while its old socket hangs half-open is visible within five seconds", async () => {
    const room = freshRoom();
    const proxy = await TcpProxy.to(server.port);
    const [one, two] = [provide(room, { url: proxy.url }), provide(room)];
    one.awareness.setLocalStateField("at", "before");
    const seen = () => two.awareness.getStates().get(one.doc.clientID)?.at;
    await until(() => seen() === "before", "to see the other");
    // What both still say of their coming would prove a frozen socket alive.
    await pause(500);
    proxy.freeze();
    const { doc, awareness } = one;
    opened.push(new WebsocketProvider(server.url, room, doc, { disableBc: true, awareness }));
    awareness.setLocalStateField("at", "after");
    await until(() => seen() === "after", "to see the other again", 5_000);
    let removals = 0;
    two.awareness.on("change", ({ removed }: { removed: number[] }) => {
      if (removed.includes(doc.clientID)) removals++;
    });
    proxy.close();
    await untilParticipants(room, 2);
    // Broadcasts keep their order: a removal by the old socket's end would come before this change.
    awareness.setLocalStateField("at", "still there");
    await until(() => seen() === "still there", "a change after the old socket's end");
    expect(removals).toBe(0);
  });

  it("a setting out of its range is told in the log and to every caller", async () => {
    const told = await Server.start("COMMIT_MS:fast").then(
      () => "it serves",
      (error: Error) => error.message.replaceAll("\\", ""),
    );
    const words = 'COMMIT_MS = "fast" must be 0 to 10000 (milliseconds)';
    expect(told.split("\n")[0]).toContain(words);
    expect(told.split("\n").slice(1).join("\n")).toContain(words);
  });

  it("[AUTH-1] a deployment without keys refuses with a final code and a reason", async () => {
    const closed = await Server.start("AUTH:token");
    opened.push({ destroy: () => void closed.stop() });
    const { provider } = provide("any", { url: closed.url });
    const ends: unknown[] = [];
    provider.on("closed", (end) => ends.push(end));
    await until(() => ends.length === 1, "the provider to stop");
    expect(ends[0]).toEqual({ code: 4401, reason: expect.stringMatching(/^tokens-not-configured: /) });
  });
});
