import type { Dialect } from "../servers/server.ts";
import { ByteWriter } from "./bytes.ts";
import type { LoadSocket } from "./socket.ts";

/** The state vector of a client that has nothing, and its answer to step 1. */
const NOTHING = [0];
const EMPTY_STEP_2 = [0, 1, 2, 0, 0];

/** Token `-`, version `4.7.0`: what a Hocuspocus provider opens with. */
const HOCUSPOCUS_AUTH = [2, 0, 1, 0x2d, 5, ...Buffer.from("4.7.0")];

/** What stands before each message: Hocuspocus names the document. */
export function prefixOf(dialect: Dialect, room: string): Buffer {
  if (dialect === "stock") return Buffer.alloc(0);
  const writer = new ByteWriter();
  writer.varBytes(Buffer.from(room));
  return writer.take();
}

/** Sends what a client opens with: who it is where that is asked, and step 1. */
export function sayHello(
  socket: LoadSocket,
  dialect: Dialect,
  prefix: Buffer,
  stateVector: readonly number[] = NOTHING,
): void {
  if (dialect === "hocuspocus") socket.send(Buffer.from([...prefix, ...HOCUSPOCUS_AUTH]));
  const step1 = new ByteWriter();
  step1.bytes(prefix);
  step1.byte(0);
  step1.byte(0);
  step1.varBytes(Uint8Array.from(stateVector));
  socket.send(step1.take());
}

/** Answers the server's own step 1 as a client that has nothing to tell. */
export function answerStep1(socket: LoadSocket, prefix: Buffer): void {
  socket.send(Buffer.from([...prefix, ...EMPTY_STEP_2]));
}
