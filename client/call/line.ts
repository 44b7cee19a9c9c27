import type { MessageFromRoom } from "../../shared/messages.ts";
import type { CallRequest } from "../../shared/messages-to-room.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import type { Ending } from "../connection/lifecycle.ts";

/** The messages of the room to the clients in a call. */
export type CallMessage = Extract<
  MessageFromRoom,
  { type: "call-joined" | "offer" | "answer" | "ice-candidates" | "ice-servers" }
>;

/** A message of the room that refuses a request. */
export type Refusal = Extract<MessageFromRoom, { type: "error" }>;

/** Hears of a connection as much as a call has to know. */
export interface LineListener {
  /** The client is connected, and the room assigned its peer id. */
  applyWelcome(me: PeerId): void;
  applyMessage(message: CallMessage): void;
  applyRefusal(refusal: Refusal): void;
  /** Everybody connected, this client included, as the room told on the present socket. */
  applyParticipants(all: readonly Participant[]): void;
  /** The socket is lost. The connection tries again. */
  socketClosed(): void;
  /** The room closed for good. */
  connectionEnded(ending: Ending): void;
}

/** A call's interface to its connection: the call knows nothing else of it. */
export class CallLine implements LineListener {
  readonly #send: (message: CallRequest) => void;
  #listener: LineListener | null = null;
  #me: PeerId | null = null;

  /** @param send drops messages while there is no connection */
  constructor(send: (message: CallRequest) => void) {
    this.#send = send;
  }

  /** The peer id of this client; `null` while it is not connected. */
  get me(): PeerId | null {
    return this.#me;
  }

  listen(listener: LineListener): void {
    this.#listener = listener;
  }

  send(message: CallRequest): void {
    if (this.#me !== null) this.#send(message);
  }

  applyWelcome(me: PeerId): void {
    this.#me = me;
    this.#listener?.applyWelcome(me);
  }

  applyMessage(message: CallMessage): void {
    this.#listener?.applyMessage(message);
  }

  applyRefusal(refusal: Refusal): void {
    this.#listener?.applyRefusal(refusal);
  }

  applyParticipants(all: readonly Participant[]): void {
    if (this.#me !== null) this.#listener?.applyParticipants(all);
  }

  socketClosed(): void {
    this.#me = null;
    this.#listener?.socketClosed();
  }

  connectionEnded(ending: Ending): void {
    this.#listener?.connectionEnded(ending);
  }
}
