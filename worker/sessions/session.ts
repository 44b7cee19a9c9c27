import type { Media } from "../../shared/calls.ts";
import { closeArguments, ERRORS, type ErrorCode, isFinalClose, RoomfulError } from "../../shared/errors.ts";
import { type AwarenessEntry, encodePermissionDenied, type StructId } from "../../shared/frames.ts";
import { INLINE_PRESENCE_BYTES, STRIKES } from "../../shared/limits.ts";
import {
  type EncodedMessage,
  encodeMessage,
  type MessageFromRoom,
  ROOMFUL_PROTOCOL,
  type WarningCode,
} from "../../shared/messages.ts";
import type { Capability, Grant, Participant, PeerId } from "../../shared/rooms.ts";
import { type Admission, accountOf } from "../access/admission.ts";
import type { SubjectRule } from "../access/rules.ts";
import { type BacklogState, NO_BACKLOG } from "./backlog.ts";
import { MessageRefusal } from "./message-refusal.ts";

/** Rejections that are the frame's own fault: no honest client repeats them. */
const UNUSABLE: ReadonlySet<ErrorCode> = new Set([
  "malformed-frame",
  "invalid-update",
  "update-too-costly",
  "frame-too-large",
]);

/** Changes whenever the shape of an attachment does. */
const ATTACHMENT_VERSION = 4;

/** What is known of a socket beyond one event; all of it survives hibernation in the socket's attachment. */
interface SessionState {
  readonly version: typeof ATTACHMENT_VERSION;
  readonly peer: PeerId;
  readonly protocol: Participant["protocol"];
  /** What its token says; a renewal replaces it. */
  grant: Grant;
  /** What moderators decided, which counts before the token. */
  rule: SubjectRule;
  /** Under which what it spends is remembered when it is gone; `null` when nobody knows who it is. */
  readonly account: string | null;
  readonly connectedAt: number;
  /** The key of the row that keeps its presence state when that is large, and of that of its place in the call. */
  readonly rowId: number;
  /** Of the secret with which its client can be the same peer again. */
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
  /** What the room must hold before it is worth asking this client again for what was dropped of its answer. */
  awaited: StructId | null;
  /** Whether a sync frame was rejected: what it sends later may depend on that one. */
  wasRejected: boolean;
  strikes: number;
  /** What it was sent and may not have read. */
  readonly backlog: BacklogState;
  /** The presence that it announced; its state is `null` while the client shows itself as away. */
  presence: AwarenessEntry | null;
  /** What it offers in the call; `null` while it is not in it. */
  media: Media | null;
}

/** Who a session is: somebody new, or who it was before its socket was lost. */
export type Identity = Pick<SessionState, "peer" | "connectedAt" | "rowId" | "secretHash" | "media">;

/** That of somebody whom nobody knows. */
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

/** The attachment: a presence state that does not fit is left out here and kept in a row. */
interface Attachment extends Omit<SessionState, "presence"> {
  readonly presence: (Omit<AwarenessEntry, "state"> & { readonly state: Uint8Array | null | "stored" }) | null;
}

/** Looks on at what is sent. */
export interface SendWatch {
  sent(session: Session, bytes: number): void;
  /** Nothing was sent, since the session's grant has ended; it was closed. */
  expired(session: Session): void;
}

/** Keeps presence states that are too large for an attachment. */
export interface PresenceStore {
  savePresence(rowId: number, state: Uint8Array): void;
  readPresence(rowId: number): Uint8Array | null;
  deletePresence(rowId: number): void;
}

/** One socket: its identity, its rights, its counts, and the ways to answer it. Knows nothing of Yjs. */
export class Session {
  readonly socket: WebSocket;
  readonly state: SessionState;
  /** The presence state that is in the row, if there is one. */
  #savedRow: Uint8Array | null = null;
  watch: SendWatch | null = null;

  private constructor(socket: WebSocket, state: SessionState) {
    this.socket = socket;
    this.state = state;
  }

