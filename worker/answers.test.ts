import { expect, it } from "vitest";
import * as Y from "yjs";
import { RoomDocument, type StoredDocument } from "./document.ts";
import { textUpdate } from "./test-client.ts";

function documentOf(stored: StoredDocument) {
  const unexpected = (cause: unknown) => {
    throw cause;
  };
  return new RoomDocument({ read: () => stored, unreadable: unexpected, maxBytes: 1_000_000 });
}

const edit = (update: Uint8Array) => [{ author: {}, whole: false, update, denied: null }];
const twoClients = Y.mergeUpdates([textUpdate("one", 1), textUpdate("two", 2)]);

it("who asks for the same of the same document is given the same bytes, encoded once", () => {
  const document = documentOf({ snapshot: null, updates: [twoClients] });
  const knowsOne = Y.encodeStateVectorFromUpdate(textUpdate("one", 1));
  const [whole, rest] = [document.encode(), document.encode(knowsOne)];
  expect(document.encode()).toBe(whole);
  expect(document.encode(new Uint8Array([0]))).toBe(whole);
  expect(document.encode(knowsOne.slice())).toBe(rest);
  expect(rest.length).toBeLessThan(whole.length);
});

it("after an edit, and after memory was dropped, the answer is the new document", () => {
  const document = documentOf({ snapshot: null, updates: [twoClients] });
  const before = document.encode();
  document.apply(edit(textUpdate("three", 3)));
  const after = document.encode();
  expect(after.length).toBeGreaterThan(before.length);
  document.apply(edit(textUpdate("three", 3)));
  expect(document.encode()).toBe(after);
  document.discard();
  expect(document.encode()).toEqual(before);
});

it("a document that was loaded from a snapshot alone is answered with the snapshot's bytes", () => {
  const document = documentOf({ snapshot: twoClients, updates: [] });
  expect(document.encode()).toBe(twoClients);
  const withLog = documentOf({ snapshot: twoClients, updates: [textUpdate("three", 3)] });
  expect(withLog.encode()).not.toEqual(twoClients);
});

it("answers to ever new state vectors are not all kept", () => {
  const text = "x".repeat(400_000);
  const document = documentOf({ snapshot: null, updates: [textUpdate(text, 1)] });
  const first = document.encode();
  for (let client = 2; client < 60; client++) document.encode(new Uint8Array([1, client, 5]));
  expect(document.encode()).not.toBe(first);
  expect(document.encode()).toEqual(first);
});
