import "fake-indexeddb/auto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IndexeddbPersistence } from "y-indexeddb";
import * as Y from "yjs";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { until } from "../../test/support/until.ts";
import { IndexedDbStore } from "./indexed-db-store.ts";
import type { OpenOfflineStore } from "./offline-store.ts";
import { offlineStoreChecks } from "./offline-store-checks.ts";

const openOwn: OpenOfflineStore = (name, doc, failed) => new IndexedDbStore(name, doc, failed);
const openYIndexeddb: OpenOfflineStore = (name, doc) => new IndexeddbPersistence(name, doc);

afterEach(() => vi.restoreAllMocks());

describe.each([
  ["the client's own store", openOwn],
  ["y-indexeddb", openYIndexeddb],
])("%s", (_name, open) => {
  it.each(offlineStoreChecks.map(({ title, run }) => [title, run] as const))("%s", (_title, run) => run(open));
});

let names = 0;
const freshName = () => `store-${++names}`;

/** A document in a store, on a clock that stands still. */
async function visit(name: string, doc = new Y.Doc()) {
  const clock = new FakeClock();
  const failures: unknown[] = [];
  const store = new IndexedDbStore(name, doc, (cause) => failures.push(cause), clock);
  await store.whenSynced;
  return { store, doc, clock, failures, text: doc.getText("text") };
}

/** What the next visit finds. */
async function stored(name: string) {
  const { store, text, failures } = await visit(name);
  await store.destroy();
  return { text: text.toString(), failures };
}

