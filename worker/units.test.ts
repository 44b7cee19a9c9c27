import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { errorCodeOf } from "../shared/errors.ts";
import { RoomDocument, type StoredDocument } from "./document.ts";
import { createLog } from "./logging.ts";
import { type Clock, Pacer } from "./pacer.ts";
import { readSettings, SETTINGS } from "./settings.ts";
import { editedDoc, textUpdate } from "./test-client.ts";
import { readUpdateShape } from "./update-shape.ts";

class ManualClock implements Clock {
  time = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, milliseconds: number): number {
    this.#timers.set(this.#next, { at: this.time + milliseconds, callback });
    return this.#next++;
  }

  clearTimeout(timer: number): void {
    this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
    for (const [timer, { at, callback }] of [...this.#timers]) {
      if (at > this.time) continue;
      this.#timers.delete(timer);
      callback();
    }
  }
}

const author = {};
const editOf = (update: Uint8Array, overrides = {}) => ({ author, update, denied: null, whole: false, ...overrides });

function documentOf(stored: StoredDocument, maxBytes = 1e6): RoomDocument {
  const unreadable = (cause: unknown) => {
    throw cause;
  };
  return new RoomDocument({ read: () => stored, unreadable, maxBytes });
}

describe("a pacer", () => {
  it("runs the first request at once and without a timer, later ones once per interval", () => {
    const clock = new ManualClock();
    const runs: number[] = [];
    const pacer = new Pacer(10, () => runs.push(clock.time), clock);
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0], 0]);
    clock.advance(4);
    for (let index = 0; index < 5; index++) pacer.request();
    expect([runs, clock.pending]).toEqual([[0], 1]);
    clock.advance(6);
    expect([runs, clock.pending]).toEqual([[0, 10], 0]);
    clock.advance(30);
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0, 10, 40], 0]);
  });

  it("drops the owed run when it runs now or is cancelled", () => {
    const clock = new ManualClock();
    let runs = 0;
    const pacer = new Pacer(10, () => runs++, clock);
    pacer.request();
    pacer.request();
    pacer.runNow();
    clock.advance(100);
    expect([runs, clock.pending]).toEqual([2, 0]);
    pacer.request();
    pacer.request();
    pacer.cancel();
    clock.advance(100);
    expect(runs).toBe(3);
  });
});

describe("settings", () => {
  it("has its defaults when nothing is set, and is closed then", () => {
    const settings = readSettings({});
    for (const [name, { default: initial }] of Object.entries(SETTINGS)) expect(settings).toHaveProperty(name, initial);
    expect(settings.AUTH).toBe("token");
  });

  it("takes what wrangler hands over: strings, numbers and truths", () => {
    const settings = readSettings({ AUTH: "open", STRICT: "true", COMMIT_MS: "0", COALESCE_MS: 5, ROOMS: {} });
    expect(settings).toMatchObject({ AUTH: "open", STRICT: true, COMMIT_MS: 0, COALESCE_MS: 5 });
    expect(readSettings({ STRICT: false }).STRICT).toBe(false);
  });

  it("names every setting that is out of its range, with the range", () => {
    const wrong = { AUTH: "everybody", COMMIT_MS: "-1", COALESCE_MS: "fast", STRICT: "yes", MAX_FRAME_BYTES: 1e9 };
    for (const [name, value] of Object.entries(wrong)) {
      expect(() => readSettings({ [name]: value })).toThrow(`${name} = ${JSON.stringify(value)} must be `);
    }
    expect(() => readSettings(wrong)).toThrow(/AUTH .*; .*COMMIT_MS/s);
  });
});

describe("the log", () => {
  it("writes one JSON object per line, at its level and above", () => {
    const lines: string[] = [];
    const original = console.warn;
    console.warn = (line: string) => void lines.push(line);
    try {
      const log = createLog("warn", { room: "r" });
      log("info", "opened");
      log("warn", "refused", { code: "forbidden" });
    } finally {
      console.warn = original;
    }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "warn", event: "refused", room: "r", code: "forbidden" },
    ]);
  });
});

