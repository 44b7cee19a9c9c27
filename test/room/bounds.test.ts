import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeAwareness, encodeQueryAwareness, encodeSyncStep1, encodeUpdate } from "../../shared/frames.ts";
import { STRIKES, TEXT_MESSAGE_BYTES } from "../../shared/limits.ts";
import type { Grant } from "../../shared/rooms.ts";
import { upgradeRequest } from "../../worker/access/admission.ts";
import { readSettings, type Settings } from "../../worker/settings/settings.ts";
import { editedDoc, textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import type { WireClient } from "../support/wire-client.ts";
import { clientOf, openClient, openRoomful } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";

const EDITOR: Grant = { capabilities: ["read", "write", "publish"] };
const limit = <Name extends keyof Settings>(name: Name): Settings[Name] => readSettings({})[name];

/** Asks to enter, as the Worker does. @returns the room's answer */
const ask = (room: string, grant: Grant, network: string | null = null) =>
  stubOf(room).fetch(upgradeRequest({ grant, subprotocol: null, origin: null, network }));

const refusalOf = (response: Response) => response.headers.get("x-roomful-refusal");

describe("places", () => {
  it("[LIMIT-9] a subject has so many connections and not one more; others still enter", async () => {
    const room = freshRoom();
    const grant: Grant = { ...EDITOR, subject: "ann" };
    const clients: WireClient[] = [];
    for (let index = 0; index < limit("MAX_PARTICIPANTS_PER_SUBJECT"); index++) {
      clients.push(await openRoomful(room, grant));
    }
    const refused = await ask(room, grant);
    expect([refused.status, refusalOf(refused)]).toEqual([429, "too-many-connections"]);
    expect((await ask(room, { ...EDITOR, subject: "bob" })).status).toBe(101);
    expect((await ask(room, EDITOR)).status).toBe(101);
    clients[0]?.close();
    await until(() => clients[0]?.closed !== null, "closed");
    expect((await ask(room, grant)).status).toBe(101);
    expect((await stubOf(room).statistics()).refusals).toEqual({ "too-many-connections": 1 });
  });

  it("[LIMIT-9] a full room closes whoever comes with a code that is retried, and works on", async () => {
    const room = freshRoom();
    const places = limit("MAX_PARTICIPANTS");
    const first = await openClient(room);
    const others: WireClient[] = [];
    for (let index = 1; index < places; index++) others.push(clientOf(await ask(room, EDITOR)));
    const refused = await openClient(room);
    await until(() => refused.closed !== null, "closed");
    expect(refused.closed).toMatchObject({ code: 4503, reason: expect.stringMatching(/^room-full: /) });
    first.sendUpdate(textUpdate("works on"));
    expect((await first.sync()).length).toBeGreaterThan(2);
    others[0]?.close();
    await until(() => others[0]?.closed !== null, "a place is free");
    const welcome = await openClient(room);
    await welcome.sync();
    expect(welcome.closed).toBeNull();
    for (const client of others) client.close();
  }, 120_000);
});

describe("what one connection may ask", () => {
  /** Each floods a room of some size by something that costs, until it is closed. */
  const drawing = shapes(2_000, 1);
  const floods: [kind: string, flood: (client: WireClient, turn: number) => void][] = [
    ["joins", (client) => client.send(encodeSyncStep1(new Uint8Array([0])))],
    // What the room has already is walked all the same.
    ["edits", (client) => client.sendUpdate(drawing)],
    ["presence", (client, turn) => client.sendPresence(5, turn + 1, { text: "x".repeat(60_000) })],
    ["messages", (client) => client.send(JSON.stringify({ type: "event", data: "x".repeat(60_000) }))],
  ];

  it.each(floods)(
    "[LIMIT-7] a flood of %s is warned, and closed with a code that is retried",
    async (kind, flood) => {
      const room = freshRoom();
      const grant: Grant = { ...EDITOR, subject: "flooder" };
      const [flooder, other] = await Promise.all([openRoomful(room, grant), openRoomful(room)]);
      other.sendUpdate(textUpdate("x".repeat(300_000)));
      await Promise.all([flooder.sync(), other.sync()]);
      for (let turn = 0; flooder.closed === null && turn < 20_000; turn++) {
        flood(flooder, turn);
        if (turn % 20 === 0) await pause(0);
      }
      await until(() => flooder.closed !== null, "closed", 60_000);
      expect(flooder.closed).toMatchObject({ code: 4529, reason: expect.stringMatching(/^rate-limited: /) });
      expect(flooder.messagesOf("rejected")).toEqual([]);
      expect(flooder.closed?.reason).toContain(`(${kind})`);
      expect(flooder.messagesOf("warning")).toMatchObject([{ code: "rate-limit-near" }]);
      // Nothing that was taken is lost, nobody else was closed, and coming back at once is of no use.
      await other.sync();
      expect(other.closed).toBeNull();
      expect(refusalOf(await ask(room, grant))).toBe("rate-limited");
      expect((await ask(room, { ...EDITOR, subject: "somebody else" })).status).toBe(101);
      expect((await stubOf(room).participants()).map(({ subject }) => subject)).not.toContain("flooder");
    },
    120_000,
  );

  it("[LIMIT-7] a query is charged by what it is answered", async () => {
    const room = freshRoom();
    const [asking, shown] = await Promise.all([openRoomful(room), openRoomful(room)]);
    shown.sendPresence(5, 1, { text: "x".repeat(60_000) });
    await asking.sync();
    for (let turn = 0; asking.closed === null && turn < 20_000; turn++) {
      asking.send(encodeQueryAwareness());
      if (turn % 20 === 0) await pause(0);
    }
    expect(asking.closed?.reason).toContain("(presence)");
  }, 120_000);

  it("[LIMIT-7] one refused update that makes the room search long is the last of its connection", async () => {
    const room = freshRoom();
    const [author, other] = await Promise.all([openRoomful(room), openRoomful(room)]);
    await Promise.all([author.sync(), other.sync()]);
    author.sendUpdate(unrelatedItems(7_000));
    await until(() => author.closed !== null, "closed", 60_000);
    expect(author.messagesOf("rejected")).toMatchObject([{ frame: 1, code: "update-too-costly" }]);
    expect(author.closed).toMatchObject({ code: 4529, reason: expect.stringContaining("(refusals)") });
    await other.untilSaved(other.sendUpdate(textUpdate("works")));
  }, 60_000);

  it("[LIMIT-8] those who leave and come again and again are refused at the door, by subject or network", async () => {
    const room = freshRoom();
    const author = await openRoomful(room);
    author.sendUpdate(textUpdate("x".repeat(5_000_000)));
    await author.sync();
    const network = "203.0.113.7";
    let refusal: string | null = null;
    for (let visit = 0; visit < 100 && refusal === null; visit++) {
      const response = await ask(room, EDITOR, network);
      refusal = refusalOf(response);
      if (response.webSocket === null) break;
      const client = clientOf(response);
      await client.sync();
      client.close();
      await until(() => client.closed !== null, "closed");
    }
    expect(refusal).toBe("rate-limited");
    expect((await ask(room, EDITOR, "203.0.113.8")).status).toBe(101);
    expect((await ask(room, EDITOR)).status).toBe(101);
    expect((await ask(room, { ...EDITOR, subject: "ann" }, network)).status).toBe(101);
  }, 120_000);

  it("[LIMIT-7] hibernation forgets what was spent, and who was there stays", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    client.sendUpdate(textUpdate("x".repeat(1_000_000)));
    let turns = 0;
    for (; client.messagesOf("warning").length === 0 && turns < 1_000; turns++) await client.sync();
    expect(client.messagesOf("warning")).toHaveLength(1);
    await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
    // With what was spent before, these would empty the bucket.
    for (let turn = 0; turn < turns * 0.6; turn++) await client.sync();
    expect(client.messagesOf("warning")).toHaveLength(1);
    expect(client.closed).toBeNull();
  }, 60_000);
});

