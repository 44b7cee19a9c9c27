import { ByteWriter } from "./bytes.ts";
import { frameHeader } from "./websocket-frame.ts";

const SYNC = 0;
const UPDATE = 2;
/** Yjs's info byte: a string with, and without, a left origin. */
const STRING_AFTER = 0x84;
const STRING_AT_START = 0x04;
export const ROOT = "text";
const CHARACTER = "x".charCodeAt(0);

/** Client ids of writers begin here: as long on the wire as the random ones of Yjs are. */
const FIRST_ID = 3_000_000_000;

export function clientIdOf(writer: number): number {
  return FIRST_ID + writer;
}

/** The inverse of {@link clientIdOf}; negative for other ids. */
export function writerOf(clientId: number): number {
  return clientId - FIRST_ID;
}

/** Writes the Yjs update that appends one character: the `clock`-th of this client, after its own last one. */
export function writeAppend(writer: ByteWriter, clientId: number, clock: number): void {
  writer.varUint(1);
  writer.varUint(1);
  writer.varUint(clientId);
  writer.varUint(clock);
  if (clock === 0) {
    writer.byte(STRING_AT_START);
    writer.varUint(1);
    writer.varBytes(Buffer.from(ROOT));
  } else {
    writer.byte(STRING_AFTER);
    writer.varUint(clientId);
    writer.varUint(clock - 1);
  }
  writer.varUint(1);
  writer.byte(CHARACTER);
  writer.varUint(0);
}

const CHUNK = 2048;

/** A writer's frames, each appending one character, encoded ahead in chunks: WebSocket frames, one behind the other. */
export class FrameSource {
  readonly #prefix: Buffer;
  readonly #write: (writer: ByteWriter, clock: number) => void;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkStart = 0;
  #offsets: number[] = [0];

  /** @param write the message without the prefix */
  constructor(prefix: Buffer, write: (writer: ByteWriter, clock: number) => void) {
    this.#prefix = prefix;
    this.#write = write;
  }

  static updates(prefix: Buffer, writer: number): FrameSource {
    const clientId = clientIdOf(writer);
    const update = new ByteWriter();
    return new FrameSource(prefix, (frame, clock) => {
      update.clear();
      writeAppend(update, clientId, clock);
      frame.byte(SYNC);
      frame.byte(UPDATE);
      frame.varBytes(update.peek());
    });
  }

  /** Hands out the frames of some clocks, whose first never lies before an earlier call's. */
  take(from: number, to: number, send: (frames: Buffer) => void): void {
    for (let at = from; at < to; ) {
      if (at >= this.#chunkStart + this.#offsets.length - 1) this.#encode(at);
      const end = Math.min(to, this.#chunkStart + this.#offsets.length - 1);
      const first = this.#offsets[at - this.#chunkStart];
      send(this.#chunk.subarray(first, this.#offsets[end - this.#chunkStart]));
      at = end;
    }
  }

  #encode(from: number): void {
    const message = new ByteWriter();
    const frames = new ByteWriter();
    this.#chunkStart = from;
    this.#offsets = [0];
    for (let clock = from; clock < from + CHUNK; clock++) {
      message.clear();
      message.bytes(this.#prefix);
      this.#write(message, clock);
      frames.bytes(frameHeader(message.length, true));
      frames.bytes(message.peek());
      this.#offsets.push(frames.length);
    }
    this.#chunk = frames.take();
  }
}
