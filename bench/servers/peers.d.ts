// The parts of the peers that are used: they are installed in `bench/` only, and types are checked without them.

declare module "@hocuspocus/server" {
  export class Server {
    constructor(options: {
      address: string;
      port: number;
      quiet: boolean;
      stopOnSignals: boolean;
      extensions: readonly object[];
    });
    readonly address: { readonly port: number };
    listen(): Promise<unknown>;
    destroy(): Promise<void>;
  }
}

declare module "@hocuspocus/extension-database" {
  export class Database {
    constructor(options: {
      fetch(document: { documentName: string }): Promise<Uint8Array | null>;
      store(document: { documentName: string; state: Uint8Array }): Promise<void>;
    });
  }
}

declare module "@y/websocket-server/utils" {
  import type { IncomingMessage } from "node:http";
  import type { WebSocket } from "ws";

  export function setupWSConnection(socket: WebSocket, request: IncomingMessage): void;
}
