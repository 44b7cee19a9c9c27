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

/** The shared types that a root can be read as. */
export type RootKind = "text" | "rich-text" | "array" | "map" | "xml";

/** What each kind reads as: a string, Quill deltas, an array, an object, XML text. */
export interface RootJson {
  text: string;
  "rich-text": Json[];
  array: Json[];
  map: { [key: string]: Json };
  xml: string;
}

/** Names of roots and the kind that each is read as: a stored document does not know its roots' kinds. */
export type Roots = { readonly [root: string]: RootKind };

export type RootsAsJson<Asked extends Roots> = { [Root in keyof Asked]: RootJson[Asked[Root]] };

/** What {@link RoomMethods.applyUpdate} did. */
export interface Applied {
  /** Whether the document changed; `false` when the room had all of it. */
  readonly changed: boolean;
}

/** One connection, as others may know it. */
export interface Participant {
  readonly peer: PeerId;
  readonly protocol: "roomful.v1" | "stock";
  readonly capabilities: readonly Capability[];
  readonly subject?: string;
  /** The Yjs client id of its presence, once it announced one. */
  readonly clientId?: number;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
}

/** Sizes of what a room stores, and of what was written since boot. */
export interface StorageFigures {
  readonly schemaVersion: number;
  readonly logRows: number;
  readonly logBytes: number;
  /** Bytes of the log that are not in the newest snapshot. */
  readonly logBytesSinceSnapshot: number;
  readonly snapshotGeneration: number;
  readonly snapshotBytes: number;
  /** Rows inserted, overwritten or deleted since boot: what the platform bills. */
  readonly rowsWritten: number;
  /** Bytes of log records and snapshots written since boot. */
  readonly bytesWritten: number;
  readonly snapshotsWritten: number;
}

/** Figures of one room. Reading them never loads the document. Counts since `boot` start at zero when the object wakes. */
export interface RoomStatistics {
  /** Changes each time the object is constructed, that is after hibernation, eviction, crash or deploy. */
  readonly boot: string;
  readonly connections: { readonly roomful: number; readonly stock: number };
  readonly document: {
    readonly loaded: boolean;
    /** Times the document was read from storage since boot. */
    readonly loads: number;
    /** Times since boot that Yjs threw while it applied an edit: memory was then read anew, and the edit refused. */
    readonly taints: number;
    /** Bytes of the newest snapshot plus the log after it: an upper estimate of the document's encoded size. */
    readonly bytes: number;
    /** Why the room is read-only, or `null` when it is not. */
    readonly readOnly: "room-damaged" | "room-too-new" | null;
    /** The damaged places that the last load met, those included that another generation made up for. */
    readonly damage: readonly string[];
  };
  readonly storage: StorageFigures;
  /** Messages, closes and calls handled since boot. */
  readonly events: number;
  /** Bytes of update payload received since boot. */
  readonly updateBytes: number;
  /** Refusals since boot, by code. */
  readonly refusals: { readonly [code: string]: number };
}

/**
 * What a room offers to Workers by RPC. Every method throws `RoomfulError`s, whose code `errorCodeOf` reads on the
 * caller's side.
 */
export interface RoomMethods {
  /**
   * The document as one Yjs update (version 1).
   * @param stateVector what the caller has; only what it lacks is returned, and all deletions
   * @throws `malformed-frame` when the state vector is none
   */
  getState(stateVector?: Uint8Array): Promise<Uint8Array>;
  /** The document's state vector: for each client the clock that the room expects next. */
  getStateVector(): Promise<Uint8Array>;
  /**
   * The named roots as JSON, each read as the kind that the caller says.
   * What a root holds that its kind has no words for is left out; a root that does not exist reads as empty.
   * @throws `invalid-argument` when a kind is unknown, or can't be read from what the root holds
   */
  getJson<const Asked extends Roots>(roots: Asked): Promise<RootsAsJson<Asked>>;
  /**
   * Applies a Yjs update (version 1) as if a participant had made it. It is durable when the call returns, and
   * participants have been sent it. All of it is applied or nothing.
   * @throws `invalid-update`, `update-too-costly`, `missing-dependencies`, `frame-too-large`, `document-full`,
   * `room-damaged`, `room-too-new`, `storage-failed`
   */
  applyUpdate(update: Uint8Array): Promise<Applied>;
  /** Figures for operators. Never loads the document. */
  statistics(): Promise<RoomStatistics>;
  /** Who is connected. Never loads the document. */
  participants(): Promise<Participant[]>;
  /** Applies and commits all that has arrived, and writes a snapshot. */
  flush(): Promise<void>;
}
