import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";

/** As Miniflare names the inspector's target of the Worker under test. */
const TARGET = "core:user:roomful";

const LOOKS_AT_REST = 3;
const REST_MS = 150;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
}

/** Looks into the isolate of the Worker under test, by the Chrome DevTools protocol. */
export class IsolateInspector {
  readonly #socket: WebSocket;
  readonly #wakeIsolate: () => Promise<unknown>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  private constructor(socket: WebSocket, wakeIsolate: () => Promise<unknown>) {
    this.#socket = socket;
    this.#wakeIsolate = wakeIsolate;
    socket.on("message", (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  /**
   * @param port the runtime's inspector port
   * @param serverUrl of the Worker, whose isolate a request wakes
   */
  static async connect(port: number, serverUrl: string): Promise<IsolateInspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
      id: string;
      webSocketDebuggerUrl: string;
    }[];
    const target = targets.find(({ id }) => id === TARGET);
    if (target === undefined) throw new Error(`no inspector target ${TARGET}`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await once(socket, "open");
    const health = new URL("/healthz", serverUrl.replace(/^ws/, "http"));
    return new IsolateInspector(socket, async () => (await fetch(health)).arrayBuffer());
  }

  /**
   * Calls a method of the protocol.
   * @returns its result
   * @throws Error that the isolate answered with
   */
  async call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#calls;
    let answer: Answer | undefined;
    this.#waiting.set(id, (given) => {
      answer = given;
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    // The runtime collects garbage, and answers, when the isolate is next entered: an idle one never is.
    while (answer === undefined) {
      await this.#wakeIsolate();
      await pause(5);
    }
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }

  /** Bytes that are still in use after garbage collection: objects, what the runtime holds for them, and buffers. */
  async heapBytes(): Promise<number> {
    await this.call("HeapProfiler.enable");
    await this.call("HeapProfiler.collectGarbage");
    return await this.heapNow();
  }

  /** The same with what is garbage. */
  async heapNow(): Promise<number> {
    const usage = (await this.call("Runtime.getHeapUsage")) as HeapUsage;
    return usage.usedSize + (usage.embedderHeapUsedSize ?? 0) + (usage.backingStorageSize ?? 0);
  }

  /** The same when nothing is going on: what waits for a finalizer is given time to go, and the least is taken. */
  async heapAtRest(): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (let look = 0; look < LOOKS_AT_REST; look++) {
      await pause(REST_MS);
      least = Math.min(least, await this.heapBytes());
    }
    return least;
  }

  close(): void {
    this.#socket.terminate();
  }
}