/** The database as it is, for the test's own hands. */
function database(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function result<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function records(name: string): Promise<Uint8Array[]> {
  const db = await database(name);
  const all = await result<Uint8Array[]>(db.transaction("updates").objectStore("updates").getAll());
  db.close();
  return all;
}

/** Lets what is on its way be written. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

const broken = {
  "throws at once": () => {
    vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(() => {
      throw new DOMException("no", "InvalidStateError");
    });
  },
  "fails later": () => {
    const { add } = IDBObjectStore.prototype;
    vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(function (this: IDBObjectStore, value: unknown) {
      const request = add.call(this, value);
      request.addEventListener("success", () => this.transaction.abort());
      return request;
    });
  },
  "opens no transaction": () => {
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
      throw new DOMException("closed", "InvalidStateError");
    });
  },
};

describe.each(Object.entries(broken))("storage that %s", (_how, breakIt) => {
  it("reaches no edit, is told of once, and has everything when it works again", async () => {
    const name = freshName();
    const { store, doc, text, clock, failures } = await visit(name);
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    text.insert(0, "a");
    await settle();
    breakIt();
    text.insert(1, "b");
    await until(() => failures.length > 0, "the failure");
    text.insert(2, "c");
    await settle();
    clock.advance(1_000);
    await settle();
    text.insert(3, "d");
    clock.advance(2_000);
    await settle();
    expect([text.toString(), updates.length, failures.length]).toEqual(["abcd", 4, 1]);
    vi.restoreAllMocks();
    clock.advance(60_000);
    await settle();
    text.insert(4, "e");
    await settle();
    expect(clock.pending).toBe(0);
    expect((await stored(name)).text).toBe("abcde");
    // Another spell is told of again.
    breakIt();
    text.insert(5, "f");
    await until(() => failures.length === 2, "the second failure");
    vi.restoreAllMocks();
    await store.destroy();
    expect((await stored(name)).text).toBe("abcdef");
  });

  it("is tried less and less often, and holds what waits as few updates", async () => {
    const { store, text, clock, failures } = await visit(freshName());
    breakIt();
    const tries = vi.spyOn(IDBDatabase.prototype, "transaction");
    text.insert(0, "a");
    await until(() => failures.length > 0, "the failure");
    tries.mockClear();
    for (let second = 0; second < 600; second++) {
      for (let edit = 0; edit < 5; edit++) text.insert(0, "b");
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settle();
    // After 1, 3, 7, 15, 31, 63 and then each 60 s; each try is two.
    expect(tries.mock.calls.length).toBeLessThanOrEqual(2 * 15);
    expect(tries.mock.calls.length).toBeGreaterThan(10);
    vi.restoreAllMocks();
    await store.destroy();
    expect(failures).toHaveLength(1);
  });
});

describe("a database", () => {
  it("that the browser closed is opened again", async () => {
    const name = freshName();
    const { store, text, failures } = await visit(name);
    text.insert(0, "a");
    await settle();
    const { transaction } = IDBDatabase.prototype;
    let isClosed = false;
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...given) {
      if (!isClosed) this.close();
      isClosed = true;
      return transaction.apply(this, given);
    });
    text.insert(1, "b");
    await settle();
    await store.destroy();
    expect([isClosed, (await stored(name)).text, failures]).toEqual([true, "ab", []]);
  });

  it("that is deleted while it is in use does not wait for the page, and gets the whole document with the next edit", async () => {
    const name = freshName();
    const { store, text, failures } = await visit(name);
    const other = await visit(name);
    text.insert(0, "before ");
    store.update("key", () => new ArrayBuffer(1));
    await settle();
    await result(indexedDB.deleteDatabase(name));
    other.text.insert(0, "other ");
    await settle();
    text.insert(7, "after");
    await settle();
    await Promise.all([store.destroy(), other.store.destroy()]);
    expect((await stored(name)).text).toMatch(/^(other before after|before afterother )$/);
    expect([...failures, ...other.failures]).toEqual([]);
  });

  it("that another tab emptied is written no more, and that is told", async () => {
    const name = freshName();
    const [one, other] = [await visit(name), await visit(name)];
    one.text.insert(0, "one");
    other.text.insert(0, "other");
    await settle();
    await one.store.clearData();
    const next = await visit(name);
    next.text.insert(0, "next");
    await settle();
    other.text.insert(0, "later ");
    other.store.update("key", () => new ArrayBuffer(1));
    await settle();
    other.text.insert(0, "and later ");
    await settle();
    await Promise.all([other.store.destroy(), next.store.destroy()]);
    expect([(await stored(name)).text, other.failures.length]).toEqual(["next", 1]);
  });
});

describe("records", () => {
  it("that are torn or no update are skipped and told of, and the rest is read and kept", async () => {
    const name = freshName();
    const first = await visit(name);
    for (const word of ["one ", "two ", "three "]) {
      first.text.insert(first.text.length, word);
      await settle();
    }
    await first.store.destroy();
    const lost = new Y.Doc();
    lost.getMap("map").set("lost", "value ".repeat(10));
    const update = Y.encodeStateAsUpdate(lost);
    const db = await database(name);
    const updates = db.transaction("updates", "readwrite").objectStore("updates");
    const bad: unknown[] = ["text", null, { length: 3 }, new Uint8Array(0), new Uint8Array([1, 255, 255, 255])];
    for (let length = 1; length < update.length; length += 7) bad.push(update.slice(0, length));
    // All of it but the deletions: Yjs would apply it, and then throw.
    bad.push(update.slice(0, -1));
    await Promise.all(bad.map((value) => result(updates.add(value))));
    db.close();
    const second = await visit(name);
    expect(second.text.toString()).toBe("one two three ");
    expect(second.failures).toHaveLength(bad.length);
    expect(second.doc.getMap("map").size).toBe(0);
    for (let edit = 0; edit < 300; edit++) {
      second.text.insert(second.text.length, "x");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await second.store.destroy();
    const third = await stored(name);
    expect([third.text, third.failures.length]).toEqual([`one two three ${"x".repeat(300)}`, bad.length]);
  });

  it("become few, whichever tab wrote them, and no tab deletes what another wrote", async () => {
    const name = freshName();
    const tabs = await Promise.all([visit(name), visit(name), visit(name)]);
    for (let round = 0; round < 350; round++) {
      for (const [index, { text }] of tabs.entries()) text.insert(text.length, "abc"[index] ?? "");
      // A record each.
      await new Promise((resolve) => setTimeout(resolve));
      if (round % 10 === 0) await settle();
    }
    await Promise.all(tabs.map(({ store }) => store.destroy()));
    const count = (await records(name)).length;
    expect(count).toBeLessThan(3 * 110);
    const all = await visit(name);
    expect([...all.text.toString()].sort().join("")).toBe("a".repeat(350) + "b".repeat(350) + "c".repeat(350));
    await settle();
    await all.store.destroy();
    expect((await records(name)).length).toBeLessThanOrEqual(101);
    expect((await stored(name)).text).toHaveLength(1_050);
  });

  it("of one turn are one", async () => {
    const name = freshName();
    const { store, text } = await visit(name);
    for (let edit = 0; edit < 1_000; edit++) text.insert(0, "x");
    await store.destroy();
    expect((await records(name)).length).toBeLessThanOrEqual(2);
    expect((await stored(name)).text).toHaveLength(1_000);
  });
});

it("a value and the updates of its turn are stored in one transaction", async () => {
  const name = freshName();
  const { store, text } = await visit(name);
  text.insert(0, "a");
  await settle();
  const { add } = IDBObjectStore.prototype;
  vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(function (this: IDBObjectStore, value: unknown) {
    const request = add.call(this, value);
    request.addEventListener("success", () => this.transaction.abort());
    return request;
  });
  store.update("key", () => new Uint8Array([1]).buffer);
  text.insert(1, "b");
  await settle();
  const db = await database(name);
  expect(await result(db.transaction("custom").objectStore("custom").get("key"))).toBe(undefined);
  db.close();
  vi.restoreAllMocks();
  await store.destroy();
  const next = await visit(name);
  expect([next.text.toString(), await next.store.get("key")]).toEqual(["ab", new Uint8Array([1]).buffer]);
  await next.store.destroy();
});

it("values that two tabs change at once are both made of what the other one stored", async () => {
  const name = freshName();
  const tabs = [await visit(name), await visit(name)];
  const append = (mark: number) => (value: unknown) =>
    new Uint8Array([...(value instanceof ArrayBuffer ? new Uint8Array(value) : []), mark]).buffer;
  for (let round = 0; round < 20; round++) {
    for (const [index, { store }] of tabs.entries()) store.update("key", append(index));
    await settle();
  }
  await Promise.all(tabs.map(({ store }) => store.destroy()));
  const next = await visit(name);
  const value = await next.store.get("key");
  expect([...new Uint8Array(value as ArrayBuffer)].sort().join("")).toBe("0".repeat(20) + "1".repeat(20));
  await next.store.destroy();
});

it("what an observer throws when the stored document comes keeps nothing from being stored", async () => {
  const name = freshName();
  const first = await visit(name);
  first.text.insert(0, "stored");
  await first.store.destroy();
  const doc = new Y.Doc();
  doc.getText("text").observe(() => {
    throw new Error("of the app");
  });
  const second = await visit(name, doc);
  expect(() => second.clock.advance(0)).toThrow("of the app");
  expect([second.text.toString(), second.failures]).toEqual(["stored", []]);
  await second.store.destroy();
});

it("a store that is destroyed before it is open stores what was edited, and brings nothing", async () => {
  const name = freshName();
  const first = await visit(name);
  first.text.insert(0, "first");
  await first.store.destroy();
  const doc = new Y.Doc();
  const store = new IndexedDbStore(name, doc, () => {});
  doc.getText("text").insert(0, "second ");
  await store.destroy();
  expect(doc.getText("text").toString()).toBe("second ");
  expect((await stored(name)).text).toMatch(/^(second first|firstsecond )$/);
});
