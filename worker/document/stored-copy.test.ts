import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { docOf, editedDoc, storedDocument, textUpdate } from "../../test/support/documents.ts";
import { RoomDocument } from "./document.ts";
import { foldStored } from "./stored-copy.ts";

const NOBODY = new Uint8Array([0]);
const EMPTY = new Uint8Array([0, 0]);

/** The edits of two editors, by turns, with deletions; cut into a snapshot and a log. */
function edited(edits: number, folded: number) {
  const editors = [editedDoc(1), editedDoc(2)];
  const updates: Uint8Array[] = [];
  for (let edit = 0; edit < edits; edit++) {
    const [editor, other] = edit % 2 === 0 ? editors : editors.toReversed();
    if (editor === undefined || other === undefined) throw new Error("two editors");
    const text = editor.doc.getText("text");
    if (edit % 3 === 2) text.delete(Math.floor(text.length / 2), 1);
    else text.insert(Math.floor(text.length / 3), `${edit} `);
    const update = editor.take();
    Y.applyUpdate(other.doc, update);
    other.take();
    updates.push(update);
  }
  const whole = docOf(...updates);
  const snapshot = folded === 0 ? {} : { snapshot: Y.encodeStateAsUpdate(docOf(...updates.slice(0, folded))) };
  return { whole, stored: storedDocument({ ...snapshot, updates: updates.slice(folded) }) };
}

function documentOf(stored: ReturnType<typeof storedDocument>) {
  const seen = { reads: 0, unreadable: 0 };
  const document = new RoomDocument({
    read: () => {
      seen.reads++;
      return stored;
    },
    reportUnreadable: () => {
      seen.unreadable++;
    },
    maxBytes: () => 1_000_000,
  });
  return { document, seen };
}

describe("a document that is served from its bytes", () => {
  it.for([
    ["a snapshot alone", 300, 300],
    ["a log alone", 300, 0],
    ["both", 300, 200],
    ["a long log", 4_000, 100],
    ["one update", 1, 0],
  ] as const)("is what the room would load: %s", ([, edits, folded]) => {
    const { whole, stored } = edited(edits, folded);
    const encoded = foldStored(stored);
    const newcomer = docOf(encoded.state);
    expect(newcomer.getText("text").toString()).toBe(whole.getText("text").toString());
    expect(newcomer.store.pendingStructs).toBeNull();
    expect(newcomer.store.pendingDs).toBeNull();
    expect(Y.encodeStateAsUpdate(newcomer)).toEqual(Y.encodeStateAsUpdate(whole));
    expect(Y.decodeStateVector(encoded.stateVector)).toEqual(Y.decodeStateVector(Y.encodeStateVector(whole)));
  });

  it("a snapshot alone is served as it is", () => {
    const { stored } = edited(90, 90);
    expect(foldStored(stored).state).toBe(stored.snapshot?.state);
  });

  it("an empty one is an update that changes nothing", () => {
    const encoded = foldStored(storedDocument({}));
    expect(encoded.state).toEqual(EMPTY);
    expect(encoded.stateVector).toEqual(NOBODY);
  });

  it("a snapshot of a version that kept no state vector is walked for it", () => {
    const { whole, stored } = edited(90, 60);
    const { snapshot } = stored;
    if (snapshot === null) throw new Error("no snapshot");
    const encoded = foldStored({ ...stored, snapshot: { ...snapshot, stateVector: null } });
    expect(Y.decodeStateVector(encoded.stateVector)).toEqual(Y.decodeStateVector(Y.encodeStateVector(whole)));
  });
});

it("a log that does not follow on the snapshot, or is none, is not served", () => {
  const { stored } = edited(90, 60);
  const later = stored.updates.slice(2);
  expect(() => foldStored({ ...stored, updates: later })).toThrow("follow");
  expect(() => foldStored({ ...stored, updates: [new Uint8Array([200, 1, 2])] })).toThrow();
});

describe("the document", () => {
  it("is served to a client that has nothing, and compared, without being loaded", () => {
    const { whole, stored } = edited(90, 60);
    const { document, seen } = documentOf(stored);
    expect(docOf(document.encodeMissing(NOBODY)).getText("text").toString()).toBe(whole.getText("text").toString());
    expect(document.encodeMissing(NOBODY)).toBe(document.encodeMissing(NOBODY));
    expect(document.encodeStateVector()).toEqual(Y.encodeStateVector(whole));
    expect(document.bytes).toBeGreaterThan(stored.snapshot?.state.length ?? 0);
    document.apply([{ author: {}, whole: false, update: EMPTY, denied: "forbidden" }]);
    expect({ loaded: document.loaded, loads: document.loads, reads: seen.reads }).toEqual({
      loaded: false,
      loads: 0,
      reads: 1,
    });
  });

  it("is loaded from what was read for a newcomer, and served as stored until it changes", () => {
    const { stored } = edited(90, 60);
    const { document, seen } = documentOf(stored);
    const served = document.encodeMissing(NOBODY);
    document.ensureLoaded();
    expect(seen.reads).toBe(1);
    const { version } = document;
    expect(document.encodeMissing(NOBODY)).toBe(served);
    document.apply([{ author: {}, whole: false, update: textUpdate("more", 9), denied: null }]);
    expect(document.version).not.toBe(version);
    expect(docOf(document.encodeMissing(NOBODY)).getText("text").toString()).toContain("more");
  });

  it("is read again after memory was dropped", () => {
    const { stored } = edited(9, 6);
    const { document, seen } = documentOf(stored);
    const { version } = document;
    document.encodeMissing(NOBODY);
    document.discard();
    expect(document.version).not.toBe(version);
    document.encodeMissing(NOBODY);
    expect(seen.reads).toBe(2);
  });

  it("is loaded for a newcomer when damage was met, or the log can't be served: only a load tells what can be read", () => {
    const { stored } = edited(90, 60);
    const damaged = documentOf({ ...stored, damage: ["log 3"] });
    const cut = documentOf({ ...stored, updates: stored.updates.slice(2) });
    for (const { document } of [damaged, cut]) {
      document.encodeMissing(NOBODY);
      expect(document.loaded).toBe(true);
    }
    expect([damaged.seen.unreadable, cut.seen.unreadable]).toEqual([0, 1]);
  });

  it("is loaded for a client that has something", () => {
    const { stored } = edited(90, 60);
    const { document } = documentOf(stored);
    const behind = Y.encodeStateVectorFromUpdate(stored.snapshot?.state ?? EMPTY);
    document.encodeMissing(behind);
    expect(document.loads).toBe(1);
  });
});
