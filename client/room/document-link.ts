import type { MessageFromRoom } from "../../shared/messages.ts";
import type { Ending } from "../connection/lifecycle.ts";

/** The messages of the room about a document, or about the rights to it. */
export type DocumentMessage = Extract<
  MessageFromRoom,
  { type: "welcome" | "saved" | "rejected" | "error" | "presence-renewal" | "grant" }
>;

/**
 * A document on a connection. The connection calls it before it emits the event to the app. Everything that the app does to
 * the connection reaches the document too, so that an app may use `RoomProvider.connection` as its own.
 */
export interface DocumentLink {
  /** @returns what the first attempt to connect waits for; `null` when the document is ready */
  whenReady(): Promise<void> | null;
  /** The connection's `connect()` was called, and made its first attempt. */
  connect(): void;
  /** The connection's `disconnect()` was called, and closes the socket next. */
  disconnect(): void;
  /** The connection was destroyed. */
  destroy(): void;
  /** The room closed for good. */
  connectionEnded(ending: Ending): void;
  socketOpened(): void;
  socketClosed(): void;
  /** @throws RoomfulError when the frame can't be read */
  applyFrame(bytes: Uint8Array): void;
  applyMessage(message: DocumentMessage): void;
  /** The next socket authenticates with this token. */
  applyToken(token: string): void;
}