describe("what honest clients do at their worst", () => {
  it("[LIMIT-7] 10,000 shapes pasted at once, and a day's work sent as one step 2, are no flood", async () => {
    const room = freshRoom();
    const [author, reader] = await Promise.all([openRoomful(room), openRoomful(room)]);
    await Promise.all([author.sync(), reader.sync()]);
    await author.untilSaved(author.sendUpdate(shapes(10_000, 1)));
    await author.untilSaved(author.sendStep2(shapes(20_000, 2)));
    expect(author.messagesOf("warning")).toEqual([]);
    expect(author.closed).toBeNull();
  }, 60_000);
});

describe("a document that comes near its limit", () => {
  it("[LIMIT-10] is told once to everybody who may write, and again to those who come", async () => {
    const room = freshRoom();
    const viewer: Grant = { capabilities: ["read"] };
    const author = await openRoomful(room);
    const watching = await openRoomful(room, viewer);
    await Promise.all([author.sync(), watching.sync()]);
    const most = limit("MAX_DOCUMENT_BYTES");
    await author.untilSaved(author.sendUpdate(textUpdate("a".repeat(most * 0.89), 1)));
    expect(author.messagesOf("warning")).toEqual([]);
    await author.untilSaved(author.sendUpdate(textUpdate("b".repeat(most * 0.02), 2)));
    await author.untilSaved(author.sendUpdate(textUpdate("c".repeat(most * 0.02), 3)));
    expect(author.messagesOf("warning")).toMatchObject([{ code: "document-nearly-full" }]);
    const late = await openRoomful(room);
    await late.sync();
    await until(() => late.messagesOf("warning").length > 0, "a warning");
    expect(watching.messagesOf("warning")).toEqual([]);
  });

  it("[LIMIT-2] a full room serves reads, cursors and exports, and takes deletions that make room", async () => {
    const room = freshRoom();
    const author = await openRoomful(room);
    await author.sync();
    const { doc, fill } = filledDoc(limit("MAX_DOCUMENT_BYTES"));
    await author.untilSaved(author.sendUpdate(fill));
    const rejected = author.sendUpdate(textUpdate("z".repeat(500_000), 99));
    await until(() => author.messagesOf("rejected").length === 1, "rejected");
    expect(author.messagesOf("rejected")).toMatchObject([{ frame: rejected, code: "document-full" }]);
    const reader = await openClient(room);
    expect((await reader.sync()).length).toBeGreaterThan(1_000_000);
    reader.sendPresence(7, 1, { cursor: 1 });
    await until(() => author.presence.has(7), "presence");
    expect((await stubOf(room).getState()).length).toBeGreaterThan(1_000_000);
    const before = Y.encodeStateVector(doc);
    doc.getText("text").delete(0, 1_000_000);
    const other = await openRoomful(room);
    await other.sync();
    await other.untilSaved(other.sendUpdate(Y.encodeStateAsUpdate(doc, before)));
    await other.untilSaved(other.sendUpdate(textUpdate("z".repeat(500_000), 98)));
    expect(other.messagesOf("rejected")).toEqual([]);
  });
});

