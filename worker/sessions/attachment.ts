import type { Media } from "../../shared/calls.ts";
import type { AwarenessEntry, StructId } from "../../shared/frames.ts";
import { INLINE_PRESENCE_BYTES } from "../../shared/limits.ts";
import { ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import type { Grant, Participant, PeerId } from "../../shared/rooms.ts";
import { type Admission, accountOf } from "../access/admission.ts";
import type { SubjectRule } from "../access/rules.ts";
import { type BacklogState, NO_BACKLOG } from "./backlog.ts";

/** Changes whenever the shape of an attachment does. */
const ATTACHMENT_VERSION = 4;

/** All that is known of a socket beyond one event. It survives hibernation in the socket's attachment. */
export interface SessionState {
  readonly version: typeof ATTACHMENT_VERSION;
  readonly peer: PeerId;
  readonly protocol: Participant["protocol"];
  /** The grant of its token; a renewal replaces it. */
  grant: Grant;
  /** The decisions of moderators, which count before the token. */
  rule: SubjectRule;
  /** Key for rate-limit debt once the session is gone; `null` when nobody knows whose it is. */
  readonly account: string | null;
  readonly connectedAt: number;
  /** The key of two rows: of its presence state when that is large, and of its place in the call. */
  readonly rowId: number;
  /** Hash of the secret with which its client can be the same peer again. */
  readonly secretHash: string;
  /** Whether it asked for the document, and is sent its updates. */
  wantsDocument: boolean;
  /** Whether it speaks binary, and is sent presence. */
  wantsPresence: boolean;
  /** Sync frames that arrived. */
  framesReceived: number;
  /** Sync frames up to this one were acknowledged. */
  framesSaved: number;
  /** The first sync frame of which a part was dropped and that was not made good since. */
  incompleteFrame: number | null;
  /** The struct that the room must hold before a further step 1 can bring what was dropped of its answer. */
  awaited: StructId | null;
  /** Whether a sync frame was rejected: what it sends later may depend on that one. */
  wasRejected: boolean;
  strikes: number;
  /** Bytes that it was sent and may not have read. */
  readonly backlog: BacklogState;
  /** The presence that it announced; its state is `null` while the client shows itself as away. */
  presence: AwarenessEntry | null;
  /** Its media in the call; `null` while it is not in it. */
  media: Media | null;
}

/** The identity of a session: a new one, or the one that its client had before its socket was lost. */
export type Identity = Pick<SessionState, "peer" | "connectedAt" | "rowId" | "secretHash" | "media">;

/** The identity of somebody new. */
export function newIdentity(secretHash: string): Identity {
  return {
    peer: crypto.randomUUID() as PeerId,
    connectedAt: Date.now(),
    // From 1: 0 is no row of a session.
    rowId: 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1)),
    secretHash,
    media: null,
  };
}

/** The state of a socket that has just been admitted. */
export function newState(admission: Admission, rule: SubjectRule, identity: Identity): SessionState {
  return {
    version: ATTACHMENT_VERSION,
    ...identity,
    protocol: admission.subprotocol === ROOMFUL_PROTOCOL ? "roomful.v1" : "stock",
    grant: admission.grant,
    rule,
    account: accountOf(admission),
    wantsDocument: false,
    wantsPresence: false,
    framesReceived: 0,
    framesSaved: 0,
    incompleteFrame: null,
    awaited: null,
    wasRejected: false,
    strikes: 0,
    backlog: { ...NO_BACKLOG },
    presence: null,
  };
}

/** Keeps presence states that are too large for an attachment. */
export interface PresenceStore {
  savePresence(rowId: number, state: Uint8Array): void;
  readPresence(rowId: number): Uint8Array | null;
  deletePresence(rowId: number): void;
}

/** The attachment: a presence state that does not fit is left out here and kept in a row. */
interface AttachedState extends Omit<SessionState, "presence"> {
  readonly presence: (Omit<AwarenessEntry, "state"> & { readonly state: Uint8Array | null | "stored" }) | null;
}

/** Where a session's state is kept: the socket's attachment, and a row for presence that is too large for it. */
export class Attachment {
  readonly #socket: WebSocket;
  /** The presence state that is in the row, if there is one. */
  #savedRow: Uint8Array | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @returns `null` when another version of this code wrote it; the socket should be closed then */
  read(store: PresenceStore): SessionState | null {
    const attached = this.#socket.deserializeAttachment() as AttachedState | null;
    if (attached?.version !== ATTACHMENT_VERSION) return null;
    const { presence, ...rest } = attached;
    if (presence === null) return { ...rest, presence };
    if (presence.state !== "stored") return { ...rest, presence: { ...presence, state: presence.state } };
    this.#savedRow = store.readPresence(rest.rowId);
    return { ...rest, presence: { ...presence, state: this.#savedRow } };
  }

  /** Whether the presence is too large for the attachment, now or as it was last saved. */
  needsRow({ presence }: SessionState): boolean {
    return this.#savedRow !== null || isLarge(presence);
  }

  /** Writes what the row lacks, then the attachment. @throws RoomfulError what the store throws */
  save(state: SessionState, store: PresenceStore): void {
    const { presence, rowId } = state;
    const row = isLarge(presence) ? presence.state : null;
    if (row !== this.#savedRow) {
      if (row !== null) store.savePresence(rowId, row);
      else store.deletePresence(rowId);
      this.#savedRow = row;
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.attach(state);
  }

  /** Leaves nothing of the session on the socket. */
  discard(): void {
    this.#socket.serializeAttachment(null);
  }

  /** Writes the attachment alone, of a state whose presence is small. */
  attach(state: SessionState): void {
    const { presence } = state;
    const attached: AttachedState = {
      ...state,
      presence: presence && { ...presence, state: isLarge(presence) ? "stored" : presence.state },
    };
    this.#socket.serializeAttachment(attached);
  }
}

function isLarge(presence: AwarenessEntry | null): presence is AwarenessEntry & { readonly state: Uint8Array } {
  return presence !== null && presence.state !== null && presence.state.length > INLINE_PRESENCE_BYTES;
}
