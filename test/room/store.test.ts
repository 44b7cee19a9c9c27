import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { ROW_BYTES } from "../../shared/limits.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { SAVE_MS } from "../../worker/sessions/sessions.ts";
import { SETTINGS } from "../../worker/settings/settings.ts";
import { rowChecksumOf, type SnapshotRow } from "../../worker/storage/rows.ts";
import { SCHEMA_VERSION } from "../../worker/storage/schema.ts";
import { Store } from "../../worker/storage/store.ts";
import { isSnapshotDue } from "../../worker/sync/persistence.ts";
import { codeOfCall } from "../support/code-of.ts";
import { docOf, editedDoc, textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom } from "./rooms.ts";

const inStorage = <Result>(room: string, work: (storage: DurableObjectStorage) => Result) =>
  runInDurableObject(env.ROOMS.getByName(room), (_room, ctx) => work(ctx.storage));

const run = (room: string, ...statements: string[]) =>
  inStorage(room, ({ sql }) => {
    for (const statement of statements) sql.exec(statement);
  });

/** Milliseconds after the last edit by which the timer for a quiet room's snapshot has gone off. */
const QUIET_MS = SETTINGS.SNAPSHOT_QUIET_MS.default + 300;

/** A room with two snapshots and a log after them; text "one two three". */
async function storedRoom(): Promise<{ room: string; doc: Y.Doc }> {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const { doc, take } = editedDoc();
  for (const word of ["one", " two", " three"]) {
    doc.getText("text").insert(doc.getText("text").length, word);
    await handle.applyUpdate(take());
    if (word !== " three") await handle.flush();
  }
  return { room, doc };
}

const readText = async (room: string) => (await getRoom(env.ROOMS, room).getJson({ text: "text" })).text;
const evict = (room: string) => evictDurableObject(env.ROOMS.getByName(room), { webSockets: "close" });

