import { ByteWriter } from "./bytes.ts";
import { clientIdOf, FrameSource } from "./updates.ts";

const AWARENESS = 1;

/** What a whiteboard tells of one person: a name, a colour, where the pointer is. */
export function cursorState(writer: number, clock: number): string {
  const [x, y] = [((clock * 7) % 1920) + 0.5, ((clock * 3) % 1080) + 0.25];
  return JSON.stringify({ user: { name: `Person ${writer}`, color: "#30bced" }, cursor: { x, y } });
}

/** What a stock client sends to be kept in view: its state of before, with a later clock. */
export function renewal(prefix: Buffer, writer: number, clock: number, state: string): Buffer {
  const message = new ByteWriter();
  message.bytes(prefix);
  writeAwareness(message, new ByteWriter(), { writer, clock, state });
  return message.take();
}

interface Entry {
  readonly writer: number;
  readonly clock: number;
  readonly state: string;
}

function writeAwareness(message: ByteWriter, payload: ByteWriter, { writer, clock, state }: Entry): void {
  payload.clear();
  payload.varUint(1);
  payload.varUint(clientIdOf(writer));
  payload.varUint(clock);
  payload.varBytes(Buffer.from(state));
  message.byte(AWARENESS);
  message.varBytes(payload.peek());
}

/** A person's awareness frames. The clock of the n-th, counted from 0, is n + 1, since 0 is before the first state. */
export function cursorFrames(prefix: Buffer, writer: number): FrameSource {
  const payload = new ByteWriter();
  return new FrameSource(prefix, (frame, clock) =>
    writeAwareness(frame, payload, { writer, clock: clock + 1, state: cursorState(writer, clock) }),
  );
}
