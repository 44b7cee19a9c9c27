/**
 * Text messages of the subprotocol `roomful.v1`: JSON objects with a `type`. Each is declared once, here or in
 * `messages-to-room.ts`; unions, guards and names derive from the two tables. Unknown fields are ignored, so that either
 * side may be the newer one.
 */
import * as v from "valibot";
import { callMember, iceServersFields } from "./calls.ts";
import { ERRORS, type ErrorCode } from "./errors.ts";
import { candidates, described, json, parseMessage, peerId } from "./message-parts.ts";
import { type Capability, capabilitySet, type Participant } from "./rooms.ts";

/** The subprotocol that opts in to text messages. */
export const ROOMFUL_PROTOCOL = "roomful.v1";

/** The subprotocol that a stock client may offer beside its token, so that the room can select something. */
export const STOCK_PROTOCOL = "y-websocket";

/** Before the secret of a former socket, as a further subprotocol that is never selected: see `welcome.resume`. */
export const RESUME_PROTOCOL = "roomful.resume.";

/** With this a client closes a socket that it found dead, and means to come back: like a close without a close frame. */
export const FOUND_DEAD_CLOSE = 4900;

/** Exactly this text is answered by the runtime with {@link PONG}, without waking the room. */
export const PING = '{"type":"ping"}';
export const PONG = '{"type":"pong"}';

/** What the room warns of: a client of what it asks, everybody who may write of their document's size. */
export const WARNINGS = ["rate-limit-near", "document-nearly-full", "other"] as const;

/** A stable name of a warning. `other`: the room is newer than this code, and only the message says what it is. */
export type WarningCode = (typeof WARNINGS)[number];

/** A code of a newer room is still a refusal: its message says what for. */
const errorCode = v.pipe(
  v.string(),
  v.transform((code): ErrorCode => (Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "internal")),
);
/** Without those that only a newer room knows. */
const capabilities = v.pipe(
  v.array(v.string()),
  v.transform((names): readonly Capability[] => capabilitySet(names)),
);
const participant: v.GenericSchema<unknown, Participant> = v.object({
  peer: peerId,
  protocol: v.fallback(v.picklist(["roomful.v1", "stock"]), "stock"),
  capabilities,
  subject: v.exactOptional(v.string()),
  name: v.exactOptional(v.string()),
  isMuted: v.exactOptional(v.boolean()),
  call: v.exactOptional(callMember),
  clientId: v.exactOptional(v.number()),
  connectedAt: v.number(),
});
/** A warning of a newer room is one of something, which its message says. */
const warningCode = v.fallback(v.picklist(WARNINGS), "other");
/** Milliseconds after which nothing is granted any more; absent when there is no end. */
const expiresIn = v.exactOptional(v.number());
/** The number of a sync frame (subtypes 1 and 2) on its socket, counted by both sides from 1 at open. */
const frameNumber = v.pipe(v.number(), v.integer(), v.minValue(1));

const iceServers = {
  ...iceServersFields,
  /** Why relays are missing among them that are configured. */
  warning: v.exactOptional(errorCode),
};

