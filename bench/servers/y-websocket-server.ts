import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { RunningServer } from "./server.ts";

/** Version 6, which it depends on itself, is found beside it; the current one is faster. */
const { WebSocketServer } = createRequire(new URL("../../package.json", import.meta.url))("ws") as typeof import("ws");

/** `@y/websocket-server` with the same glue as its own executable; it keeps documents in memory only. */
export async function startYWebsocketServer(): Promise<RunningServer> {
  const { setupWSConnection } = await import("@y/websocket-server/utils");
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => setupWSConnection(opened, request));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
    },
  };
}
