import type { MessageFromRoom } from "../../shared/messages.ts";
import type { Ending } from "../connection/lifecycle.ts";

/** The messages of the room about a document, or about the rights to it. */
export type DocumentMessage = Extract<
  MessageFromRoom,
  { type: "welcome" | "saved" | "rejected" | "error" | "presence-renewal" | "grant" }
>;

/** A document on a connection. The connection calls it before it emits the event to the app. */
export interface DocumentLink {
  opened(): void;
  /** @throws RoomfulError when the frame can't be read */
  receiveFrame(bytes: Uint8Array): void;
  receiveMessage(message: DocumentMessage): void;
  closed(): void;
  ended(ending: Ending): void;
  /** The connection is about to send a token. */
  token(token: string): void;
}
