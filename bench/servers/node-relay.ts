import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { FrameReader } from "../load/frame-reader.ts";
import { frameHeader } from "../load/websocket-frame.ts";
import type { RunningServer } from "./server.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const BINARY = 2;

interface Room {
  readonly sockets: Set<Duplex>;
  /** What came since the last round of the event loop, and from whom. */
  arrived: { from: Duplex; bytes: Buffer }[];
}

/**
 * What the load generator is held against: forwards bytes to everybody else, all that came in one round of the event
 * loop with one write for each socket. No WebSocket library, no storage: far cheaper than any server worth having.
 */
export async function startNodeRelay(): Promise<RunningServer> {
  const rooms = new Map<string, Room>();
  const open = new Set<Duplex>();
  const server = createServer();
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const name = request.url ?? "";
    const room = rooms.get(name) ?? { sockets: new Set(), arrived: [] };
    rooms.set(name, room);
    room.sockets.add(socket);
    open.add(socket);
    const reader = new FrameReader((opcode, frame) => {
      if (opcode !== BINARY) return;
      if (room.arrived.length === 0) setImmediate(() => forward(room));
      room.arrived.push({ from: socket, bytes: Buffer.concat([frameHeader(frame.length, false), frame]) });
    });
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      room.sockets.delete(socket);
      open.delete(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

function forward(room: Room): void {
  const { arrived } = room;
  room.arrived = [];
  const all = Buffer.concat(arrived.map(({ bytes }) => bytes));
  const authors = new Set(arrived.map(({ from }) => from));
  for (const socket of room.sockets) {
    const bytes = authors.has(socket)
      ? Buffer.concat(arrived.filter(({ from }) => from !== socket).map(({ bytes }) => bytes))
      : all;
    if (bytes.length > 0) socket.write(bytes);
  }
}