describe("a client that does not answer", () => {
  /** What writes so many bytes, of which the document keeps few. */
  const writerOf = (author: WireClient) => {
    const { doc, take } = editedDoc();
    return async (bytes: number) => {
      let frame = 0;
      for (let sent = 0; sent < bytes; sent += 500_000) {
        doc.getMap("map").set("key", `${sent} ${"x".repeat(500_000)}`);
        frame = author.sendUpdate(take());
        await pause(20);
      }
      await author.untilSaved(frame);
    };
  };

  it.each(["roomful.v1", "stock"])(
    "[LIMIT-11] %s: is closed at the bound and not before, and gone for everybody",
    async (protocol) => {
      const room = freshRoom();
      const author = await openRoomful(room);
      const silent = protocol === "stock" ? await openClient(room) : await openRoomful(room);
      await Promise.all([author.sync(), silent.sync()]);
      silent.answersProbes = false;
      silent.sendPresence(9, 1, { name: "silent" });
      await until(() => author.presence.has(9), "presence");
      const bound = limit("MAX_UNREAD_BYTES");
      const write = writerOf(author);
      await write(bound - 1_000_000);
      expect(silent.closed).toBeNull();
      await write(1_500_000);
      await until(() => silent.closed !== null, "closed");
      expect(silent.closed).toMatchObject({ code: 4508, reason: expect.stringMatching(/^slow-reader: /) });
      await until(() => author.presence.get(9) === null, "the silent one's presence to be gone");
      expect(author.closed).toBeNull();
    },
    60_000,
  );

  it.each(["roomful.v1", "stock"])(
    "[LIMIT-11] %s: one that answers reads on for ever, also over hibernation",
    async (protocol) => {
      const room = freshRoom();
      const author = await openRoomful(room);
      const reader = protocol === "stock" ? await openClient(room) : await openRoomful(room);
      reader.answersProbes = true;
      await Promise.all([author.sync(), reader.sync()]);
      const bound = limit("MAX_UNREAD_BYTES");
      const write = writerOf(author);
      await write(bound * 0.8);
      await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
      await write(bound * 0.8);
      expect(reader.closed).toBeNull();
    },
    60_000,
  );

  it("[LIMIT-11] what was not answered before hibernation counts after it", async () => {
    const room = freshRoom();
    const author = await openRoomful(room);
    const silent = await openRoomful(room);
    await Promise.all([author.sync(), silent.sync()]);
    silent.answersProbes = false;
    const bound = limit("MAX_UNREAD_BYTES");
    const write = writerOf(author);
    await write(bound * 0.7);
    await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
    await write(bound * 0.7);
    await until(() => silent.closed !== null, "closed");
    expect(silent.closed?.code).toBe(4508);
  }, 60_000);
});

