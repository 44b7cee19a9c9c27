import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import * as Y from "yjs";
import { getRoom } from "../../worker/index.ts";

it("the README's example of a Worker that edits a room", async () => {
  const room = getRoom(env.ROOMS, "notes/today");
  const { text } = await room.getJson({ text: "text" });

  const doc = new Y.Doc();
  Y.applyUpdate(doc, await room.getState());
  const before = Y.encodeStateVector(doc);
  doc.getText("text").insert(text.length, "Written by a Worker. ");
  await room.applyUpdate(Y.encodeStateAsUpdate(doc, before)); // durable, and sent to everybody in the room

  const { connections, storage } = await room.statistics();
  expect((await room.getJson({ text: "text" })).text).toBe("Written by a Worker. ");
  expect([connections.stock, storage.logRows]).toEqual([0, 1]);
});
