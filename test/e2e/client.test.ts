import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Awareness } from "y-protocols/awareness";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { PING, PONG } from "../../shared/messages.ts";
import { countingSocket, destroyAll, provide, sees, WITHOUT_NETWORK } from "../support/client-world.ts";
import { TcpProxy } from "../support/proxy.ts";
import { Server } from "../support/server.ts";
import { pause, until } from "../support/until.ts";

process.setMaxListeners(50);

const SMALL_FRAME = 20_000;

let server: Server;
let smallServer: Server;
let viewerServer: Server;

beforeAll(async () => {
  [server, smallServer, viewerServer] = await Promise.all([
    Server.start(),
    Server.start(`MAX_FRAME_BYTES:${SMALL_FRAME}`, "MAX_DOCUMENT_BYTES:30000"),
    Server.start("OPEN_ROLE:viewer"),
  ]);
});

afterAll(async () => {
  destroyAll();
  await Promise.all([server, smallServer, viewerServer].map((one) => one?.stop()));
});

let rooms = 0;
const freshRoom = () => `client/${++rooms}`;

describe.concurrent("what is saved", () => {
  it("is counted until the room acknowledges it", async () => {
    const room = freshRoom();
    const one = provide(server.url, room);
    one.text.insert(0, "hello");
    expect(one.provider.saved).toEqual({ state: "offline", unsaved: 5 });
    await one.provider.whenSaved();
    await until(() => one.provider.saved.state === "saved", "saved");
    one.text.delete(0, 2);
    expect(one.provider.saved).toEqual({ state: "saving", unsaved: 2 });
    await one.provider.whenSaved();
    const two = provide(server.url, room);
    await until(() => two.text.toString() === "llo", "the text");
    await until(() => two.provider.saved.state === "saved", "saved");
  });

  it("is sent again after a cut, and only then saved", async () => {
    const room = freshRoom();
    const proxy = await TcpProxy.to(server.port);
    const one = provide(proxy.url, room);
    await until(() => one.provider.synced, "synced");
    for (let round = 0; round < 10; round++) {
      one.text.insert(0, `round ${round} `);
      proxy.cut();
      await until(() => !one.provider.synced, "the cut");
    }
    await one.provider.whenSaved();
    const two = provide(server.url, room);
    await until(() => two.text.toString() === one.text.toString(), "all of it");
    proxy.close();
  });

  it("[SAVE-5] is confirmed anew on each connection", async () => {
    const proxy = await TcpProxy.to(server.port);
    const one = provide(proxy.url, freshRoom());
    const states: string[] = [];
    await until(() => one.provider.saved.state === "saved", "saved");
    one.provider.on("saved-state", ({ state }) => states.push(state));
    proxy.cut();
    await until(() => states.at(-1) === "saved", "saved again");
    expect(states).toEqual(["offline", "saving", "saved"]);
    proxy.close();
  });

  it("of another tab that has no connection is forwarded, also when that tab is gone", async () => {
    const room = freshRoom();
    const connected = provide(server.url, room, { disableBc: false });
    await until(() => connected.provider.saved.state === "saved", "saved");
    const other = provide(server.url, room, { disableBc: false, ...WITHOUT_NETWORK });
    other.text.insert(0, "by the other tab");
    await until(() => connected.text.length > 0, "the edit to cross");
    other.provider.destroy();
    expect(connected.provider.saved.state).toBe("saving");
    await connected.provider.whenSaved();
    const reader = provide(server.url, room);
    await until(() => reader.text.toString() === "by the other tab", "the edit in the room");
  });
});

describe.concurrent("a rejection", () => {
  it("of an edit above the frame limit is made here, without a reconnect", async () => {
    const room = freshRoom();
    const { provider, text } = provide(smallServer.url, room);
    const closes: unknown[] = [];
    const rejections: { code: string; update: Uint8Array }[] = [];
    provider.on("connection-close", (event) => closes.push(event));
    provider.on("rejected", (rejection) => rejections.push(rejection));
    text.insert(0, "kept ");
    await provider.whenSaved();
    text.insert(5, "x".repeat(SMALL_FRAME));
    text.insert(0, "later ");
    await expect(provider.whenSaved()).rejects.toMatchObject({ code: "frame-too-large" });
    expect(rejections.map(({ code }) => code)).toEqual(["frame-too-large"]);
    expect(provider.saved).toEqual({ state: "rejected", unsaved: SMALL_FRAME + 6, code: "frame-too-large" });
    const { doc, refused } = await provider.rebuilt();
    provider.destroy();
    expect(doc.getText("text").toString()).toBe("kept ");
    const next = provide(smallServer.url, room, { doc });
    next.text.insert(5, "and on");
    await next.provider.whenSaved();
    expect(closes).toEqual([null]);
    Y.applyUpdate(doc, refused);
    expect(next.text.toString()).toContain("x".repeat(SMALL_FRAME));
  });

  it("by the room stops all further edits, and a later connection does not bring them back", async () => {
    const room = freshRoom();
    const { provider, text } = provide(smallServer.url, room);
    const codes: string[] = [];
    provider.on("rejected", ({ code }) => codes.push(code));
    await until(() => provider.saved.state === "saved", "saved");
    for (let part = 0; part < 4; part++) text.insert(0, "y".repeat(10_000));
    await until(() => codes.length === 1, "the rejection");
    expect(codes).toEqual(["document-full"]);
    const reader = provide(smallServer.url, room);
    await until(() => reader.provider.synced, "synced");
    const { length } = reader.text;
    text.insert(0, "z");
    provider.disconnect();
    provider.connect();
    await until(() => provider.synced, "synced again");
    // The room handles the event after everything that the same socket sent before.
    const fence = new Promise((resolve) => reader.provider.connection.once("event", resolve));
    provider.connection.publish("fence");
    await fence;
    const late = provide(smallServer.url, room);
    await until(() => late.provider.synced, "synced");
    expect([reader.text.length, late.text.length]).toEqual([length, length]);
    expect(provider.saved.state).toBe("rejected");
  });

  it("tells who may only read, and not who changes nothing", async () => {
    const room = freshRoom();
    const { provider, text } = provide(viewerServer.url, room);
    await until(() => provider.saved.state === "saved", "saved");
    expect(provider.connection.capabilities).toEqual(["read"]);
    const rejections: { code: string; update: Uint8Array }[] = [];
    provider.on("rejected", (rejection) => rejections.push(rejection));
    text.insert(0, "not mine to write");
    await until(() => rejections.length === 1, "the rejection");
    const refused = new Y.Doc();
    Y.applyUpdate(refused, rejections[0]?.update ?? new Uint8Array());
    expect(rejections[0]?.code).toBe("forbidden");
    expect(refused.getText("text").toString()).toBe("not mine to write");
  });

  it("tells who wrote offline and may only read", async () => {
    const doc = new Y.Doc();
    doc.getText("text").insert(0, "written offline");
    const { provider } = provide(viewerServer.url, freshRoom(), { doc });
    await expect(provider.whenSaved()).rejects.toMatchObject({ code: "forbidden" });
  });
});

