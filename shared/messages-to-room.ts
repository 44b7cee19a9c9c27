/** Text messages that clients send. A file of its own, since a client checks only those of the room. */
import * as v from "valibot";
import { media } from "./calls.ts";
import { RoomfulError } from "./errors.ts";
import { TEXT_MESSAGE_BYTES } from "./limits.ts";
import { candidates, described, json, parseMessage, peerId } from "./message-parts.ts";
import { moderation, roomSettings } from "./moderation.ts";

const TO_ROOM = {
  /** Sent by a client to learn whether the socket is alive. */
  ping: v.object({ type: v.literal("ping") }),
  /** Sent by a client in answer to a `probe`, at once, with its nonce. */
  probed: v.object({ type: v.literal("probed"), nonce: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) }),
  /** Sent by a client before its grant ends, to go on without a reconnect. */
  auth: v.object({ type: v.literal("auth"), token: v.string() }),
  /** Sent by a client that may publish, for everybody who may read, or for one. Nothing of it is kept. */
  event: v.object({ type: v.literal("event"), to: v.exactOptional(peerId), data: json }),
  /** Sent by a client that may moderate. What it did, `participants` shows. */
  moderate: v.object({ type: v.literal("moderate"), moderation }),
  /** Sent by a client that may moderate, to lock the room for instance. */
  settings: v.object({ type: v.literal("settings"), settings: roomSettings }),
  /** Sent by a client that may call. Who is in the call already is answered again, and nothing changes. */
  "call-join": v.object({ type: v.literal("call-join"), media }),
  "call-leave": v.object({ type: v.literal("call-leave") }),
  /** Sent by a client in the call when what it offers to the others changed. */
  "media-state": v.object({ type: v.literal("media-state"), media }),
  /** Sent by a client in the call to one other in it. */
  offer: v.object({ type: v.literal("offer"), to: peerId, ...described }),
  answer: v.object({ type: v.literal("answer"), to: peerId, ...described }),
  /** Sent by a client in the call to one other in it, some at a time. */
  "ice-candidates": v.object({ type: v.literal("ice-candidates"), to: peerId, ...candidates }),
  /** Sent by a client that may call, for fresh credentials before those that it has end. */
  "ice-servers": v.object({ type: v.literal("ice-servers") }),
} as const;

/** What a client sends as text. */
export type MessageToRoom = {
  [Type in keyof typeof TO_ROOM]: v.InferOutput<(typeof TO_ROOM)[Type]>;
}[keyof typeof TO_ROOM];

/** The messages of a client in a call, or about to be in it. */
export type CallRequest = Extract<
  MessageToRoom,
  { type: "call-join" | "call-leave" | "media-state" | "offer" | "answer" | "ice-candidates" | "ice-servers" }
>;

/**
 * Reads a text message that a client sent.
 * @throws RoomfulError `malformed-message`
 */
export function parseMessageToRoom(text: string): MessageToRoom {
  // A UTF-16 unit is at least one byte, so this refuses nothing that fits.
  if (text.length > TEXT_MESSAGE_BYTES) throw new RoomfulError("malformed-message", "too long");
  return parseMessage<MessageToRoom>(TO_ROOM, text);
}
