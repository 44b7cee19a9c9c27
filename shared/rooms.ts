import type { CallMember } from "./calls.ts";
import { RoomfulError } from "./errors.ts";
import { ROOM_NAME_BYTES } from "./limits.ts";

declare const roomName: unique symbol;
declare const peerId: unique symbol;

/** A checked room name. Made by {@link parseRoomName} alone. */
export type RoomName = string & { readonly [roomName]: true };

/** The room's name for one connection, unforgeable by clients. */
export type PeerId = string & { readonly [peerId]: true };

/** What a connection may do. */
export const CAPABILITIES = ["read", "write", "call", "publish", "moderate"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** The set of capabilities that a list names, however long it is. */
export function capabilitySet(named: readonly string[]): readonly Capability[] {
  return CAPABILITIES.filter((capability) => named.includes(capability));
}

/** Named sets of capabilities. */
export const ROLES = {
  viewer: ["read"],
  editor: ["read", "write", "call", "publish"],
  moderator: ["read", "write", "call", "publish", "moderate"],
} as const satisfies Record<string, readonly Capability[]>;
export type Role = keyof typeof ROLES;

/** What admission grants to one connection, checked before the room is touched. */
export interface Grant {
  readonly capabilities: readonly Capability[];
  /** Who it is, when a token said so. Two connections of one subject may take over each other's presence. */
  readonly subject?: string;
  /** What others may call them, when a token said so. */
  readonly name?: string;
  /** Milliseconds since 1970 from which on nothing is granted any more; without it, the grant does not end. */
  readonly expiresAt?: number;
}

/** Where the platform may keep a room. The same name in another jurisdiction is another room. */
export const JURISDICTIONS = ["eu", "us", "fedramp", "fedramp-high"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** Near whom the platform is asked to create a room. Acts only when the room is created. */
export const LOCATION_HINTS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;
export type LocationHint = (typeof LOCATION_HINTS)[number];

/** Which of the objects that a name can have it is, and where it is to be created. */
export interface Placement {
  readonly jurisdiction?: Jurisdiction;
  readonly locationHint?: LocationHint;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * Checks a decoded room name: 1 to 200 bytes of UTF-8, segments separated by single slashes, no control characters,
 * no dot segments (an URL parser resolves them, so that such a room could not be reached).
 * @throws RoomfulError `bad-room-name`
 */
export function parseRoomName(name: string): RoomName {
  if (name.length === 0) throw new RoomfulError("bad-room-name", "empty");
  if (!name.isWellFormed()) throw new RoomfulError("bad-room-name", "not Unicode");
  if (utf8Length(name) > ROOM_NAME_BYTES) throw new RoomfulError("bad-room-name", `above ${ROOM_NAME_BYTES} bytes`);
  if (CONTROL_CHARACTERS.test(name)) throw new RoomfulError("bad-room-name", "control character");
  for (const segment of name.split("/")) {
    if (segment === "") throw new RoomfulError("bad-room-name", "empty segment");
    if (segment === "." || segment === "..") throw new RoomfulError("bad-room-name", "dot segment");
  }
  return name as RoomName;
}

/**
 * Reads a room name from the path of a URL, where it stands as stock clients write it: escaped or not, slashes included.
 * It is decoded exactly once.
 * @throws RoomfulError `bad-room-name`
 */
export function decodeRoomName(path: string): RoomName {
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch (cause) {
    throw new RoomfulError("bad-room-name", "bad escape", { cause });
  }
  return parseRoomName(name);
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One connection, as others may know it. */
export interface Participant {
  readonly peer: PeerId;
  readonly protocol: "roomful.v1" | "stock";
  readonly capabilities: readonly Capability[];
  /** Who it is, when a token said so. */
  readonly subject?: string;
  /** What to call them, when a token said so. */
  readonly name?: string;
  /** Whether a moderator silenced it in calls. */
  readonly isMuted?: boolean;
  /** Its part in the call; absent while it is in none. */
  readonly call?: CallMember;
  /** The Yjs client id of its presence, once it announced one. */
  readonly clientId?: number;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
}
