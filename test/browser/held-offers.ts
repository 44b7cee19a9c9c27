import { RoomConnection } from "../../client/index.ts";

type Tone = (constraints: MediaStreamConstraints) => Promise<MediaStream>;

/** One side of a pair in which both make an offer, and each is let go when the test says so. */
export interface HeldOffers {
  /** Resolves when an offer was made, and is held. */
  readonly offered: Promise<void>;
  readonly release: () => void;
  /** Resolves when the other's offer arrived. */
  readonly heard: Promise<void>;
  /** Resolves when media is connected. */
  readonly connected: Promise<void>;
  /** Whatever went wrong. */
  readonly problems: readonly string[];
  readonly leave: () => void;
}

/**
 * Joins a call so that this side makes an offer, whoever came first: it says `call-join` again when somebody is there, which
 * the room answers with the members, and who is told members makes offers.
 */
export function holdOffers(url: string, room: string, tone: Tone): HeldOffers {
  const offered = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  const connected = Promise.withResolvers<void>();
  const held: string[] = [];
  const problems: string[] = [];
  let isHolding = true;
  let joins = "";

  class HoldingSocket extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") return;
        const message = JSON.parse(data);
        if (message.type === "offer") heard.resolve();
        const isAlone = held.length === 0 && isHolding;
        if (message.type === "participants" && isAlone && joins !== "") super.send(joins);
      });
    }
    override send(data: Parameters<WebSocket["send"]>[0]): void {
      const type = typeof data === "string" ? JSON.parse(data).type : "";
      if (type === "call-join") joins = String(data);
      if (isHolding && (type === "offer" || type === "answer" || type === "ice-candidates")) {
        held.push(String(data));
        if (type === "offer") offered.resolve();
      } else super.send(data);
    }
  }

  const connection = new RoomConnection(url, room, {
    WebSocketPolyfill: HoldingSocket,
    call: { getUserMedia: tone, play: false },
  });
  connection.call.on("problem", ({ cause }) => problems.push(String(cause)));
  connection.call.on("peers", (peers) => {
    if (peers.some(({ state }) => state === "connected")) connected.resolve();
  });
  connection.call.join().catch((cause: unknown) => problems.push(String(cause)));
  return {
    offered: offered.promise,
    heard: heard.promise,
    connected: connected.promise,
    problems,
    release: () => {
      isHolding = false;
      for (const message of held.splice(0)) connection.socket?.send(message);
    },
    leave: () => connection.destroy(),
  };
}
