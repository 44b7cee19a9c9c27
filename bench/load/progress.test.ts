import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { encodeAwareness, encodeSyncStep2, encodeUpdate } from "../../shared/frames.ts";
import { cursorFrames, cursorState } from "./cursors.ts";
import { FrameReader } from "./frame-reader.ts";
import { kindOf, Progress, readAwareness, readUpdate } from "./progress.ts";
import { clientIdOf, FrameSource, ROOT, writerOf } from "./updates.ts";

const NO_PREFIX = Buffer.alloc(0);

/** Numbers from 0 to before 1, the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The messages that a source's WebSocket frames hold. */
function messagesOf(source: FrameSource, from: number, to: number): Buffer[] {
  const messages: Buffer[] = [];
  const reader = new FrameReader((_, payload) => messages.push(Buffer.from(payload)));
  source.take(from, to, (frames) => reader.push(Buffer.from(frames)));
  return messages;
}

/** The update in a sync message that is short enough for a length of up to two bytes. */
function updateIn(message: Buffer): Uint8Array {
  return new Uint8Array(message.subarray((message[2] ?? 0) < 0x80 ? 3 : 4));
}

/** The slow way: a document for each subscriber, asked how far it got with each writer. */
function exactly(docs: readonly Y.Doc[], writers: number): number {
  let delivered = 0;
  for (const [subscriber, doc] of docs.entries()) {
    for (const [client, clock] of Y.decodeStateVector(Y.encodeStateVector(doc))) {
      if (writerOf(client) !== subscriber && writerOf(client) < writers) delivered += clock;
    }
  }
  return delivered;
}

type Server = (server: Y.Doc, updates: readonly Uint8Array[]) => Uint8Array[];

const servers: Readonly<Record<string, Server>> = {
  "forwards each update": (_, updates) => updates.map(encodeUpdate),
  "applies a window in one transaction": (server, updates) => {
    const frames: Uint8Array[] = [];
    const emit = (update: Uint8Array) => frames.push(encodeUpdate(update));
    server.on("update", emit);
    server.transact(() => {
      for (const update of updates) Y.applyUpdate(server, update);
    });
    server.off("update", emit);
    return frames;
  },
  "merges encoded updates": (_, updates) => (updates.length === 0 ? [] : [encodeUpdate(Y.mergeUpdates([...updates]))]),
  "sends the whole document": (server, updates) => {
    for (const update of updates) Y.applyUpdate(server, update);
    return [encodeSyncStep2(Y.encodeStateAsUpdate(server))];
  },
};

describe("the delivery counter agrees with documents that apply every frame, when a server", () => {
  it.each(Object.entries(servers))("%s", (_, serve) => {
    const random = randomFrom(7);
    const [subscribers, writers] = [4, 3];
    const progress = new Progress(subscribers, writers);
    const docs = Array.from({ length: subscribers }, () => new Y.Doc());
    const sources = Array.from({ length: writers }, (_, writer) => FrameSource.updates(NO_PREFIX, writer));
    const sent = new Array<number>(writers).fill(0);
    const server = new Y.Doc();
    for (let round = 0; round < 25; round++) {
      const updates = sources.flatMap((source, writer) => {
        const from = sent[writer] ?? 0;
        const to = from + Math.floor(random() * 120);
        sent[writer] = to;
        return messagesOf(source, from, to).map(updateIn);
      });
      for (const frame of serve(server, updates)) {
        expect(["update", "step-2"]).toContain(kindOf(frame, 0));
        for (const [subscriber, doc] of docs.entries()) {
          readUpdate(frame, 0, (writer, from, to) => progress.advance(subscriber, writer, from, to));
          Y.applyUpdate(doc, updateOfAnyLength(frame));
        }
      }
      expect(progress.delivered).toBe(exactly(docs, writers));
    }
    expect(progress.delivered).toBeGreaterThan(1000);
    expect(progress.gaps).toBe(0);
    expect(sent.map((_, writer) => progress.slowest(writer))).toEqual(sent);
  });
});

it("what a frame leaves out is counted as delivered with what came later, and as a gap", () => {
  const progress = new Progress(2, 1);
  const messages = messagesOf(FrameSource.updates(NO_PREFIX, 0), 0, 10);
  for (const message of [...messages.slice(0, 3), ...messages.slice(5)]) {
    readUpdate(message, 0, (writer, from, to) => progress.advance(1, writer, from, to));
  }
  expect(progress).toMatchObject({ delivered: 10, gaps: 1 });
});

function updateOfAnyLength(frame: Uint8Array): Uint8Array {
  let at = 2;
  while ((frame[at] ?? 0) >= 0x80) at++;
  return new Uint8Array(frame.subarray(at + 1));
}

it("a writer's updates append one character each, in whatever order of writers they are applied", () => {
  const doc = new Y.Doc();
  for (const writer of [1, 0]) {
    for (const message of messagesOf(FrameSource.updates(NO_PREFIX, writer), 0, 1_000))
      Y.applyUpdate(doc, updateIn(message));
  }
  expect(doc.getText(ROOT).length).toBe(2_000);
  expect(Y.decodeStateVector(Y.encodeStateVector(doc)).get(clientIdOf(1))).toBe(1_000);
});

it("what was sent is not counted for its sender, nor twice", () => {
  const progress = new Progress(2, 2);
  expect(progress.advance(0, 0, 0, 5)).toBe(5);
  expect(progress.advance(1, 0, 0, 5)).toBe(0);
  expect(progress.advance(1, 0, 0, 5)).toBe(5);
  expect(progress.advance(1, 0, 5, 7)).toBe(5);
  expect(progress).toMatchObject({ delivered: 7, gaps: 0 });
});

it("a later state of a person's makes up for those that were left out", () => {
  const awareness = new Awareness(new Y.Doc());
  const progress = new Progress(2, 1);
  const messages = messagesOf(cursorFrames(NO_PREFIX, 0), 0, 9);
  for (const index of [0, 3, 8]) {
    const message = messages[index] ?? NO_PREFIX;
    expect(kindOf(message, 0)).toBe("awareness");
    applyAwarenessUpdate(awareness, new Uint8Array(message.subarray((message[1] ?? 0) < 0x80 ? 2 : 3)), "test");
    expect(awareness.getStates().get(clientIdOf(0))).toEqual(JSON.parse(cursorState(0, index)));
    const whole = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(awareness, [clientIdOf(0)]));
    });
    readAwareness(whole, 0, (writer, from, to) => progress.advance(1, writer, from, to));
    expect(progress.delivered).toBe(index + 1);
  }
  awareness.destroy();
});

it("other people's entries in a presence frame are passed over", () => {
  const progress = new Progress(2, 1);
  const state = Buffer.from("{}");
  const frame = encodeAwareness([
    { clientId: 5, clock: 300, state },
    { clientId: clientIdOf(0), clock: 4, state },
  ]);
  readAwareness(frame, 0, (writer, from, to) => progress.advance(1, writer, from, to));
  expect(progress.delivered).toBe(4);
});