describe("the store", () => {
  it("[STORE-1] keeps two generations and the log between and after them", async () => {
    const { room } = await storedRoom();
    expect((await getRoom(env.ROOMS, room).statistics()).storage).toMatchObject({ snapshotGeneration: 2, logRows: 2 });
    await getRoom(env.ROOMS, room).flush();
    const kept = await inStorage(room, ({ sql }) => ({
      snapshots: sql.exec("SELECT generation, log_id FROM snapshot ORDER BY generation").toArray(),
      log: sql.exec("SELECT id FROM log").toArray(),
      chunks: sql.exec("SELECT id FROM chunk").toArray(),
    }));
    expect(kept).toEqual({
      snapshots: [
        { generation: 2, log_id: 2 },
        { generation: 3, log_id: 3 },
      ],
      log: [{ id: 3 }],
      chunks: [{ id: 2 * 4096 }, { id: 3 * 4096 }],
    });
  });

  const damages: [string, string][] = [
    [
      "a byte of the newest chunk",
      "UPDATE chunk SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM chunk)",
    ],
    ["the newest chunk cut short", "UPDATE chunk SET data = substr(data, 1, 3) WHERE id = (SELECT max(id) FROM chunk)"],
    ["the newest chunk gone", "DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk)"],
    ["a chunk too many", "INSERT INTO chunk (id, data) SELECT max(id) + 1, x'00' FROM chunk"],
    ["the newest snapshot row gone", "DELETE FROM snapshot WHERE generation = 2"],
    ["its checksum", "UPDATE snapshot SET checksum = 1 WHERE generation = 2"],
    ["its size", "UPDATE snapshot SET bytes = 1 WHERE generation = 2"],
    ["its place in the log, lowered", "UPDATE snapshot SET log_id = 1 WHERE generation = 2"],
    ["its place in the log, raised", "UPDATE snapshot SET log_id = 1000 WHERE generation = 2"],
    ["its number", "UPDATE snapshot SET generation = 9 WHERE generation = 2"],
    ["its state vector", "UPDATE snapshot SET state_vector = x'00' WHERE generation = 2"],
    ["its state vector gone", "UPDATE snapshot SET state_vector = NULL WHERE generation = 2"],
  ];

  it.each(damages)(
    "[STORE-2] %s damaged: nothing acknowledged is missing, and the room heals",
    async (name, damage) => {
      const { room, doc } = await storedRoom();
      await run(room, damage);
      await evict(room);
      expect(await readText(room)).toBe("one two three");
      const handle = getRoom(env.ROOMS, room);
      expect((await handle.statistics()).document).toMatchObject({
        readOnly: null,
        damage: name === "the newest snapshot row gone" ? [] : [expect.stringMatching(/^snapshot \d$/)],
      });
      // Goes on, replaces what is damaged, and survives damage to the other generation too.
      doc.getText("text").insert(0, "zero ");
      expect(await handle.applyUpdate(Y.encodeStateAsUpdate(doc))).toEqual({ changed: true });
      await handle.flush();
      await evict(room);
      expect(await readText(room)).toBe("zero one two three");
      await run(room, "DELETE FROM snapshot WHERE generation = (SELECT max(generation) FROM snapshot)");
      await evict(room);
      expect(await readText(room)).toBe("zero one two three");
      expect((await handle.statistics()).document.readOnly).toBeNull();
    },
  );

  const losses: [string, string][] = [
    ["a needed log row", "UPDATE log SET data = zeroblob(length(data)) WHERE id = 3"],
    ["a needed log row gone", "DELETE FROM log WHERE id = 2; DELETE FROM snapshot WHERE generation = 2"],
    ["every snapshot", "UPDATE snapshot SET checksum = 1"],
    ["every snapshot row and the log gone", "DELETE FROM snapshot; DELETE FROM log"],
    ["the newest chunk and the log since the one before", "DELETE FROM chunk WHERE id = 8192; DELETE FROM log"],
    ["the number of parts of a record", "UPDATE log SET parts = 2 WHERE id = 3"],
    ["the place of a part in its record", "UPDATE log SET part = 1 WHERE id = 3"],
  ];

  it.each(losses)("[STORE-3] %s damaged: opens read-only, never empty over existing data", async (_name, loss) => {
    const { room } = await storedRoom();
    await run(room, loss);
    await evict(room);
    const handle = getRoom(env.ROOMS, room);
    const stored = () =>
      inStorage(room, ({ sql }) => JSON.stringify(sql.exec("SELECT id, length(data) AS bytes FROM log").toArray()));
    const before = await stored();
    const client = await openRoomful(room);
    await client.sync();
    await until(() => client.messagesOf("error").length === 1, "to be told");
    expect(client.messagesOf("error")[0]?.code).toBe("room-damaged");
    client.sendUpdate(textUpdate("new"));
    await until(() => client.messagesOf("rejected").length === 1, "a rejection");
    expect(client.messagesOf("rejected")[0]?.code).toBe("room-damaged");
    expect(await codeOfCall(handle.applyUpdate(textUpdate("new")))).toBe("room-damaged");
    expect((await handle.statistics()).document.readOnly).toBe("room-damaged");
    expect(await stored()).toBe(before);
  });

  it("[STORE-3] the first call of a damaged room may be a flush: it writes nothing", async () => {
    for (const loss of [
      "UPDATE log SET data = zeroblob(length(data)) WHERE id = 3",
      "UPDATE snapshot SET checksum = 1",
    ]) {
      const { room } = await storedRoom();
      await run(room, loss);
      await evict(room);
      expect(await codeOfCall(getRoom(env.ROOMS, room).flush())).toBe("room-damaged");
      const snapshots = await inStorage(room, ({ sql }) => sql.exec("SELECT generation FROM snapshot").toArray());
      expect(snapshots).toEqual([{ generation: 1 }, { generation: 2 }]);
      expect((await getRoom(env.ROOMS, room).statistics()).document.readOnly).toBe("room-damaged");
    }
  });

  it("[STORE-3] what Yjs can't take opens read-only with what comes before it", async () => {
    const room = freshRoom();
    const circle = new Uint8Array([1, 1, 9, 0, 0x84, 9, 5, 1, 120, 0]);
    await inStorage(room, (storage) => new Store(storage).append([textUpdate("good"), circle, textUpdate("after")]));
    await evict(room).catch(() => {});
    expect(await readText(room)).toContain("good");
    expect((await getRoom(env.ROOMS, room).statistics()).document.readOnly).toBe("room-damaged");
    expect(await codeOfCall(getRoom(env.ROOMS, room).applyUpdate(textUpdate("new")))).toBe("room-damaged");
  });

  it("[STORE-2] heals too when nobody edits", async () => {
    const { room } = await storedRoom();
    await run(room, "UPDATE snapshot SET checksum = 1 WHERE generation = 2");
    await evict(room);
    await getRoom(env.ROOMS, room).getState();
    await pause(QUIET_MS);
    const kept = await inStorage(room, ({ sql }) => sql.exec("SELECT generation FROM snapshot").toArray());
    expect(kept).toEqual([{ generation: 1 }, { generation: 3 }]);
  });

  it("[STORE-4] a document and a record above the row limit span rows, each below it", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    const large = textUpdate("é".repeat(2_200_000));
    await handle.applyUpdate(large);
    const rowsOf = (table: string) =>
      inStorage(room, ({ sql }) => sql.exec<{ bytes: number }>(`SELECT length(data) AS bytes FROM ${table}`).toArray());
    const log = await rowsOf("log");
    expect(log.length).toBe(3);
    await evict(room);
    expect(await handle.getState()).toEqual(large);
    await handle.flush();
    const chunks = await rowsOf("chunk");
    expect(chunks.length).toBe(3);
    expect(Math.max(...[...log, ...chunks].map(({ bytes }) => bytes))).toBeLessThanOrEqual(ROW_BYTES);
    await evict(room);
    expect(await handle.getState()).toEqual(large);
    // One of several parts damaged: the log, which is still there, makes up for it.
    await run(room, "DELETE FROM chunk WHERE id = 4097");
    await evict(room);
    expect(await handle.getState()).toEqual(large);
  });

  it("[STORE-5] a deletion alone persists", async () => {
    const { room, doc } = await storedRoom();
    const before = Y.encodeStateVector(doc);
    doc.getText("text").delete(0, 4);
    const client = await openRoomful(room);
    await client.sync();
    await client.untilSaved(client.sendUpdate(Y.encodeStateAsUpdate(doc, before)));
    await abortAllDurableObjects();
    expect(await readText(room)).toBe("two three");
  });

  it("[STORE-6] a room of a newer version is left untouched", async () => {
    const { room } = await storedRoom();
    await run(room, `UPDATE schema SET version = ${SCHEMA_VERSION + 1}`);
    await evict(room);
    const handle = getRoom(env.ROOMS, room);
    const client = await openClient(room);
    client.send(new Uint8Array([0, 0, 1, 0]));
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4503);
    expect(await codeOfCall(handle.getState())).toBe("room-too-new");
    expect(await codeOfCall(handle.applyUpdate(textUpdate("x")))).toBe("room-too-new");
    expect((await handle.statistics()).document.readOnly).toBe("room-too-new");
    await run(room, `UPDATE schema SET version = ${SCHEMA_VERSION}`);
    await evict(room);
    expect(await readText(room)).toBe("one two three");
  });

  it("[STORE-10] a room of an earlier version is read as it is, and brought forward by the first write, whole or not at all", async () => {
    const { room } = await storedRoom();
    const handle = getRoom(env.ROOMS, room);
    const version = async () => (await handle.statistics()).storage.schemaVersion;
    await run(
      room,
      "DROP TABLE rules",
      "DROP TABLE deadline",
      "ALTER TABLE snapshot DROP COLUMN state_vector",
      "UPDATE schema SET version = 1",
    );
    await inStorage(room, ({ sql }) => {
      for (const row of sql.exec<SnapshotRow>("SELECT *, NULL AS state_vector FROM snapshot").toArray()) {
        const checksum = rowChecksumOf(row);
        sql.exec("UPDATE snapshot SET row_checksum = ? WHERE generation = ?", checksum, row.generation);
      }
    });
    await evict(room);
    expect([await readText(room), await version()]).toEqual(["one two three", 1]);
    await run(room, "CREATE TABLE rules (something_else)");
    expect(await codeOfCall(handle.applyUpdate(textUpdate("four", 9)))).toBe("storage-failed");
    expect(await inStorage(room, ({ sql }) => sql.exec("SELECT version FROM schema").toArray())).toEqual([
      { version: 1 },
    ]);
    await run(room, "DROP TABLE rules");
    await evict(room);
    await handle.changeSettings({ locked: true });
    await evict(room);
    expect([await readText(room), await version(), (await handle.getSettings()).locked]).toEqual([
      "one two three",
      SCHEMA_VERSION,
      true,
    ]);
  });

  it("[STORE-7] visits without edits write nothing", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    await client.sync();
    client.sendPresence(1, 1, { name: "visitor" });
    // The timer that saves attachments: a state that needs a row would be written by it.
    await pause(SAVE_MS + 200);
    expect((await getRoom(env.ROOMS, room).statistics()).storage).toMatchObject({ rowsWritten: 0, schemaVersion: 0 });
    expect(await inStorage(room, ({ sql }) => sql.exec("SELECT name FROM sqlite_master").toArray())).toEqual([]);
  });

  it("[STORE-8] a quiet room folds its log, and a busy one before the log outgrows the snapshot", async () => {
    const room = freshRoom();
    const client = await openRoomful(room);
    await client.untilSaved(client.sendUpdate(textUpdate("x".repeat(40_000))));
    const handle = getRoom(env.ROOMS, room);
    expect((await handle.statistics()).storage.snapshotsWritten).toBe(0);
    await pause(QUIET_MS);
    expect((await handle.statistics()).storage.snapshotsWritten).toBe(1);
    await client.untilSaved(client.sendUpdate(textUpdate("x".repeat(300_000))));
    expect((await handle.statistics()).storage.snapshotsWritten).toBe(2);
    expect(isSnapshotDue("busy", 900_000, 1_000_000)).toBe(false);
    expect(isSnapshotDue("busy", 1_000_000, 1_000_000)).toBe(true);
    expect(isSnapshotDue("quiet", 500_000, 1_000_000)).toBe(true);
    expect(isSnapshotDue("quiet", 31_000, 0)).toBe(false);
  });

  it("[STORE-8] what a crash left unfolded is folded after the next visit, though nobody edits", async () => {
    const room = freshRoom();
    const storage = async () => (await getRoom(env.ROOMS, room).statistics()).storage;
    await getRoom(env.ROOMS, room).applyUpdate(textUpdate("x".repeat(40_000)));
    await abortAllDurableObjects();
    await getRoom(env.ROOMS, room).getJson({ text: "text" });
    expect(await storage()).toMatchObject({ snapshotGeneration: 0 });
    await pause(QUIET_MS);
    expect(await storage()).toMatchObject({ snapshotGeneration: 1, logBytesSinceSnapshot: 0 });
  });

  it("[STORE-9] a write that fails is rolled back whole, and nobody is told that it was saved", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    await handle.applyUpdate(textUpdate("kept"));
    const client = await openRoomful(room);
    await client.sync();
    await run(room, "CREATE TRIGGER full BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'planted'); END");
    client.sendUpdate(textUpdate("lost", 3));
    await until(() => client.closed !== null, "closed");
    expect(client.closed?.code).toBe(4503);
    expect(client.saved).toBe(0);
    expect(await codeOfCall(handle.applyUpdate(textUpdate("lost too")))).toBe("storage-failed");
    expect(await readText(room)).toBe("kept");
    await run(room, "DROP TRIGGER full");
    const again = await openRoomful(room);
    await again.untilSaved(again.sendUpdate(textUpdate("lost", 3)));
    await evict(room);
    expect((await readText(room)).length).toBe(8);
  });

  it("[STORE-9] a snapshot that reads back differently is not published", async () => {
    const { room } = await storedRoom();
    const before = await getRoom(env.ROOMS, room).statistics();
    await run(
      room,
      "CREATE TRIGGER flip AFTER INSERT ON chunk BEGIN UPDATE chunk SET data = zeroblob(length(data)) WHERE id = new.id; END",
    );
    expect(await codeOfCall(getRoom(env.ROOMS, room).flush())).toBe("storage-failed");
    const after = await getRoom(env.ROOMS, room).statistics();
    expect(after.storage.snapshotGeneration).toBe(before.storage.snapshotGeneration);
    await evict(room);
    expect(await readText(room)).toBe("one two three");
  });

  it("reads back records of several updates", async () => {
    const room = freshRoom();
    const read = await inStorage(room, (storage) => {
      const store = new Store(storage);
      store.append([textUpdate("a", 1), textUpdate("b", 2)]);
      store.append([textUpdate("c", 3)]);
      return new Store(storage).read();
    });
    expect(read).toMatchObject({ snapshot: null, damage: [], whole: true });
    expect(docOf(...read.updates).getText("text").length).toBe(3);
  });
});