describe("the shape of an update", () => {
  const codeOf = (update: Uint8Array) => {
    try {
      readUpdateShape(update);
      return "taken";
    } catch (caught) {
      return errorCodeOf(caught);
    }
  };

  /** A document with every kind of content that Yjs writes. */
  function everything(): Uint8Array {
    const { doc } = editedDoc(3);
    const text = doc.getText("text");
    text.insert(0, "aé😀");
    text.insert(1, "bold", { bold: true, link: { href: "x" } });
    text.insertEmbed(2, { image: ["a", null] });
    text.delete(1, 3);
    const map = doc.getMap("map");
    for (const [key, value] of Object.entries({
      a: 1,
      b: -70_000,
      c: 1.5,
      d: 0.1,
      e: 2n ** 60n,
      f: true,
      g: null,
      h: undefined,
      i: "s",
    })) {
      map.set(key, value);
    }
    map.set("bytes", new Uint8Array([1, 2, 3]));
    map.set("nested", { deep: [{ deeper: [new Uint8Array([1]), "x"] }] });
    map.set("type", new Y.Map([["array", new Y.Array()]]));
    const xml = doc.getXmlFragment("xml");
    const element = new Y.XmlElement("p");
    element.setAttribute("class", "x");
    xml.push([element, new Y.XmlText("t")]);
    doc.getArray("list").push([1, 2, 3]);
    doc.getArray("list").delete(0, 2);
    return Y.encodeStateAsUpdate(doc);
  }

  it("takes everything that Yjs writes, and says what it holds", () => {
    const update = everything();
    const shape = readUpdateShape(update);
    const { from, to } = Y.parseUpdateMeta(update);
    expect(new Map(shape.structs.map(({ client, start }) => [client, start]))).toEqual(from);
    expect(new Map(shape.structs.map(({ client, end }) => [client, end]))).toEqual(to);
    expect([...shape.roots].sort()).toEqual(["list", "map", "text", "xml"]);
    expect(shape.deletions.length).toBeGreaterThan(0);
    const ds = Y.decodeUpdate(update).ds.clients;
    expect(shape.deletions.map(({ clock, length }) => [clock, length])).toEqual(
      ds.get(3)?.map(({ clock, len }) => [clock, len]),
    );
  });

  it("takes merged updates with gaps, and garbage-collected ones", () => {
    const { doc, take } = editedDoc(4);
    const updates = ["a", "b", "c"].map((letter) => {
      doc.getText("t").insert(0, letter);
      return take();
    });
    const gap = Y.mergeUpdates([updates[0], updates[2]].filter((update) => update !== undefined));
    expect(readUpdateShape(gap).structs).toEqual([{ client: 4, start: 0, end: 3, gapEnd: 2 }]);
    doc.getMap("m").set("k", new Y.Map([["inner", "x"]]));
    doc.getMap("m").delete("k");
    expect(codeOf(Y.encodeStateAsUpdate(doc))).toBe("taken");
  });

  it("refuses it cut anywhere, and with a byte more", () => {
    const update = everything();
    for (let length = 0; length < update.length; length++)
      expect(codeOf(update.slice(0, length))).toBe("invalid-update");
    expect(codeOf(new Uint8Array([...update, 0]))).toBe("invalid-update");
  });

  it("a mutated update is refused, or Yjs takes it without a throw or with one that is refused", () => {
    const update = everything();
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const base = textUpdate("base", 9);
    const document = documentOf({ snapshot: base, updates: [] });
    let refused = 0;
    for (let round = 0; round < 3_000; round++) {
      const mutated = update.slice();
      for (let change = 0; change <= random(3); change++) mutated[random(mutated.length)] = random(256);
      const before = document.encode();
      const { outcomes } = document.apply([editOf(mutated)]);
      if (outcomes[0]?.kind === "refused") {
        refused++;
        expect(document.encode()).toEqual(before);
      } else {
        // What was taken can be loaded again.
        Y.applyUpdate(new Y.Doc(), document.encode());
        document.discard();
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  it.each<[string, number[]]>([
    ["33 million structs in 7 bytes", [1, 255, 255, 255, 15, 1, 0]],
    ["a client twice", [2, 1, 5, 0, 0, 1, 1, 5, 1, 0, 1, 0]],
    ["a struct without length", [1, 1, 5, 0, 0, 0, 0]],
    ["a clock at the bound", [1, 1, 5, 0, 0, 128, 128, 128, 128, 8, 0]],
    ["a length near 2^53", [1, 1, 5, 0, 0, 255, 255, 255, 255, 255, 255, 255, 15, 0]],
    ["a subdocument", [1, 1, 5, 0, 9, 1, 1, 97, 1, 103, 118, 0, 0]],
    ["a struct of an unknown type", [1, 1, 5, 0, 11, 1, 1, 97, 0]],
    ["a number of endless zeros", [1, 1, 5, 0, 0, ...Array.from({ length: 150 }, () => 128), 0, 0]],
    ["an item that refers to itself", [1, 1, 9, 0, 0x84, 9, 0, 1, 120, 0]],
    ["an item that refers to a later one of its author", [1, 1, 9, 0, 0x84, 9, 5, 1, 120, 0]],
    ["an item whose parent is itself", [1, 1, 9, 0, 4, 0, 9, 0, 1, 120, 0]],
    ["an empty deletion", [0, 1, 5, 1, 3, 0]],
    ["deletions out of order", [0, 1, 5, 2, 3, 1, 1, 1]],
    ["overlapping deletions", [0, 1, 5, 2, 3, 2, 4, 2]],
    ["a client's deletions twice", [0, 2, 5, 1, 3, 1, 5, 1, 7, 1]],
    ["a deletion out of bounds", [0, 1, 5, 1, 255, 255, 255, 255, 7, 1]],
  ])("refuses %s", (_name, bytes) => {
    expect(codeOf(new Uint8Array(bytes))).toBe("invalid-update");
  });

  it("[LIMIT-4] refuses values nested too deeply, and keys that replace a prototype", () => {
    const nested = (levels: number) => {
      let value: unknown = 1;
      for (let level = 0; level < levels; level++) value = [value];
      return value;
    };
    const updateOf = (edit: (doc: Y.Doc) => void) => {
      const { doc, take } = editedDoc();
      edit(doc);
      return take();
    };
    expect(codeOf(updateOf((doc) => doc.getArray("a").push([nested(64)])))).toBe("taken");
    expect(codeOf(updateOf((doc) => doc.getArray("a").push([nested(65)])))).toBe("invalid-update");
    expect(codeOf(updateOf((doc) => doc.getText("a").insertEmbed(0, { deep: nested(63) })))).toBe("taken");
    expect(codeOf(updateOf((doc) => doc.getText("a").insertEmbed(0, { deep: nested(5_000) })))).toBe("invalid-update");
    expect(codeOf(updateOf((doc) => doc.getMap("a").set("__proto__", 1)))).toBe("invalid-update");
    expect(codeOf(updateOf((doc) => doc.getArray("a").push([JSON.parse('{"__proto__":1}')])))).toBe("invalid-update");
  });
});

describe("the document", () => {
  const edit = editOf;

  it("emits one update for a window, and none for one that changes nothing", () => {
    const document = documentOf({ snapshot: null, updates: [] });
    const edits = ["a", "b", "c"].map((letter, index) => edit(textUpdate(letter, index + 1)));
    expect(document.apply(edits)).toMatchObject({
      outcomes: [{ kind: "applied" }, { kind: "applied" }, { kind: "applied" }],
    });
    expect(document.apply(edits).updates).toEqual([]);
  });

  it("an edit may depend on the one before it in the window", () => {
    const document = documentOf({ snapshot: null, updates: [] });
    const { doc, take } = editedDoc();
    const edits = ["a", "b", "c"].map((letter) => {
      doc.getText("t").insert(0, letter);
      return edit(take(), { whole: true });
    });
    const window = document.apply(edits);
    expect(window.outcomes.map(({ kind }) => kind)).toEqual(["applied", "applied", "applied"]);
    expect(window.updates.length).toBe(1);
    expect(document.toJson({ t: "text" })).toEqual({ t: "cba" });
  });

  it("is not changed by an edit that changes nothing", () => {
    const stored = textUpdate("x😀y", 1);
    const document = documentOf({ snapshot: stored, updates: [] });
    // A known struct once more, with an origin inside the pair of surrogates.
    const splitting = new Uint8Array([1, 1, 1, 3, 0x84, 1, 1, 1, 121, 0]);
    for (const denied of [null, "forbidden"]) {
      expect(document.apply([editOf(splitting, { denied })])).toMatchObject({
        outcomes: [{ kind: "applied" }],
        updates: [],
      });
    }
    expect(document.toJson({ text: "text" })).toEqual({ text: "x😀y" });
  });

  it("two items that wait for each other are refused whole", () => {
    const document = documentOf({ snapshot: null, updates: [] });
    const circle = new Uint8Array([2, 1, 9, 0, 0x84, 8, 0, 1, 99, 1, 8, 0, 0x84, 9, 0, 1, 99, 0]);
    expect(document.apply([editOf(circle, { whole: true })])).toMatchObject({
      outcomes: [{ kind: "refused" }],
      taints: 1,
    });
    expect(document.apply([editOf(circle)])).toMatchObject({ outcomes: [{ kind: "incomplete" }], updates: [] });
    expect(document.encode()).toEqual(new Uint8Array([0, 0]));
  });

  it("keeps nothing as pending", () => {
    const document = documentOf({ snapshot: null, updates: [] });
    const { doc, take } = editedDoc();
    doc.getText("t").insert(0, "a");
    take();
    doc.getText("t").insert(1, "b");
    const tail = take();
    expect(document.apply([edit(tail)]).outcomes).toEqual([{ kind: "incomplete" }]);
    expect(document.encode()).toEqual(new Uint8Array([0, 0]));
  });

  it("does not tidy up rich text by itself: it holds what clients wrote", () => {
    // Nested, since only then does the room's document know that it is rich text.
    const one = editedDoc(1);
    one.doc.getMap("m").set("t", new Y.Text("abc"));
    const base = one.take();
    const two = editedDoc(2);
    Y.applyUpdate(two.doc, base);
    two.take();
    for (const { doc } of [one, two]) (doc.getMap("m").get("t") as Y.Text).format(0, 3, { bold: true });
    const document = documentOf({ snapshot: null, updates: [base] });
    const { updates } = document.apply([edit(one.take()), edit(two.take())]);
    expect(updates.length).toBe(1);
    expect(readUpdateShape(updates[0] ?? new Uint8Array()).deletions).toEqual([]);
  });
});
