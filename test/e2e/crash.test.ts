import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { NodeClient } from "../support/node-client.ts";
import { Server } from "../support/server.ts";
import { pause, until } from "../support/until.ts";

const COMMIT_WINDOW_MS = 250;

/** Updates that each set one key, made beforehand. */
function preparedEdits(author: string, count: number): Uint8Array[] {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  for (let index = 0; index < count; index++) doc.getMap("edits").set(`${author}-${index}`, index);
  return updates;
}

async function keysAfterRestart(server: Server): Promise<Set<string>> {
  await server.restart();
  const reader = await NodeClient.open(`${server.url}/crash`);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await reader.sync());
  reader.cut();
  return new Set(doc.getMap("edits").keys());
}

/** Two clients that edit without a pause until enough is acknowledged, and the kill while they do. */
async function killWhileEditing(server: Server, acknowledgements: number) {
  const authors = ["a", "b"];
  const clients = await Promise.all(authors.map(() => NodeClient.open(`${server.url}/crash`)));
  const seen = new Set<string>();
  for (const client of clients) {
    await client.sync();
    const mirror = new Y.Doc();
    client.onFrame = (frame) => {
      if (frame.type !== "update") return;
      Y.applyUpdate(mirror, frame.update);
      for (const key of mirror.getMap("edits").keys()) seen.add(key);
    };
  }
  const edits = authors.map((author) => preparedEdits(author, 20_000));
  const sent = authors.map(() => 0);
  // The kill falls into the middle of a commit window: what was sent since the last commit was relayed, not committed.
  let killAt = Number.POSITIVE_INFINITY;
  while (performance.now() < killAt) {
    if (killAt === Number.POSITIVE_INFINITY && clients.every(({ saved }) => saved >= acknowledgements)) {
      killAt = performance.now() + COMMIT_WINDOW_MS / 2;
    }
    for (const [index, client] of clients.entries()) {
      const edit = edits[index]?.[sent[index] ?? 0];
      if (edit === undefined) throw new Error("more edits are needed");
      sent[index] = client.sendUpdate(edit);
    }
    await pause(1);
  }
  const openWindow = clients.map(({ saved }, index) => (sent[index] ?? 0) - saved);
  await server.kill();
  const acknowledged = authors.flatMap((author, index) =>
    Array.from({ length: clients[index]?.saved ?? 0 }, (_, edit) => `${author}-${edit}`),
  );
  const rejected = clients.flatMap((client) => client.messagesOf("rejected"));
  for (const client of clients) client.cut();
  return { acknowledged, seen, openWindow, rejected };
}

describe.concurrent("kill -9 of every process of the server", () => {
  it("[SAVE-7] loses no acknowledged edit", async () => {
    const server = await Server.start();
    try {
      const { acknowledged, openWindow, rejected } = await killWhileEditing(server, 700);
      expect(acknowledged.length).toBeGreaterThanOrEqual(1_000);
      expect(Math.max(...openWindow)).toBeGreaterThan(0);
      expect(rejected).toEqual([]);
      const kept = await keysAfterRestart(server);
      expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it("[SAVE-8] in strict mode loses nothing that another client had seen", async () => {
    const server = await Server.start("STRICT:true");
    try {
      const { acknowledged, seen } = await killWhileEditing(server, 700);
      expect(seen.size).toBeGreaterThanOrEqual(1_000);
      const kept = await keysAfterRestart(server);
      expect([...seen, ...acknowledged].filter((key) => !kept.has(key))).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it("[STORE-5] keeps a deletion that was the only edit", async () => {
    const server = await Server.start();
    try {
      const doc = new Y.Doc();
      const updates: Uint8Array[] = [];
      doc.on("update", (update: Uint8Array) => updates.push(update));
      doc.getMap("edits").set("kept", 1);
      doc.getMap("edits").set("deleted", 1);
      doc.getMap("edits").delete("deleted");
      const [first, second, deletion] = updates;
      if (first === undefined || second === undefined || deletion === undefined) throw new Error("three updates");
      const writer = await NodeClient.open(`${server.url}/crash`);
      writer.sendUpdate(first);
      writer.sendUpdate(second);
      await until(() => writer.saved === 2, "saved");
      // The commit window is over: the deletion has one of its own.
      await pause(2 * COMMIT_WINDOW_MS);
      writer.sendUpdate(deletion);
      await until(() => writer.saved === 3, "saved");
      await server.kill();
      writer.cut();
      expect([...(await keysAfterRestart(server))]).toEqual(["kept"]);
    } finally {
      await server.stop();
    }
  });
});
