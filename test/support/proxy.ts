import { once } from "node:events";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";

/** A TCP proxy whose connections can be cut, or frozen so that both ends believe in them. */
export class TcpProxy {
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();

  private constructor(server: NetServer) {
    this.#server = server;
  }

  static async to(port: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on("connection", (client) => {
      const upstream = connect(port, "127.0.0.1");
      for (const socket of [client, upstream]) {
        proxy.#sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => proxy.#sockets.delete(socket));
      }
      client.pipe(upstream).pipe(client);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `ws://127.0.0.1:${address.port}/rooms`;
  }

  /** Carries nothing any more, in either direction, and tells nobody. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** Resets every connection; new ones are carried. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
