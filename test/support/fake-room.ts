import * as Y from "yjs";
import {
  type AwarenessEntry,
  decodeFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../shared/frames.ts";
import { type MessageFromRoom, PING, PONG } from "../../shared/messages.ts";
import type { Capability, PeerId } from "../../shared/rooms.ts";

type Refuse = (update: Uint8Array) => "forbidden" | "invalid-update" | null;

/**
 * A room in memory that does only what the test lets it do: it applies at once, and acknowledges when it is told to
 * commit. For what needs to happen in an exact order; what a real room does is tested against a real one.
 */
export class FakeRoom {
  readonly doc = new Y.Doc();
  readonly sockets: FakeRoomSocket[] = [];
  capabilities: Capability[] = ["read", "write"];
  frameBytes = 1_000_000;
  renewPresence = false;
  /** Whether a frame is acknowledged as soon as it was applied. */
  commitsAtOnce = true;
  refuse: Refuse = () => null;

  /** Options of a provider that connects to this room. */
  get options() {
    const room = this;
    class Polyfill extends FakeRoomSocket {
      constructor() {
        super(room);
      }
    }
    return { WebSocketPolyfill: Polyfill as unknown as typeof WebSocket, disableBc: true };
  }

  /** The socket that connected last. */
  get socket(): FakeRoomSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("nobody connected yet");
    return socket;
  }

  get text(): string {
    return this.doc.getText("text").toString();
  }

  /** Acknowledges all that was applied. */
  commit(): void {
    for (const socket of this.sockets) socket.acknowledge();
  }
}

export class FakeRoomSocket {
  readonly #room: FakeRoom;
  binaryType = "blob";
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  /** Sync frames that arrived. */
  frames = 0;
  /** Awareness entries that arrived, in order. */
  readonly presence: AwarenessEntry[] = [];
  readonly texts: string[] = [];

  constructor(room: FakeRoom) {
    this.#room = room;
    room.sockets.push(this);
    queueMicrotask(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.tell({
        type: "welcome",
        room: "room",
        peer: "peer" as PeerId,
        capabilities: room.capabilities,
        renewPresence: room.renewPresence,
        limits: { frameBytes: room.frameBytes, presenceBytes: 1_000 },
      });
      this.onopen?.(new Event("open"));
    });
  }

  send(data: Uint8Array | string): void {
    if (typeof data === "string") {
      this.texts.push(data);
      if (data === PING) this.#receive(PONG);
      return;
    }
    const frame = decodeFrame(data.slice());
    const { doc, capabilities, refuse, commitsAtOnce } = this.#room;
    switch (frame.type) {
      case "sync-step-1":
        if (capabilities.includes("write")) this.deliver(encodeSyncStep1(Y.encodeStateVector(doc)));
        this.deliver(encodeSyncStep2(Y.encodeStateAsUpdate(doc, frame.stateVector)));
        return;
      case "sync-step-2":
      case "update": {
        this.frames++;
        const code = refuse(frame.update);
        if (code !== null) {
          this.tell({ type: "rejected", frame: this.frames, code, message: code });
          return;
        }
        Y.applyUpdate(doc, frame.update);
        if (commitsAtOnce) this.acknowledge();
        return;
      }
      case "awareness":
        this.presence.push(...frame.entries);
        return;
      case "auth":
      case "query-awareness":
        return;
      default:
        frame satisfies never;
    }
  }

  /** Sends what another client did. */
  update(change: (doc: Y.Doc) => void): void {
    const { doc } = this.#room;
    const before = Y.encodeStateVector(doc);
    change(doc);
    this.deliver(encodeUpdate(Y.encodeStateAsUpdate(doc, before)));
  }

  announce(clientId: number, clock: number, state: object | null): void {
    const bytes = state === null ? null : new TextEncoder().encode(JSON.stringify(state));
    this.deliver(encodeAwareness([{ clientId, clock, state: bytes }]));
  }

  acknowledge(): void {
    if (this.frames > 0) this.tell({ type: "saved", frame: this.frames });
  }

  tell(message: MessageFromRoom): void {
    this.#receive(JSON.stringify(message));
  }

  deliver(frame: Uint8Array<ArrayBuffer>): void {
    this.#receive(frame.slice().buffer);
  }

  /** In a later turn, as a network would. */
  #receive(data: unknown): void {
    queueMicrotask(() => {
      if (this.readyState === 1) this.onmessage?.({ data });
    });
  }

  close(): void {
    this.readyState = 3;
  }

  /** Ends it from the room's side. */
  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }
}