const FROM_ROOM = {
  /** Sent by the room to a client, first of all. */
  welcome: v.object({
    type: v.literal("welcome"),
    /** The room's name, as the room understood it. */
    room: v.string(),
    /** This connection's id in the room. */
    peer: peerId,
    /**
     * What to offer as `roomful.resume.<secret>` when this socket is lost in a call, to be the same peer again, with its
     * place in the call. Good once.
     */
    resume: v.exactOptional(v.string()),
    capabilities,
    expiresIn,
    /** Whether to renew presence every 15 s, as long as no `presence-renewal` says otherwise. */
    renewPresence: v.boolean(),
    limits: v.object({
      /** Bytes of one binary frame. */
      frameBytes: v.number(),
      /** Bytes of one presence state as JSON in UTF-8. */
      presenceBytes: v.number(),
    }),
  }),
  /** Sent by the room to the author when every sync frame up to `frame` that was not rejected is durable. */
  saved: v.object({ type: v.literal("saved"), frame: frameNumber }),
  /** Sent by the room to the author when nothing of sync frame `frame` will be kept. */
  rejected: v.object({ type: v.literal("rejected"), frame: frameNumber, code: errorCode, message: v.string() }),
  /** Sent by the room to a client whose message could not be used, when it was not a sync frame. */
  error: v.object({
    type: v.literal("error"),
    code: errorCode,
    message: v.string(),
    /** The type of the message that it answers, when that could be read. */
    about: v.exactOptional(v.string()),
    /** To whom the message was, when that is what was wrong with it. */
    peer: v.exactOptional(peerId),
  }),
  /** Sent by the room when the first stock client came, which needs renewals, or the last one left. */
  "presence-renewal": v.object({ type: v.literal("presence-renewal"), active: v.boolean() }),
  /**
   * Sent by the room to those who may read: after `welcome` everybody who is connected, then what changes. Comings and
   * goings are gathered, so that a storm of them costs few messages.
   */
  participants: v.object({
    type: v.literal("participants"),
    /** Who came, or of whom something changed, as they are now; the receiver is among them. */
    present: v.pipe(v.array(participant), v.readonly()),
    left: v.pipe(v.array(peerId), v.readonly()),
  }),
  /** Sent by the room when a client renewed its grant, or a moderator changed its rights. */
  grant: v.object({ type: v.literal("grant"), capabilities, expiresIn }),
  /** Sent by the room to those who may read when somebody published something, to all of them or to one. */
  event: v.object({
    type: v.literal("event"),
    /** Who published it; absent when a backend did. */
    from: v.exactOptional(peerId),
    data: json,
  }),
  /** Sent by the room in answer to `call-join`. The receiver now makes an offer to each of the members. */
  "call-joined": v.object({
    type: v.literal("call-joined"),
    /** The others in the call. */
    members: v.pipe(v.array(peerId), v.readonly()),
    maxMembers: v.number(),
    ...iceServers,
  }),
  /** Sent by the room to one peer in the call for another, which it vouches for. */
  offer: v.object({ type: v.literal("offer"), from: peerId, ...described }),
  answer: v.object({ type: v.literal("answer"), from: peerId, ...described }),
  "ice-candidates": v.object({ type: v.literal("ice-candidates"), from: peerId, ...candidates }),
  /** Sent by the room in answer to `ice-servers`. */
  "ice-servers": v.object({ type: v.literal("ice-servers"), ...iceServers }),
  /** Sent by the room to a client that comes near a bound, or whose document does. Nothing was refused yet. */
  warning: v.object({ type: v.literal("warning"), code: warningCode, message: v.string() }),
  /**
   * Sent by the room to a client that was sent much since it last proved that it reads. What it answers proves that it
   * read everything up to here.
   */
  probe: v.object({ type: v.literal("probe"), nonce: v.number() }),
  /** Sent by the runtime in answer to a ping. */
  pong: v.object({ type: v.literal("pong") }),
} as const;

/** What the room sends as text. */
export type MessageFromRoom = {
  [Type in keyof typeof FROM_ROOM]: v.InferOutput<(typeof FROM_ROOM)[Type]>;
}[keyof typeof FROM_ROOM];

declare const encodedMessage: unique symbol;

/** A text message of the room, encoded once for many. Made by {@link encodeMessage} alone. */
export type EncodedMessage = string & { readonly [encodedMessage]: true };

export function encodeMessage(message: MessageFromRoom): EncodedMessage {
  return JSON.stringify(message) as EncodedMessage;
}

/**
 * Reads a text message that the room sent.
 * @throws RoomfulError `malformed-message`
 */
export function parseMessageFromRoom(text: string): MessageFromRoom {
  return parseMessage<MessageFromRoom>(FROM_ROOM, text);
}