describe.concurrent("a connection", () => {
  it("that is frozen is found dead by a ping, and replaced", async () => {
    const room = freshRoom();
    const proxy = await TcpProxy.to(server.port);
    const { provider, text } = provide(proxy.url, room, { pingInterval: 500, pingTimeout: 500 });
    await until(() => provider.synced, "synced");
    const closes: unknown[] = [];
    provider.on("connection-close", (event) => closes.push(event));
    proxy.freeze();
    text.insert(0, "into the void");
    await provider.whenSaved();
    expect(closes).toEqual([null]);
    const reader = provide(server.url, room);
    await until(() => reader.text.toString() === "into the void", "the edit");
    proxy.close();
  });

  it("offers its token as a subprotocol, fetched anew each time", async () => {
    const offered: unknown[] = [];
    class Offers extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        offered.push(protocols);
      }
    }
    let count = 0;
    const token = async () => `token-${++count}`;
    const { provider } = provide(server.url, freshRoom(), { token, WebSocketPolyfill: Offers });
    await until(() => provider.synced, "synced");
    provider.disconnect();
    provider.connect();
    await until(() => provider.synced, "synced again");
    expect(offered).toEqual([
      ["roomful.v1", "roomful.bearer.token-1"],
      ["roomful.v1", "roomful.bearer.token-2"],
    ]);
  });

  it("reaches rooms of any name that a room may have", async () => {
    const name = "a b/ü?#%2e\\&/%/'";
    const [one, two] = [provide(server.url, name), provide(server.url, name)];
    one.text.insert(0, "here");
    await until(() => two.text.toString() === "here", "the edit");
    expect(one.provider.roomname).toBe(name);
  });
});

describe.concurrent("those who do nothing", () => {
  it("[PRES-7] exchange pings alone for two minutes, and still see each other", async () => {
    const room = freshRoom();
    const sockets = [countingSocket(), countingSocket()];
    const clients = sockets.map(({ WebSocketPolyfill }) => provide(server.url, room, { WebSocketPolyfill }));
    await untouched(clients, sockets);
  });

  it("[PRES-7] do so too with an Awareness of the app's own", async () => {
    const room = freshRoom();
    const sockets = [countingSocket(), countingSocket()];
    const clients = sockets.map(({ WebSocketPolyfill }) => {
      const doc = new Y.Doc();
      return provide(server.url, room, { WebSocketPolyfill, doc, awareness: new Awareness(doc) });
    });
    await untouched(clients, sockets);
    const [one, two] = clients;
    if (one === undefined || two === undefined) throw new Error("two clients");
    one.awareness.setLocalStateField("at", 1);
    await until(() => two.awareness.getStates().get(one.doc.clientID)?.at === 1, "a change after that");
    for (const { awareness } of clients) awareness.destroy();
  });

  it("[PRES-7] see a stock client and are seen by it, untouched for 90 s", async () => {
    const room = freshRoom();
    const own = provide(server.url, room);
    const doc = new Y.Doc();
    const stock = new WebsocketProvider(server.url, room, doc, { disableBc: true });
    const both = () => sees(own, { doc }) && sees(stock, own);
    await until(both, "to see each other");
    for (let second = 0; second < 90; second++) {
      await pause(1_000);
      expect(both(), `after ${second} s`).toBe(true);
    }
    stock.destroy();
    await until(() => !sees(own, { doc }), "to see it leave");
  });
});

type Client = ReturnType<typeof provide>;

async function untouched(clients: readonly Client[], sockets: readonly ReturnType<typeof countingSocket>[]) {
  const all = () => clients.every((one) => clients.every((other) => sees(one, other)));
  await until(all, "to see each other");
  // Talk of their coming: answers to claims, and announcements that are made again.
  await pause(3_000);
  for (const { sent, received } of sockets) {
    sent.length = 0;
    received.length = 0;
  }
  for (let second = 0; second < 120; second++) {
    await pause(1_000);
    expect(all(), `after ${second} s`).toBe(true);
  }
  for (const { sent, received } of sockets) {
    expect(new Set(sent)).toEqual(new Set([PING]));
    expect(new Set(received)).toEqual(new Set([PONG]));
    expect(sent.length).toBeGreaterThanOrEqual(2);
  }
}
