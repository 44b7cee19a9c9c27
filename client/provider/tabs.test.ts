import * as channel from "lib0/broadcastchannel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { destroyAll, provide, sees, WITHOUT_NETWORK } from "../../test/support/client-world.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";
import { pause, until } from "../../test/support/until.ts";
import type { RoomProviderOptions } from "../index.ts";

const URL = "ws://room.test/rooms";
let rooms = 0;
const freshRoom = () => `tabs/${++rooms}`;

afterEach(destroyAll);

function openTab(name: string, options: RoomProviderOptions = {}) {
  return provide(URL, name, { ...WITHOUT_NETWORK, ...options, disableBc: options.disableBc ?? false });
}

describe("tabs of one origin", () => {
  it("share edits and presence without a network, those of before and those of after", () => {
    const name = freshRoom();
    const one = openTab(name);
    one.text.insert(0, "before ");
    const two = openTab(name);
    expect(two.text.toString()).toBe("before ");
    two.text.insert(7, "after");
    expect(one.text.toString()).toBe("before after");
    one.awareness.setLocalStateField("user", "one");
    expect(two.awareness.getStates().get(one.doc.clientID)).toEqual({ user: "one" });
    expect(sees(one, two)).toBe(true);
    two.provider.destroy();
    expect(sees(one, two)).toBe(false);
  });

  it("count what another tab wrote as unsaved, since no room has it", () => {
    const name = freshRoom();
    const [one, two] = [openTab(name), openTab(name)];
    one.text.insert(0, "abc");
    expect(two.provider.saved).toEqual({ state: "offline", unsaved: 3 });
  });

  it("do not echo: an edit is one message, however many tabs hear it", () => {
    const name = freshRoom();
    const tabs = [1, 2, 3, 4].map(() => openTab(name));
    let heard = 0;
    const count = () => {
      heard++;
    };
    const channelName = `roomful:${JSON.stringify([URL, name, ""])}`;
    channel.subscribe(channelName, count);
    for (const { text } of tabs) for (let edit = 0; edit < 10; edit++) text.insert(0, "x");
    channel.unsubscribe(channelName, count);
    expect(heard).toBe(40);
    expect(new Set(tabs.map(({ text }) => text.toString()))).toEqual(new Set(["x".repeat(40)]));
  });

  it("forward what came from another tab once per second, in one frame", async () => {
    const name = freshRoom();
    const room = new FakeRoom();
    const connected = openTab(name, { WebSocketPolyfill: room.options.WebSocketPolyfill });
    await until(() => connected.provider.saved.state === "saved", "saved");
    const { frames } = room.socket;
    const other = openTab(name);
    for (let edit = 0; edit < 20; edit++) other.text.insert(0, "x");
    other.provider.destroy();
    expect(connected.provider.saved).toEqual({ state: "saving", unsaved: 20 });
    await connected.provider.whenSaved();
    expect([room.text, room.socket.frames - frames]).toEqual(["x".repeat(20), 1]);
  });

  it("send what came from another tab before an edit of their own, which may depend on it", async () => {
    const name = freshRoom();
    const room = new FakeRoom();
    const connected = openTab(name, { WebSocketPolyfill: room.options.WebSocketPolyfill });
    await until(() => connected.provider.saved.state === "saved", "saved");
    openTab(name).text.insert(0, "theirs ");
    connected.text.insert(7, "mine");
    await until(() => room.text === "theirs mine", "both in order");
  });

  it("keep to themselves what the room refused", async () => {
    const name = freshRoom();
    const room = new FakeRoom();
    const connected = openTab(name, { WebSocketPolyfill: room.options.WebSocketPolyfill });
    await until(() => connected.provider.saved.state === "saved", "saved");
    room.refuse = () => "invalid-update";
    connected.text.insert(0, "refused");
    await until(() => connected.provider.saved.state === "rejected", "the rejection");
    connected.text.insert(0, "later ");
    expect(openTab(name).text.toString()).toBe("");
  });

  it("of different rooms, of different subjects and with disableBc share nothing", () => {
    const name = freshRoom();
    const one = openTab(name, { subject: "ada" });
    const others = [
      openTab(freshRoom(), { subject: "ada" }),
      openTab(name, { subject: "grace" }),
      openTab(name),
      openTab(name, { subject: "ada", disableBc: true }),
    ];
    const same = openTab(name, { subject: "ada" });
    one.text.insert(0, "for ada");
    expect(others.map(({ text }) => text.toString())).toEqual(["", "", "", ""]);
    expect(same.text.toString()).toBe("for ada");
  });

  it("share nothing when the name of one's room ends as the other's subject starts", () => {
    const name = freshRoom();
    const one = openTab(`${name}:ada`);
    const other = openTab(name, { subject: "ada:" });
    one.text.insert(0, "not for ada");
    expect(other.text.toString()).toBe("");
  });

  it("share when the subject is named, although no token can be had", () => {
    const name = freshRoom();
    const token = async () => {
      throw new Error("no network");
    };
    const [one, other] = [openTab(name, { token, subject: "ada" }), openTab(name, { token, subject: "ada" })];
    one.text.insert(0, "for ada");
    expect(other.text.toString()).toBe("for ada");
  });

  it("see one again that left and came back", () => {
    const name = freshRoom();
    const [one, other] = [openTab(name), openTab(name)];
    one.provider.disconnect();
    expect(sees(other, one)).toBe(false);
    one.provider.connect();
    expect(sees(other, one)).toBe(true);
  });

  it("see no more one whose page is left, and see it again when the page comes back", () => {
    const page = Object.assign(new EventTarget(), { onpagehide: null });
    const name = freshRoom();
    vi.stubGlobal("window", page);
    const left = openTab(name);
    vi.unstubAllGlobals();
    const other = openTab(name);
    page.dispatchEvent(new Event("pagehide"));
    expect(sees(other, left)).toBe(false);
    page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    expect(sees(other, left)).toBe(true);
  });

  it("stay disconnected when their page comes back, if the app disconnected them before", async () => {
    const page = Object.assign(new EventTarget(), { onpagehide: null });
    const name = freshRoom();
    const room = new FakeRoom();
    vi.stubGlobal("window", page);
    const left = openTab(name, { WebSocketPolyfill: room.options.WebSocketPolyfill });
    vi.unstubAllGlobals();
    const other = openTab(name);
    await until(() => left.provider.saved.state === "saved", "saved");
    left.provider.disconnect();
    page.dispatchEvent(new Event("pagehide"));
    page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    await pause(10);
    expect([room.sockets.length, left.provider.shouldConnect, sees(other, left)]).toEqual([1, false, false]);
  });

  it("with tokens share a channel by the token's subject, and none if it names nobody", () => {
    const name = freshRoom();
    const token = (claims: object) => `e30.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.signature`;
    const one = openTab(name, { token: token({ sub: "ada", exp: 1 }) });
    const same = openTab(name, { token: () => token({ sub: "ada", exp: 2 }) });
    const others = [openTab(name, { token: token({ sub: "grace" }) }), openTab(name, { token: "opaque" })];
    one.text.insert(0, "for ada");
    expect(same.text.toString()).toBe("for ada");
    expect(others.map(({ text }) => text.toString())).toEqual(["", ""]);
  });
});