describe("sizes", () => {
  it("[LIMIT-12] a text message at the limit is read, one above it is refused", async () => {
    const client = await openRoomful(freshRoom());
    const padded = (length: number) => `{"type":"ping"}`.padEnd(length, " ");
    client.send(padded(TEXT_MESSAGE_BYTES));
    await until(() => client.messagesOf("pong").length === 1, "a pong");
    client.send(padded(TEXT_MESSAGE_BYTES + 1));
    await until(() => client.messagesOf("error").length === 1, "an error");
    expect(client.messagesOf("error")).toMatchObject([{ code: "malformed-message" }]);
    expect(client.messagesOf("pong")).toHaveLength(1);
  });

  it("[LIMIT-1] a frame at the limit is taken, one byte more is refused", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    const most = limit("MAX_FRAME_BYTES");
    // What the limit is for is one frame, whatever is in it: here a document that is refused for its own size.
    const sized = (bytes: number) => {
      const overhead = encodeUpdate(textUpdate("x".repeat(most / 2), 1)).length - most / 2;
      return encodeUpdate(textUpdate("x".repeat(bytes - overhead), 1));
    };
    expect([sized(most).length, sized(most + 1).length]).toEqual([most, most + 1]);
    client.send(sized(most));
    client.send(sized(most + 1));
    await until(() => client.messagesOf("rejected").length === 2, "two refusals");
    expect(client.messagesOf("rejected").map(({ code }) => code)).toEqual(["document-full", "frame-too-large"]);
  });

  it("[LIMIT-3] a presence state at the limit is taken, one byte more is refused", async () => {
    const client = await openRoomful(freshRoom());
    const other = await openRoomful(freshRoom());
    const state = (bytes: number) => new TextEncoder().encode(JSON.stringify({ s: "x".repeat(bytes - 8) }));
    const most = limit("MAX_PRESENCE_BYTES");
    expect([state(most).length, state(most + 1).length]).toEqual([most, most + 1]);
    client.send(encodeAwareness([{ clientId: 1, clock: 1, state: state(most) }]));
    other.send(encodeAwareness([{ clientId: 1, clock: 1, state: state(most + 1) }]));
    await until(() => other.messagesOf("error").length === 1, "an error");
    expect(other.messagesOf("error")).toMatchObject([{ code: "presence-too-large" }]);
    await until(() => client.framesOf("awareness").length > 0, "an answer to the claim");
    expect(client.messagesOf("error")).toEqual([]);
  });

  it("[ERR-2] the last message that nobody can use is answered, the next one closes", async () => {
    const client = await openRoomful(freshRoom());
    for (let strike = 0; strike < STRIKES; strike++) client.send("{");
    await until(() => client.messagesOf("error").length === STRIKES, "answers");
    expect(client.closed).toBeNull();
    client.send("{");
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4400);
  });
});

/** An update of items that all came to one place, each of an author who knew nothing of the others. */
function unrelatedItems(count: number): Uint8Array {
  const docs = Array.from({ length: count }, (_, index) => {
    const doc = new Y.Doc();
    doc.clientID = index + 1;
    doc.getMap("map").set("key", "v");
    return Y.encodeStateAsUpdate(doc);
  });
  return Y.mergeUpdates(docs);
}

function shapes(count: number, client: number): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = client;
  doc.transact(() => {
    for (let index = 0; index < count; index++) {
      const shape = new Y.Map<unknown>();
      for (const key of ["x", "y", "width", "height", "color"]) shape.set(key, index);
      doc.getMap("shapes").set(`shape ${client} ${index}`, shape);
    }
  });
  return Y.encodeStateAsUpdate(doc);
}

function filledDoc(bytes: number): { doc: Y.Doc; fill: Uint8Array } {
  const doc = new Y.Doc();
  doc.clientID = 1;
  doc.getText("text").insert(0, "x".repeat(bytes - 1_000));
  return { doc, fill: Y.encodeStateAsUpdate(doc) };
}
