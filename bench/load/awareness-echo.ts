import { ByteReader, ByteWriter } from "./bytes.ts";
import { clientIdOf } from "./updates.ts";

const AWARENESS = 1;

/** A stock client sends on every awareness state that is news to it, those included that it was just sent. */
export class AwarenessEcho {
  readonly #prefix: Buffer;
  /** For each client id the newest clock that is known. */
  readonly #clocks = new Map<number, number>();
  readonly #reader = new ByteReader();

  /** @param own the number of the writer whose states are its own, and never news */
  constructor(prefix: Buffer, own: number) {
    this.#prefix = prefix;
    this.#clocks.set(clientIdOf(own), Number.POSITIVE_INFINITY);
  }

  /** What a stock client sends when it receives an awareness message; `undefined` when that is nothing. */
  of(message: Buffer): Buffer | undefined {
    const reader = this.#reader;
    reader.reset(message);
    reader.at = this.#prefix.length + 1;
    reader.varUint();
    const count = reader.varUint();
    const news: Buffer[] = [];
    for (let entry = 0; entry < count; entry++) {
      const start = reader.at;
      const client = reader.varUint();
      const clock = reader.varUint();
      reader.skipVarBytes();
      if (clock <= (this.#clocks.get(client) ?? 0)) continue;
      this.#clocks.set(client, clock);
      news.push(message.subarray(start, reader.at));
    }
    return news.length === 0 ? undefined : this.#encode(news);
  }

  #encode(entries: readonly Buffer[]): Buffer {
    const payload = new ByteWriter();
    payload.varUint(entries.length);
    for (const entry of entries) payload.bytes(entry);
    const message = new ByteWriter();
    message.bytes(this.#prefix);
    message.byte(AWARENESS);
    message.varBytes(payload.peek());
    return message.take();
  }
}
