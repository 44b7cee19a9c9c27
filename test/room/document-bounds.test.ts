import { env } from "cloudflare:workers";
import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeSyncStep1 } from "../../shared/frames.ts";
import { STATE_VECTOR_ENTRIES } from "../../shared/limits.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { absentClients, behind, craft, gc, inRoot } from "../support/crafted-updates.ts";
import { editedDoc, textUpdate } from "../support/documents.ts";
import { until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";

const TYPE = 7;
const ARRAY = new Uint8Array([0]);

describe("a document of very many clients", () => {
  it("[LIMIT-13] is joined, come back to and edited by clients of both kinds that have it", async () => {
    const room = freshRoom();
    const author = await openRoomful(room);
    await author.sync();
    const many = absentClients(100_001);
    await author.untilSaved(author.sendUpdate(many));
    const known = Y.encodeStateVectorFromUpdate(many);
    for (const returning of [await openRoomful(room), await openClient(room)]) {
      await returning.sync(known);
      returning.sendUpdate(textUpdate("after it", 100 + (returning.subprotocol === "roomful.v1" ? 1 : 2)));
      const doc = new Y.Doc();
      Y.applyUpdate(doc, await (await openRoomful(room)).sync());
      expect(doc.getText("text").toString()).toContain("after it");
      expect([returning.closed, returning.messagesOf("error")]).toEqual([null, []]);
    }
  }, 60_000);

  it("[LIMIT-13] a state vector of more clients than fit into any document, or of one twice, is refused by name", async () => {
    const client = await openRoomful(freshRoom());
    client.send(
      encodeSyncStep1(encoding.encode((encoder) => encoding.writeVarUint(encoder, STATE_VECTOR_ENTRIES + 1))),
    );
    client.send(encodeSyncStep1(new Uint8Array([2, 5, 1, 5, 1])));
    await until(() => client.messagesOf("error").length === 2, "errors");
    expect(client.messagesOf("error")).toMatchObject([
      { code: "malformed-frame", about: "sync-step-1", message: expect.stringContaining("too many") },
      { code: "malformed-frame", about: "sync-step-1", message: expect.stringContaining("twice") },
    ]);
  });
});

describe("a hostile update", () => {
  it("[LIMIT-14] of 880,000 empty shared types is refused whole, and others work on", async () => {
    const room = freshRoom();
    const [author, other] = await Promise.all([openRoomful(room), openRoomful(room)]);
    await Promise.all([author.sync(), other.sync()]);
    const types = Array.from({ length: 880_000 }, (_, clock) =>
      clock === 0 ? inRoot(TYPE, "list", ARRAY) : behind(TYPE, 7, clock - 1, ARRAY),
    );
    author.sendUpdate(craft([{ client: 7, structs: types }]));
    expect(await author.heard("rejected")).toMatchObject({ frame: 1, code: "document-full" });
    await other.untilSaved(other.sendUpdate(textUpdate("works")));
    expect((await stubOf(room).statistics()).document.bytes).toBeLessThan(100);
  }, 60_000);

  it("[LIMIT-14] of 898,000 client ids is refused, and so is its third part once the first is there; a session still writes", async () => {
    const room = freshRoom();
    const [author, other] = await Promise.all([openRoomful(room), openRoomful(room)]);
    author.sendUpdate(absentClients(898_000));
    expect(await author.heard("rejected")).toMatchObject({ frame: 1, code: "document-full" });
    await other.untilSaved(other.sendUpdate(absentClients(80_000)));
    other.sendUpdate(absentClients(80_000, 2_000_000));
    expect(await other.heard("rejected")).toMatchObject({ frame: 2, code: "document-full" });
    const session = await openRoomful(room);
    await session.untilSaved(session.sendUpdate(textUpdate("a new session", 5)));
  }, 60_000);

  it("[LIMIT-14] client ids one by one beyond the half of a document end their connection, and new sessions still write", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).changeSettings({ maxDocumentBytes: 200_000 });
    const attacker = await openRoomful(room);
    for (let first = 0; first < 6_000; first += 1_000) attacker.sendUpdate(absentClients(1_000, 1_000_000 + first));
    for (let client = 0; client < 12_000 && attacker.closed === null; client++) {
      attacker.sendUpdate(absentClients(1, 2_000_000 + client));
      if (client % 100 === 0) await attacker.settled().catch(() => {});
    }
    await until(() => attacker.closed !== null, "closed");
    expect(attacker.closed).toMatchObject({ code: 4529, reason: expect.stringContaining("(edits)") });
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await (await openRoomful(room)).sync());
    expect(doc.store.clients.size).toBeLessThan(8_000);
    for (let session = 1; session <= 5; session++) {
      const client = await openRoomful(room);
      await client.untilSaved(client.sendUpdate(textUpdate("a new session", session)));
      expect(client.messagesOf("warning")).toEqual([]);
    }
  }, 60_000);

  it("[SYNC-9] that claims a victim's next clocks makes the room refuse what the victim wrote there, not acknowledge it", async () => {
    const room = freshRoom();
    const [victim, attacker] = await Promise.all([openRoomful(room), openRoomful(room)]);
    const { doc, take } = editedDoc(5);
    doc.getText("text").insert(0, "known");
    const known = take();
    await victim.untilSaved(victim.sendUpdate(known));
    doc.getText("text").insert(5, "x".repeat(1_200));
    const offline = take();
    await attacker.untilSaved(attacker.sendUpdate(craft([{ client: 5, clock: 5, structs: [gc(600)] }])));
    const frame = victim.sendUpdate(offline);
    expect(await victim.heard("rejected")).toMatchObject({ frame, code: "invalid-update" });
    await victim.untilSaved(victim.sendUpdate(known));
    await victim.untilSaved(victim.sendUpdate(textUpdate("other", 6)));
  });
});
