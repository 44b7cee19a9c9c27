import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeSyncStep1 } from "../../shared/frames.ts";
import { STATE_VECTOR_ENTRIES } from "../../shared/limits.ts";
import { absentClients } from "../support/crafted-updates.ts";
import { textUpdate } from "../support/documents.ts";
import { until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom } from "./rooms.ts";

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
