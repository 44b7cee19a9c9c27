import "fake-indexeddb/auto";
import { afterEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { destroyAll, provide, WITHOUT_NETWORK } from "../../test/support/client-world.ts";
import { codeOf } from "../../test/support/code-of.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";
import { until } from "../../test/support/until.ts";
import type { OfflineStore, Problem, RoomProviderOptions } from "../index.ts";

const URL = "ws://room.test/rooms";
let rooms = 0;
const freshRoom = () => `offline/${++rooms}`;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

afterEach(destroyAll);

type Visit = Awaited<ReturnType<typeof visit>>;

/** Opens the page: a new document, with what the browser kept. */
async function visit(name: string, options: RoomProviderOptions) {
  const client = provide(URL, name, { offline: true, ...options });
  await until(() => client.provider.wsconnecting || client.provider.wsconnected, "the stored document");
  return client;
}

/** Closes the page, once the browser had time to write. */
async function leave({ provider, doc }: Visit): Promise<void> {
  await pause(50);
  provider.destroy();
  doc.destroy();
  await pause(50);
}

describe("offline", () => {
  it("a reload keeps the edits that were not saved, and knows that they are not", async () => {
    const name = freshRoom();
    const first = await visit(name, WITHOUT_NETWORK);
    first.text.insert(0, "unsaved");
    await leave(first);
    const second = await visit(name, WITHOUT_NETWORK);
    expect(second.text.toString()).toBe("unsaved");
    expect(second.provider.saved).toEqual({ state: "offline", unsaved: 7 });
    await leave(second);
    const room = new FakeRoom();
    const third = await visit(name, room.options);
    await third.provider.whenSaved();
    expect(room.text).toBe("unsaved");
  });

  it("a reload knows what was saved, to the deletion", async () => {
    const name = freshRoom();
    const room = new FakeRoom();
    const first = await visit(name, room.options);
    first.text.insert(0, "saved text");
    await first.provider.whenSaved();
    await leave(first);
    const second = await visit(name, WITHOUT_NETWORK);
    expect(second.text.toString()).toBe("saved text");
    expect(second.provider.saved).toEqual({ state: "offline", unsaved: 0 });
    await second.provider.whenSaved();
    second.text.delete(0, 6);
    await leave(second);
    const third = await visit(name, WITHOUT_NETWORK);
    expect(third.text.toString()).toBe("text");
    expect(third.provider.saved).toEqual({ state: "offline", unsaved: 6 });
  });

  it("a reload does not take for saved what was sent and not acknowledged", async () => {
    const name = freshRoom();
    const room = new FakeRoom();
    const first = await visit(name, room.options);
    await until(() => first.provider.saved.state === "saved", "saved");
    first.text.insert(0, "kept ");
    await first.provider.whenSaved();
    room.commitsAtOnce = false;
    first.text.insert(5, "sent");
    first.text.delete(0, 2);
    await until(() => room.text === "pt sent", "the room to have it");
    await leave(first);
    const second = await visit(name, WITHOUT_NETWORK);
    expect(second.provider.saved).toEqual({ state: "offline", unsaved: 6 });
  });

  it("is kept for one subject, which has to be named where there is a token", async () => {
    const name = freshRoom();
    const ada = await visit(name, { ...WITHOUT_NETWORK, token: "opaque", subject: "ada" });
    ada.text.insert(0, "ada's");
    await leave(ada);
    const grace = await visit(name, { ...WITHOUT_NETWORK, token: "opaque", subject: "grace" });
    expect(grace.text.toString()).toBe("");
    const withoutSubject = () => provide(URL, name, { ...WITHOUT_NETWORK, token: "opaque", offline: true });
    expect(codeOf(withoutSubject)).toBe("invalid-argument");
  });

  it("after a rejection the rebuilt document takes the place of what the browser kept", async () => {
    const name = freshRoom();
    const room = new FakeRoom();
    const first = await visit(name, room.options);
    first.text.insert(0, "kept");
    await first.provider.whenSaved();
    room.refuse = () => "invalid-update";
    first.text.insert(0, "refused ");
    await until(() => first.provider.saved.state === "rejected", "the rejection");
    room.refuse = () => null;
    const { doc } = await first.provider.rebuilt();
    first.provider.destroy();
    const second = await visit(name, { ...room.options });
    await until(() => second.provider.saved.state === "saved", "saved");
    expect([second.text.toString(), doc.getText("text").toString()]).toEqual(["kept", "kept"]);
  });
});

describe("two tabs whose edits were rejected", () => {
  /** Two tabs with one stored document, which the room refuses to change further. */
  async function rejectedTabs() {
    const name = freshRoom();
    const room = new FakeRoom();
    const tabs = [await visit(name, room.options), await visit(name, room.options)] as const;
    for (const { provider } of tabs) await until(() => provider.saved.state === "saved", "saved");
    room.refuse = () => "invalid-update";
    for (const { text, provider } of tabs) {
      text.insert(0, "refused");
      await until(() => provider.saved.state === "rejected", "the rejection");
    }
    return { name, room, tabs };
  }

  it("go on editing while the other one's document is rebuilt", async () => {
    const { tabs } = await rejectedTabs();
    const [one, other] = tabs;
    await one.provider.rebuilt();
    one.provider.destroy();
    await pause(20);
    other.text.insert(0, "later ");
    expect(other.text.toString()).toBe("later refused");
  });

  it("delete nothing of the document that the other one rebuilt and edited", async () => {
    const { name, room, tabs } = await rejectedTabs();
    const [one, other] = tabs;
    await one.provider.rebuilt();
    one.provider.destroy();
    room.refuse = () => null;
    const next = await visit(name, WITHOUT_NETWORK);
    next.text.insert(0, "unsaved");
    await pause(20);
    await other.provider.rebuilt();
    other.provider.destroy();
    await leave(next);
    const reloaded = await visit(name, WITHOUT_NETWORK);
    expect(reloaded.text.toString()).toBe("unsaved");
  });
});

/** A store that keeps nothing, but for what the test decides. */
function storeWith(part: Partial<OfflineStore>) {
  return () => ({
    whenSynced: Promise.resolve(),
    get: async () => undefined,
    set: async () => undefined,
    destroy: async () => undefined,
    clearData: async () => undefined,
    ...part,
  });
}

it("whenSaved waits for what was edited before the stored document was there", async () => {
  let load = () => {};
  const whenSynced = new Promise<void>((resolve) => {
    load = resolve;
  });
  const { provider, text } = provide(URL, freshRoom(), { ...WITHOUT_NETWORK, offline: storeWith({ whenSynced }) });
  text.insert(0, "unsaved");
  let isSaved = false;
  provider.whenSaved().then(
    () => {
      isSaved = true;
    },
    () => {},
  );
  load();
  await until(() => provider.wsconnecting, "the stored document");
  expect([isSaved, provider.saved.unsaved]).toEqual([false, 7]);
});

describe("storage that fails", () => {
  const refused = async () => {
    throw new Error("refused");
  };
  const stores = {
    "can't be opened": refused,
    "can't be read": storeWith({ get: refused }),
    "is full": storeWith({ set: refused }),
  };

  it.each(Object.entries(stores))("that %s is reported, and stops nothing", async (_name, offline) => {
    const room = new FakeRoom();
    const clock = new FakeClock();
    const client = provide(URL, freshRoom(), { ...room.options, offline, clock });
    const problems: Problem[] = [];
    client.provider.on("problem", (problem) => problems.push(problem));
    client.text.insert(0, "written");
    await until(() => client.provider.saved.state === "saved", "saved");
    expect(room.text).toBe("written");
    clock.advance(1_000);
    await until(() => problems.some(({ source }) => source === "storage"), "the report");
  });

  it("that never answers delays the connection by 3 s and no more", async () => {
    const room = new FakeRoom();
    const clock = new FakeClock();
    const offline = storeWith({ whenSynced: new Promise(() => {}) });
    const { provider, text } = provide(URL, freshRoom(), { ...room.options, offline, clock });
    text.insert(0, "written");
    await until(() => clock.pending > 0, "the timer of the delay");
    clock.advance(2_999);
    expect(room.sockets).toEqual([]);
    clock.advance(1);
    await provider.whenSaved();
    expect(room.text).toBe("written");
  });

  it("without IndexedDB is reported too", async () => {
    const { indexedDB } = globalThis;
    Reflect.deleteProperty(globalThis, "indexedDB");
    try {
      const room = new FakeRoom();
      const { provider } = provide(URL, freshRoom(), { ...room.options, offline: true });
      const problems: Problem[] = [];
      provider.on("problem", (problem) => problems.push(problem));
      await until(() => provider.saved.state === "saved", "saved");
      expect(problems.map(({ source }) => source)).toEqual(["storage"]);
    } finally {
      globalThis.indexedDB = indexedDB;
    }
  });
});

it("a document that is destroyed ends its provider", async () => {
  const room = new FakeRoom();
  const clock = new FakeClock();
  const doc = new Y.Doc();
  provide(URL, freshRoom(), { ...room.options, clock, doc });
  await until(() => room.sockets.length === 1, "the connection");
  doc.destroy();
  expect([clock.pending, room.socket.readyState]).toEqual([0, 3]);
});
