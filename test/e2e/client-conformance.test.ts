import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Awareness } from "y-protocols/awareness";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { RoomProvider } from "../../client/index.ts";
import { TcpProxy } from "../support/proxy.ts";
import { Server } from "../support/server.ts";
import { pause, until } from "../support/until.ts";

process.setMaxListeners(100);

interface Options {
  readonly connect?: boolean;
  readonly params?: Record<string, string>;
}

/** Waits out the timer of a first reconnect, which nothing should have started. */
const reconnectOver = () => pause(1_000);

/** What an app may rely on, whichever provider it uses. */
interface Provider {
  readonly awareness: Awareness;
  readonly doc: Y.Doc;
  readonly roomname: string;
  readonly url: string;
  params: Record<string, string>;
  readonly synced: boolean;
  readonly wsconnected: boolean;
  readonly wsconnecting: boolean;
  readonly shouldConnect: boolean;
  connect(): void;
  disconnect(): void;
  destroy(): void;
  on(name: "status", listener: (event: { readonly status: string }) => void): unknown;
  on(name: "sync" | "synced", listener: (isSynced: boolean) => void): unknown;
  on(name: "connection-close", listener: (event: CloseEvent | null) => void): unknown;
  on(name: "connection-error", listener: (event: Event) => void): unknown;
  on(name: "closed", listener: (event: { readonly code: number; readonly reason: string }) => void): unknown;
}

const opened: Provider[] = [];

const PROVIDERS: [string, (url: string, room: string, doc: Y.Doc, options: Options) => Provider][] = [
  [
    "WebsocketProvider",
    // `synced` is missing in its types, and emitted.
    (url, room, doc, options) =>
      new WebsocketProvider(url, room, doc, { disableBc: true, ...options }) as unknown as Provider,
  ],
  [
    "RoomProvider",
    (url, room, doc, options) => new RoomProvider(url, room, doc, { disableBc: true, ...options }) as Provider,
  ],
];

let server: Server;
let closedServer: Server;

beforeAll(async () => {
  [server, closedServer] = await Promise.all([Server.start(), Server.start("AUTH:token")]);
});

afterAll(async () => {
  for (const provider of opened) provider.destroy();
  await Promise.all([server, closedServer].map((one) => one?.stop()));
});

let rooms = 0;
const freshRoom = () => `conformance/${++rooms}`;

