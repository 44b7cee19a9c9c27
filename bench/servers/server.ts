/** What is measured. Each name has an entry in `catalog.ts`. */
export type ServerName =
  | "roomful"
  | "relay"
  | "relay-commit"
  | "stored-bytes"
  | "node-relay"
  | "y-partyserver"
  | "hocuspocus"
  | "y-websocket-server";

/** What a server's frames look like around the y-protocols message. */
export type Dialect = "stock" | "hocuspocus";

export interface StartOptions {
  /** Where the server keeps its rooms. */
  readonly dataDirectory: string;
  /** Settings of ours; the others have none. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of the Workers runtime. */
  readonly inspectorPort?: number;
}

/** A server that runs in this process or in children of it. */
export interface RunningServer {
  /** A room's URL is this, a slash, and its name. */
  readonly url: string;
  /** What it says of a room, where it says anything. */
  figures?(room: string): Promise<unknown>;
  /** Drops a room's memory and keeps its sockets, where that can be had. */
  evict?(room: string): Promise<void>;
  /** Makes a snapshot of a room, where it makes any. */
  flush?(room: string): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerEntry {
  /** As it is called in tables. */
  readonly label: string;
  readonly dialect: Dialect;
  start(options: StartOptions): Promise<RunningServer>;
}
