import { env } from "cloudflare:workers";
import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { getRoom } from "../../worker/room/namespace.ts";
import { editedDoc, textUpdate } from "../support/documents.ts";
import { until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { bringCrowd, freshRoom, passWindows, stubOf } from "./rooms.ts";

const times = <Result>(count: number, make: (index: number) => Result) =>
  Array.from({ length: count }, (_, index) => make(index));

/** Waits until a client was closed, or a room has handled all that it sent. */
async function settledOrClosed(client: WireClient): Promise<void> {
  await client.settled().catch(() => {});
}

describe("copies of an update that throws", () => {
  /** A key that is given two values at once, found when the window ends. */
  const TWO_VALUES = new Uint8Array([1, 1, 9, 0, 0x24, 1, 1, 116, 1, 107, 2, 97, 98, 0]);

  it.each([30, 93])(
    "[SYNC-8] %i of them in one window, in a room of 60 with 4 MB: the document is loaded once more, for each that is paid for",
    async (copies) => {
      const room = freshRoom();
      const [author, other] = await Promise.all([openRoomful(room), openRoomful(room)]);
      await Promise.all([author.sync(), other.sync()]);
      await other.untilSaved(other.sendUpdate(textUpdate("x".repeat(4_000_000), 1)));
      await bringCrowd(room);
      await passWindows();
      const good = author.sendUpdate(textUpdate("good", 2));
      for (let copy = 0; copy < copies; copy++) author.sendUpdate(TWO_VALUES);
      const others = other.sendUpdate(textUpdate("other", 3));
      await other.untilSaved(others);
      await settledOrClosed(author);
      const { document } = await stubOf(room).statistics();
      expect(document.taints).toBe(1);
      expect(document.loads).toBeLessThanOrEqual(2);
      expect(author.messagesOf("rejected")).toMatchObject([{ frame: good + 1, code: "invalid-update" }]);
      expect(author.closed).toMatchObject({ code: 4529, reason: expect.stringContaining("(refusals)") });
      const text = (await getRoom(env.ROOMS, room).getJson({ text: "text" })).text;
      expect(text).toHaveLength(4_000_009);
    },
    120_000,
  );
});

describe("deletions inside one run", () => {
  it.each([100_000, 20_000])(
    "[LIMIT-17] %i of them before 300,000 pieces are rejected without a load; others go on",
    async (deletions) => {
      const room = freshRoom();
      const [author, other] = await Promise.all([openRoomful(room), openRoomful(room)]);
      await Promise.all([author.sync(), other.sync()]);
      const { doc, take } = editedDoc(1);
      doc.transact(() => {
        doc.getText("text").insert(0, "x".repeat(100_000));
        const bytes = new Uint8Array([1]);
        doc.getArray("pieces").push(times(300_000, () => bytes));
      });
      await author.untilSaved(author.sendUpdate(take()));
      const { loads } = (await stubOf(room).statistics()).document;
      const holes = encoding.encode((encoder) => {
        for (const number of [0, 1, 1, deletions / 2]) encoding.writeVarUint(encoder, number);
        for (let index = 0; index < deletions / 2; index++) {
          encoding.writeVarUint(encoder, 2 * index + 1);
          encoding.writeVarUint(encoder, 1);
        }
      });
      const rejected = author.sendUpdate(holes);
      const others = other.sendUpdate(textUpdate("other", 3));
      await other.untilSaved(others);
      await until(() => author.messagesOf("rejected").length > 0, "a rejection");
      expect(author.messagesOf("rejected")).toMatchObject([{ frame: rejected, code: "update-too-costly" }]);
      expect((await stubOf(room).statistics()).document).toMatchObject({ loads, taints: 0 });
      expect((await getRoom(env.ROOMS, room).getJson({ text: "text" })).text).toHaveLength(100_005);
    },
    180_000,
  );
});

describe("a sender whose edits take long", () => {
  it("[LIMIT-18] others' edits come before most of them", async () => {
    const room = freshRoom();
    const [author, other, watcher] = await Promise.all([openRoomful(room), openRoomful(room), openRoomful(room)]);
    await Promise.all([author.sync(), other.sync(), watcher.sync()]);
    await bringCrowd(room);
    const first = author.sendUpdate(textUpdate("x", 1));
    const lists = times(4, (index) => {
      const { doc, take } = editedDoc(10 + index);
      doc.getArray("list").push(times(51_000, () => new Uint8Array([1])));
      return take();
    });
    // All of these wait for one window.
    const numbers = lists.map((list) => author.sendUpdate(list));
    const others = other.sendUpdate(textUpdate("other", 3));
    await Promise.all([other.untilSaved(others), author.untilSaved(numbers.at(-1) ?? first)]);
    const writers = watcher
      .framesOf("update")
      .map(({ update }) => [...Y.parseUpdateMeta(update).to.keys()].filter((client) => client !== 1));
    const frameOf = (client: number) => writers.findIndex((clients) => clients.includes(client));
    expect(frameOf(3)).toBeLessThan(frameOf(12));
    expect(new Set(times(4, (index) => frameOf(10 + index))).size).toBe(4);
    expect(author.messagesOf("rejected")).toEqual([]);
    expect(author.closed).toBeNull();
  }, 60_000);

  it("[STORE-8] a log that would take long to load is folded into a snapshot", async () => {
    const room = freshRoom();
    const author = await openRoomful(room);
    await author.sync();
    const { doc, take } = editedDoc(1);
    doc.transact(() => {
      doc.getText("text").insert(0, "x".repeat(10_000));
      const bytes = new Uint8Array([1]);
      doc.getArray("pieces").push(times(200_000, () => bytes));
    });
    await author.untilSaved(author.sendUpdate(take()));
    await stubOf(room).flush();
    const { snapshotGeneration } = (await stubOf(room).statistics()).storage;
    for (let part = 0; part < 2; part++) {
      const holes = encoding.encode((encoder) => {
        for (const number of [0, 1, 1, 700]) encoding.writeVarUint(encoder, number);
        for (let index = 0; index < 700; index++) {
          encoding.writeVarUint(encoder, 2_000 * part + 2 * index + 1);
          encoding.writeVarUint(encoder, 1);
        }
      });
      await author.untilSaved(author.sendUpdate(holes));
    }
    await author.settled();
    const { storage } = await stubOf(room).statistics();
    expect(storage.snapshotGeneration).toBe(snapshotGeneration + 1);
    expect(storage.logBytesSinceSnapshot).toBe(0);
  }, 60_000);
});

describe("frames of a few bytes in a document of many clients", () => {
  const CLIENTS = 20_000;

  /** An update of one character by each of so many clients, without a search among them. */
  const ofClients = () =>
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, CLIENTS);
      for (let client = 1; client <= CLIENTS; client++) {
        for (const number of [1, client, 0]) encoding.writeVarUint(encoder, number);
        encoding.writeUint8(encoder, 4);
        encoding.writeVarUint(encoder, 1);
        encoding.writeVarString(encoder, `${client % 5_000}`);
        encoding.writeVarString(encoder, "x");
      }
      encoding.writeVarUint(encoder, 0);
    });

  const uint = (value: number) => encoding.encode((encoder) => encoding.writeVarUint(encoder, value));

  /** State vectors of at least half of the document's clients that are encoded while work runs: each is sorted. */
  async function countStateVectors(work: () => Promise<void>): Promise<number> {
    const { sort } = Array.prototype;
    let count = 0;
    Array.prototype.sort = function (this: unknown[], ...compare: Parameters<typeof sort>) {
      if (this.length > CLIENTS / 2) count++;
      return sort.apply(this, compare);
    };
    try {
      await work();
    } finally {
      Array.prototype.sort = sort;
    }
    return count;
  }

  it.each([
    // One clock is known, and the next one is there with it.
    [
      "that overlap what is known by one clock",
      (client: number) => {
        const root = new TextEncoder().encode(`${client % 5_000}`);
        return [1, 1, ...uint(client), 0, 4, 1, root.length, ...root, 2, 120, 121, 0];
      },
    ],
    // The clock before it is missing.
    ["that lack what they refer to", (client: number) => [1, 1, ...uint(client), 5, 4, 1, 1, 116, 1, 120, 0]],
  ])(
    "[LIMIT-18] 500 %s encode a whole state vector once in a window, not each",
    async (_what, bytes) => {
      const room = freshRoom();
      const [author, other] = await Promise.all([openRoomful(room), openClient(room)]);
      await author.sync();
      await author.untilSaved(author.sendUpdate(ofClients()));
      await Promise.all([author.settled(), other.sync()]);
      await passWindows();
      const encoded = await countStateVectors(async () => {
        for (let turn = 0; turn < 500; turn++) author.sendUpdate(new Uint8Array(bytes(turn + 1)));
        await settledOrClosed(author);
        await other.sync(Y.encodeStateVector(new Map([[1, 1]])));
      });
      expect(author.closed).toBeNull();
      expect(author.messagesOf("rejected")).toEqual([]);
      expect(encoded).toBeLessThan(10);
    },
    180_000,
  );
});