describe.concurrent.each(PROVIDERS)("%s", (_name, create) => {
  /** A provider that is not connected yet, and what it tells. */
  function provide(room: string, { url = server.url, ...options }: Options & { readonly url?: string } = {}) {
    const doc = new Y.Doc();
    const provider = create(url, room, doc, { connect: false, ...options });
    opened.push(provider);
    const told: string[] = [];
    provider.on("status", ({ status }) => told.push(status));
    provider.on("sync", (isSynced) => told.push(`sync ${isSynced}`));
    provider.on("synced", (isSynced) => told.push(`synced ${isSynced}`));
    provider.on("connection-close", (event) => told.push(event === null ? "closed here" : "closed there"));
    provider.on("connection-error", () => told.push("error"));
    provider.on("closed", ({ code }) => told.push(`ended ${code}`));
    return { provider, doc, told, text: doc.getText("text"), awareness: provider.awareness };
  }

  const CONNECTS = ["connecting", "connected", "synced true", "sync true"];
  const LOSES = ["synced false", "sync false", "disconnected"];

  it("tells of a connection in order", async () => {
    const { provider, told } = provide("conformance/named");
    expect([provider.shouldConnect, provider.wsconnecting, provider.wsconnected]).toEqual([false, false, false]);
    expect(provider.roomname).toBe("conformance/named");
    expect(provider.url).toBe(`${server.url}/conformance/named`);
    provider.connect();
    expect([provider.shouldConnect, provider.wsconnecting, provider.wsconnected]).toEqual([true, true, false]);
    await until(() => provider.synced, "synced");
    expect([provider.shouldConnect, provider.wsconnecting, provider.wsconnected]).toEqual([true, false, true]);
    expect(told).toEqual(CONNECTS);
    provider.connect();
    expect(told).toEqual(CONNECTS);
  });

  it("tells of a lost connection in order, and connects again", async () => {
    const proxy = await TcpProxy.to(server.port);
    const { provider, told } = provide(freshRoom(), { url: proxy.url });
    provider.connect();
    await until(() => provider.synced, "synced");
    told.length = 0;
    proxy.cut();
    await until(() => provider.synced && told.length > 3, "synced again");
    // Node reports a reset socket as an error too.
    expect(told.filter((line) => line !== "error")).toEqual(["closed there", ...LOSES, ...CONNECTS]);
    proxy.close();
  });

  it("tells of its own disconnect in order, stays away, and comes back", async () => {
    const { provider, told } = provide(freshRoom());
    provider.connect();
    await until(() => provider.synced, "synced");
    told.length = 0;
    provider.disconnect();
    expect(told).toEqual(["closed here", ...LOSES]);
    expect([provider.shouldConnect, provider.wsconnecting, provider.wsconnected]).toEqual([false, false, false]);
    await reconnectOver();
    expect(told).toHaveLength(4);
    provider.connect();
    await until(() => provider.synced, "synced again");
    expect(told.slice(4)).toEqual(CONNECTS);
  });

  it("tries again where nobody answers, and never says that it was connected", async () => {
    const { provider, told } = provide(freshRoom(), { url: "ws://127.0.0.1:9/rooms" });
    provider.connect();
    await until(() => told.length >= 6, "two tries");
    expect(told.slice(0, 6)).toEqual(["connecting", "error", "closed there", "connecting", "error", "closed there"]);
    expect(provider.shouldConnect).toBe(true);
    provider.destroy();
  });

  it("ends with a final close code, and tries again when it is told to", async () => {
    const { provider, told } = provide(freshRoom(), { url: closedServer.url });
    const ends = ["connecting", "connected", "closed there", "disconnected", "ended 4401"];
    provider.connect();
    await until(() => told.includes("ended 4401"), "the end");
    expect(told).toEqual(ends);
    expect(provider.shouldConnect).toBe(false);
    await reconnectOver();
    expect(told).toEqual(ends);
    provider.connect();
    await until(() => told.length === 10, "the end again");
    expect(told).toEqual([...ends, ...ends]);
  });

  it("takes changed parameters at the next connect", async () => {
    const { provider } = provide(freshRoom(), { params: { a: "1" } });
    expect(provider.url).toMatch(/\?a=1$/);
    provider.params = { b: "2 3" };
    expect(new URL(provider.url).searchParams.get("b")).toBe("2 3");
    provider.connect();
    await until(() => provider.synced, "synced");
  });

  it("carries edits both ways, and those made while it was away", async () => {
    const room = freshRoom();
    const [one, two] = [provide(room), provide(room)];
    one.text.insert(0, "before ");
    one.provider.connect();
    two.provider.connect();
    await until(() => two.text.toString() === "before ", "what was written before");
    two.provider.disconnect();
    two.text.insert(7, "away ");
    two.provider.connect();
    await until(() => one.text.toString() === "before away ", "what was written while away");
    one.text.insert(0, "1 ");
    two.text.insert(0, "2 ");
    await until(() => one.text.length === 16 && two.text.length === 16, "what both wrote");
    expect(one.text.toString()).toBe(two.text.toString());
  });

  it("applies what others did with itself as the origin", async () => {
    const room = freshRoom();
    const [one, two] = [provide(room), provide(room)];
    const origins: unknown[] = [];
    two.doc.on("update", (_update, origin) => origins.push(origin));
    one.provider.connect();
    two.provider.connect();
    await until(() => one.provider.synced && two.provider.synced, "synced");
    one.text.insert(0, "x");
    await until(() => origins.length === 1, "the edit");
    expect(origins[0]).toBe(two.provider);
  });

  it("shows who is there, what changes, and who leaves", async () => {
    const room = freshRoom();
    const [one, two] = [provide(room), provide(room)];
    const state = () => two.awareness.getStates().get(one.doc.clientID);
    one.awareness.setLocalState({ name: "one" });
    one.provider.connect();
    two.provider.connect();
    await until(() => state()?.name === "one", "who is there");
    one.awareness.setLocalStateField("cursor", 5);
    await until(() => state()?.cursor === 5, "what changes");
    one.awareness.setLocalState(null);
    await until(() => state() === undefined, "who hides");
    one.awareness.setLocalState({ name: "back" });
    await until(() => state()?.name === "back", "who shows itself again");
    one.provider.disconnect();
    expect(one.awareness.getStates().has(two.doc.clientID)).toBe(false);
    expect(one.awareness.getLocalState()).toEqual({ name: "back" });
    await until(() => state() === undefined, "who leaves");
    one.provider.connect();
    await until(() => state()?.name === "back", "who returns");
    await until(() => one.awareness.getStates().has(two.doc.clientID), "who stayed");
  });

  it("is silent once it was destroyed", async () => {
    const room = freshRoom();
    const [one, two] = [provide(room), provide(room)];
    one.provider.connect();
    two.provider.connect();
    await until(() => one.provider.synced && two.provider.synced, "synced");
    one.provider.destroy();
    const { length } = one.told;
    one.text.insert(0, "unheard");
    two.text.insert(0, "unseen");
    await reconnectOver();
    expect(one.told).toHaveLength(length);
    expect([one.provider.wsconnected, one.provider.shouldConnect]).toEqual([false, false]);
    expect([one.text.toString(), two.text.toString()]).toEqual(["unheard", "unseen"]);
  });
});
