import { afterEach, describe, expect, it } from "vitest";
import { destroyAll, provide, sees, WITHOUT_NETWORK } from "../../test/support/client-world.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";
import type { OfflineStore } from "../index.ts";

const turns = () => new Promise((resolve) => setTimeout(resolve));
let rooms = 0;

afterEach(destroyAll);

async function connected() {
  const room = new FakeRoom();
  room.doc.getText("text").insert(0, "the room's");
  const client = provide("ws://room.test/rooms", `connection/${++rooms}`, room.options);
  await turns();
  return { room, ...client };
}

describe("the connection of a provider", () => {
  it("tells an event to the document, then to the provider's app, then to its own handlers", async () => {
    const { room, provider } = await connected();
    const told: unknown[] = [];
    provider.connection.on("status", ({ status }) => told.push(["connection", status, provider.synced]));
    provider.on("saved-state", ({ state }) => told.push(["saved", state, provider.synced]));
    provider.on("status", ({ status }) => told.push(["provider", status, provider.synced]));
    room.socket.drop();
    expect(told).toEqual([
      ["saved", "offline", false],
      ["provider", "disconnected", false],
      ["connection", "disconnected", false],
    ]);
  });

  it("that is disconnected disconnects the provider, which connects again when asked", async () => {
    const { room, provider, text } = await connected();
    provider.connection.disconnect();
    expect([provider.shouldConnect, provider.wsconnected, provider.synced]).toEqual([false, false, false]);
    expect(provider.saved.state).toBe("offline");
    text.insert(0, "meanwhile ");
    provider.connect();
    expect([provider.shouldConnect, provider.connection.shouldConnect]).toEqual([true, true]);
    await provider.whenSaved();
    expect([room.sockets.length, room.text]).toEqual([2, "meanwhile the room's"]);
  });

  it("that is connected connects the provider", async () => {
    const room = new FakeRoom();
    const { provider, text } = provide("ws://room.test/rooms", "room", { ...room.options, connect: false });
    expect(provider.shouldConnect).toBe(false);
    provider.connection.connect();
    expect(provider.shouldConnect).toBe(true);
    text.insert(0, "saved");
    await provider.whenSaved();
    expect([provider.synced, room.text]).toEqual([true, "saved"]);
  });

  it("that is connected waits for the stored document, as the provider does", async () => {
    const room = new FakeRoom();
    let loaded = () => {};
    const store: OfflineStore = {
      whenSynced: new Promise<void>((resolve) => {
        loaded = resolve;
      }),
      get: async () => undefined,
      set: async () => undefined,
      destroy: async () => undefined,
      clearData: async () => undefined,
    };
    const options = { ...room.options, connect: false, offline: () => store };
    const { provider } = provide("ws://room.test/rooms", "room", options);
    provider.connection.connect();
    await turns();
    expect([provider.shouldConnect, room.sockets.length]).toEqual([true, 0]);
    loaded();
    await turns();
    expect(room.sockets).toHaveLength(1);
  });

  it("leaves the other tabs when it disconnects, and joins them when it connects", () => {
    const name = `connection/${++rooms}`;
    const options = { ...WITHOUT_NETWORK, disableBc: false };
    const one = provide("ws://room.test/rooms", name, options);
    const other = provide("ws://room.test/rooms", name, options);
    one.provider.connection.disconnect();
    expect(sees(other, one)).toBe(false);
    one.provider.connection.connect();
    expect(sees(other, one)).toBe(true);
  });

  it("that is destroyed destroys the provider: nothing waits for it for ever", async () => {
    const { room, provider, text } = await connected();
    text.insert(0, "unsaved ");
    room.commitsAtOnce = false;
    text.insert(0, "never acknowledged ");
    const saved = provider.whenSaved();
    await turns();
    const rejected = expect(saved).rejects.toThrow("the provider was destroyed");
    provider.connection.destroy();
    await rejected;
    await expect(provider.whenSaved()).rejects.toThrow("the provider was destroyed");
    provider.connect();
    expect([provider.shouldConnect, provider.wsconnected]).toEqual([false, false]);
    provider.destroy();
  });
});
