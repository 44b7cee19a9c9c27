import type { MessageFromRoom } from "../../shared/messages.ts";
import type { MessageToRoom } from "../../shared/messages-to-room.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import type { Ending } from "../connection/lifecycle.ts";

/** What the room says to those who call. */
export type CallMessage = Extract<
  MessageFromRoom,
  { type: "call-joined" | "offer" | "answer" | "ice-candidates" | "ice-servers" }
>;

/** What those who call say to the room. */
export type CallRequest = Extract<
  MessageToRoom,
  { type: "call-join" | "call-leave" | "media-state" | "offer" | "answer" | "ice-candidates" | "ice-servers" }
>;

/** A message of the room that says what it would not do. */
export type Refusal = Extract<MessageFromRoom, { type: "error" }>;

/** Is told what becomes of a connection, as far as a call has to know. */
export interface LineListener {
  /** The room said who this client is: it is connected. */
  applyWelcome(me: PeerId): void;
  applyMessage(message: CallMessage): void;
  applyRefusal(refusal: Refusal): void;
  /** Who is connected, this client included, as the room told on the present socket. */
  applyParticipants(all: readonly Participant[]): void;
  /** The socket is lost; it is tried again. */
  socketClosed(): void;
  /** The room closed for good. */
  connectionEnded(ending: Ending): void;
}

/** What a call needs of a connection to a room, and all that it knows of it. */
export class CallLine implements LineListener {
  readonly #send: (message: CallRequest) => void;
  #listener: LineListener | null = null;
  #me: PeerId | null = null;

  /** @param send loses what is sent while there is no connection */
  constructor(send: (message: CallRequest) => void) {
    this.#send = send;
  }

  /** Who this client is; `null` as long as it is not connected. */
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
