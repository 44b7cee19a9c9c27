import * as Y from "yjs";
import type { OfflineStore, OpenOfflineStore } from "./offline-store.ts";

/** Something that every `OfflineStore` does. */
export interface OfflineStoreCheck {
  /** A fact, fit for the title of a test. */
  readonly title: string;
  /**
   * Uses stores of names that it makes up.
   * @throws Error when the fact is none
   */
  readonly run: (open: OpenOfflineStore) => Promise<void>;
}

/**
 * The checks that an app's own store has to pass, for any test runner:
 * `for (const { title, run } of offlineStoreChecks) it(title, () => run(open))`.
 */
export const offlineStoreChecks: readonly OfflineStoreCheck[] = [
  {
    title: "what was edited is there in the next visit",
    run: async (open) => {
      const name = freshName();
      const first = await visit(open, name);
      first.text.insert(0, "hello world");
      first.text.delete(0, 6);
      await first.store.destroy();
      const second = await visit(open, name);
      equal(String(second.text), "world");
      await second.store.destroy();
    },
  },
  {
    title: "what was in the document before the store was opened is kept too",
    run: async (open) => {
      const name = freshName();
      const doc = new Y.Doc();
      doc.getText("text").insert(0, "before");
      await (await visit(open, name, doc)).store.destroy();
      const second = await visit(open, name);
      equal(String(second.text), "before");
      await second.store.destroy();
    },
  },
  {
    title: "what is stored comes with the store as origin, and is there when whenSynced resolves",
    run: async (open) => {
      const name = freshName();
      const first = await visit(open, name);
      first.text.insert(0, "stored");
      await first.store.destroy();
      const doc = new Y.Doc();
      const origins: unknown[] = [];
      doc.on("update", (_update: Uint8Array, origin: unknown) => origins.push(origin));
      const store = await open(name, doc, fail);
      await store.whenSynced;
      equal(doc.getText("text").toString(), "stored");
      equal(origins.length > 0 && origins.every((origin) => origin === store), true);
      await store.destroy();
    },
  },
  {
    title: "get gives what was set last, also in the next visit",
    run: async (open) => {
      const name = freshName();
      const first = await visit(open, name);
      equal(await first.store.get("key"), undefined);
      await first.store.set("key", new Uint8Array([1, 2]).buffer);
      await first.store.set("key", new Uint8Array([3]).buffer);
      equal(bytes(await first.store.get("key")), "3");
      await first.store.destroy();
      const second = await visit(open, name);
      equal(bytes(await second.store.get("key")), "3");
      await second.store.destroy();
    },
  },
  {
    title: "nothing is stored that was edited after destroy",
    run: async (open) => {
      const name = freshName();
      const first = await visit(open, name);
      first.text.insert(0, "kept");
      const ended = first.store.destroy();
      first.text.insert(4, " not kept");
      await ended;
      const second = await visit(open, name);
      equal(String(second.text), "kept");
      await second.store.destroy();
    },
  },
  {
    title: "clearData deletes document and values",
    run: async (open) => {
      const name = freshName();
      const first = await visit(open, name);
      first.text.insert(0, "deleted");
      await first.store.set("key", new Uint8Array([1]).buffer);
      await first.store.clearData();
      const second = await visit(open, name);
      equal(String(second.text), "");
      equal(await second.store.get("key"), undefined);
      await second.store.destroy();
    },
  },
  {
    title: "two that are open at once lose nothing of each other",
    run: async (open) => {
      const name = freshName();
      const one = await visit(open, name);
      const other = await visit(open, name);
      for (let round = 0; round < 700; round++) {
        one.text.insert(0, "1");
        other.text.insert(0, "2");
        if (round % 50 === 0) await turn();
      }
      await Promise.all([one.store.destroy(), other.store.destroy()]);
      const next = await visit(open, name);
      equal([...String(next.text)].sort().join(""), "1".repeat(700) + "2".repeat(700));
      await next.store.destroy();
    },
  },
  {
    title: "stores of different names have nothing in common",
    run: async (open) => {
      const one = await visit(open, freshName());
      one.text.insert(0, "one's");
      await one.store.destroy();
      const other = await visit(open, freshName());
      equal(String(other.text), "");
      await other.store.destroy();
    },
  },
];

let names = 0;

function freshName(): string {
  return `offline-store-check-${Date.now()}-${++names}`;
}

async function visit(open: OpenOfflineStore, name: string, doc = new Y.Doc()) {
  const store: OfflineStore = await open(name, doc, fail);
  await store.whenSynced;
  return { store, text: doc.getText("text") };
}

function fail(cause: unknown): void {
  throw new Error("the store failed", { cause });
}

function equal(found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`expected ${String(expected)}, found ${String(found)}`);
}

function bytes(value: unknown): string {
  return value instanceof ArrayBuffer ? new Uint8Array(value).join() : String(value);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
