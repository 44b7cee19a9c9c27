/** What Workers and backends ask of a room, and what they get. */
import type { IceServers } from "./calls.ts";
import type { Moderation, RoomSettings } from "./moderation.ts";
import type { Json, Participant } from "./rooms.ts";

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
  readonly connections: {
    readonly roomful: number;
    readonly stock: number;
    /** Sockets at `/signal/`, which are nobody in the room. */
    readonly signaling: number;
  };
  /** Those in the call, with those whose place is kept. */
  readonly callMembers: number;
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
   * @throws `invalid-argument` when a kind is unknown, can't be read from what the root holds, or would make more than
   * `READ_BYTES`
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
  /**
   * The ICE servers for a call in this room, with credentials that end. What can't be had is missing, with a warning.
   * @param subject for whom; relays see it in the user name
   */
  iceServers(subject?: string): Promise<IceServers>;
  /** Sends something to everybody connected who may read. Nothing of it is kept. @throws `invalid-argument` */
  publish(data: Json): Promise<void>;
  /**
   * Changes what a participant may do, kicks, bans or mutes. What is to last is durable when the call returns.
   * @throws `invalid-argument`, `unknown-peer`, `too-many-rules`, `room-too-new`, `storage-failed`; nothing was done then
   */
  moderate(action: Moderation): Promise<void>;
  /** The room's own rules. @throws `room-too-new`, `storage-failed` */
  getSettings(): Promise<RoomSettings>;
  /**
   * Changes some of the room's own rules. Durable when it returns.
   * @returns all of them
   * @throws `invalid-argument`, `room-too-new`, `storage-failed`; nothing was changed then
   */
  changeSettings(settings: Partial<RoomSettings>): Promise<RoomSettings>;
  /**
   * Closes every connection and deletes the document and the rules: nothing is left. Who comes then finds an empty room,
   * and a client that kept the document brings it along.
   */
  delete(): Promise<void>;
  /** Applies and commits all that has arrived, and writes a snapshot. */
  flush(): Promise<void>;
}
