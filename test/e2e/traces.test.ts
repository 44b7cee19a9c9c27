import { expect, it } from "vitest";
import * as Y from "yjs";
import { NodeClient } from "../support/node-client.ts";
import { Server } from "../support/server.ts";
import { concurrentUpdates, traceFile } from "../support/traces.ts";
import { until } from "../support/until.ts";

const { path, exists } = traceFile("friendsforever");
if (!exists) console.warn(`ABSENT: the editing trace ${path}; the test of it is left out (set TRACES to its folder)`);

function contentOf(state: Uint8Array): string {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  return doc.getText("text").toString();
}

it.runIf(exists)(
  "two authors typing at the same time give exactly the recorded end, at the room, at a fresh client and after a cold load",
  async () => {
    const { edits, endContent } = concurrentUpdates("friendsforever");
    const server = await Server.start();
    try {
      const url = `${server.url}/trace`;
      const sockets = [await NodeClient.open(url), await NodeClient.open(url)] as const;
      for (const socket of sockets) await socket.sync();
      // How much of the other's each has been sent: an author sends an edit when it has what the recording says.
      const heard = [0, 0];
      for (const [index, socket] of sockets.entries()) {
        const otherClient = index === 0 ? 2 : 1;
        socket.onFrame = (frame) => {
          if (frame.type !== "update") return;
          heard[index] = Math.max(heard[index] ?? 0, Y.parseUpdateMeta(frame.update).to.get(otherClient) ?? 0);
        };
      }
      // The clock that each author's edits reach, in their order.
      const clocks: number[][] = [[], []];
      const sent = [0, 0];
      for (const { agent, update, received } of edits) {
        const other = agent === 0 ? 1 : 0;
        const needed = received === 0 ? 0 : (clocks[other]?.[received - 1] ?? 0);
        const state = () =>
          `the other's edit; sockets ended: ${JSON.stringify(sockets.map(({ closed }) => closed))}; ${server.output}`;
        await until(() => (heard[agent] ?? 0) >= needed, state, 60_000);
        const reached = Y.parseUpdateMeta(update).to.get(agent + 1) ?? clocks[agent]?.at(-1) ?? 0;
        clocks[agent]?.push(reached);
        sent[agent] = sockets[agent].sendUpdate(update);
      }
      for (const [index, socket] of sockets.entries()) {
        await until(() => socket.saved === sent[index], "everything to be saved", 60_000);
        expect(socket.messagesOf("rejected")).toEqual([]);
      }
      expect(contentOf(await sockets[0].sync())).toBe(endContent);
      const fresh = await NodeClient.open(url);
      expect(contentOf(await fresh.sync())).toBe(endContent);
      await server.kill();
      await server.restart();
      const afterwards = await NodeClient.open(url);
      expect(contentOf(await afterwards.sync())).toBe(endContent);
      for (const socket of [...sockets, fresh, afterwards]) socket.cut();
    } finally {
      await server.stop();
    }
  },
);