  /** A session for a socket that has just been admitted. */
  static open(socket: WebSocket, admission: Admission, rule: SubjectRule, identity: Identity): Session {
    const session = new Session(socket, {
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
    });
    socket.serializeAttachment(session.#attachment());
    return session;
  }

  /**
   * The session of a socket that outlived its object.
   * @returns `null` when another version of this code opened it; the socket should be closed then
   */
  static restore(socket: WebSocket, store: PresenceStore): Session | null {
    const attachment = socket.deserializeAttachment() as Attachment | null;
    if (attachment?.version !== ATTACHMENT_VERSION) return null;
    const { presence, ...rest } = attachment;
    const session = new Session(socket, {
      ...rest,
      presence: presence && {
        ...presence,
        state: presence.state === "stored" ? store.readPresence(rest.rowId) : presence.state,
      },
    });
    if (presence?.state === "stored") session.#savedRow = session.state.presence?.state ?? null;
    return session;
  }

  /** Whether its presence is too large for the attachment, now or as it was last saved. */
  get needsRow(): boolean {
    return this.#savedRow !== null || isLarge(this.state.presence);
  }

  /** Writes the attachment, so that the session survives hibernation. To be called seldom, not for each message. */
  save(store: PresenceStore): void {
    const { presence, rowId } = this.state;
    const row = isLarge(presence) ? presence.state : null;
    if (row !== this.#savedRow) {
      if (row !== null) store.savePresence(rowId, row);
      else store.deletePresence(rowId);
      this.#savedRow = row;
    }
    if (this.isOpen) this.socket.serializeAttachment(this.#attachment());
  }

  #attachment(): Attachment {
    const { presence } = this.state;
    return {
      ...this.state,
      presence: presence && { ...presence, state: isLarge(presence) ? "stored" : presence.state },
    };
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get isStock(): boolean {
    return this.state.protocol === "stock";
  }

  get capabilities(): readonly Capability[] {
    return this.state.rule.capabilities ?? this.state.grant.capabilities;
  }

  may(capability: Capability): boolean {
    return this.capabilities.includes(capability);
  }

  /** @throws RoomfulError `forbidden` */
  demand(capability: Capability): void {
    if (!this.may(capability)) throw new RoomfulError("forbidden", capability);
  }

  /** Milliseconds for which the grant still holds; `undefined` when it has no end. */
  get expiresIn(): number | undefined {
    const { expiresAt } = this.state.grant;
    return expiresAt === undefined ? undefined : expiresAt - Date.now();
  }

  /** What it may do, and for how long, as it is told. */
  get rights(): { capabilities: readonly Capability[]; expiresIn?: number } {
    const { capabilities, expiresIn } = this;
    return { capabilities, ...(expiresIn !== undefined && { expiresIn }) };
  }

  /** Whether the grant has ended. No timer waits for that: it is asked whenever something comes or goes. */
  get isExpired(): boolean {
    return (this.expiresIn ?? 1) <= 0;
  }

  /** Sends a binary frame. A socket that was closed is passed over. */
  send(frame: Uint8Array): void {
    this.#send(frame);
  }

  /** Sends a text message; a stock client, which understands none, is sent nothing. */
  tell(message: MessageFromRoom | EncodedMessage): void {
    if (!this.isStock) this.#send(typeof message === "string" ? message : encodeMessage(message));
  }

  #send(data: Uint8Array | string): void {
    if (this.isExpired) {
      this.#expire();
      return;
    }
    try {
      this.socket.send(data);
      this.watch?.sent(this, data.length);
    } catch {
      // Asked only now, since asking costs as much as sending.
      if (!this.isOpen) return;
      // It would miss this for good without knowing; after a reconnect it has everything.
      this.socket.close(1011, "a message could not be sent");
    }
  }

  #expire(): void {
    if (!this.isOpen) return;
    this.close("session-expired");
    this.watch?.expired(this);
  }

  /** Tells of what may be refused soon. A stock client can't be told. */
  warn(code: WarningCode, message: string): void {
    this.tell({ type: "warning", code, message });
  }

  /**
   * Answers a message that could not be used and was not a sync frame: a stock client is closed; a `roomful.v1` client
   * is told, and closed when it goes on. A code that says "try again later" closes either.
   */
  refuse(refusal: RoomfulError): void {
    const { code, message } = refusal;
    if (this.isStock || !isFinalClose(ERRORS[code].close)) {
      this.close(code);
      return;
    }
    const about = refusal instanceof MessageRefusal ? refusal.about : undefined;
    this.tell({ type: "error", code, message, ...(about !== undefined && { about }) });
    this.#strike(code);
  }

  #strike(code: ErrorCode): void {
    this.state.strikes++;
    if (this.state.strikes > STRIKES) this.close(code);
  }

  /**
   * Answers a sync frame of which nothing was kept. A `roomful.v1` client is told and stays. A stock client that lacks
   * the right is told by its auth message and stays; one that sent what can't be used is closed for good.
   */
  reject(frame: number, { code, message }: RoomfulError): void {
    this.state.wasRejected = true;
    if (!this.isStock) {
      this.tell({ type: "rejected", frame, code, message });
      if (UNUSABLE.has(code)) this.#strike(code);
    } else if (code === "forbidden" || code === "room-damaged") this.send(encodePermissionDenied(message));
    else this.close(code);
  }

  /** @param detail what exactly was the matter, in ASCII */
  close(code: ErrorCode, detail?: string): void {
    if (!this.isOpen) return;
    this.socket.close(...closeArguments(code, detail));
  }

  /** What others may know. */
  participant(): Participant {
    const { peer, protocol, grant, rule, connectedAt, presence, media } = this.state;
    return {
      peer,
      protocol,
      capabilities: this.capabilities,
      ...(rule.isMuted && { isMuted: true }),
      ...(media !== null && { call: { media, state: "connected" } }),
      ...(grant.subject !== undefined && { subject: grant.subject }),
      ...(grant.name !== undefined && { name: grant.name }),
      ...(presence !== null && { clientId: presence.clientId }),
      connectedAt,
    };
  }
}

function isLarge(presence: AwarenessEntry | null): presence is AwarenessEntry & { readonly state: Uint8Array } {
  return presence !== null && presence.state !== null && presence.state.length > INLINE_PRESENCE_BYTES;
}
