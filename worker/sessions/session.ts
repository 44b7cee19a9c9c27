import { closeArguments, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import { encodePermissionDenied } from "../../shared/frames.ts";
import { STRIKES } from "../../shared/limits.ts";
import { type EncodedMessage, encodeMessage, type MessageFromRoom, type WarningCode } from "../../shared/messages.ts";
import type { Capability, Grant, Participant } from "../../shared/rooms.ts";
import type { Admission } from "../access/admission.ts";
import type { SubjectRule } from "../access/rules.ts";
import { Attachment, type Identity, newState, type PresenceStore, type SessionState } from "./attachment.ts";
import { beginProbe, countSent, endProbe, isBehind, newNonce, STEP_1 } from "./backlog.ts";
import { consequenceOf, MessageRefusal } from "./refusal.ts";

/** How a session ended. */
export interface Ending {
  readonly closeCode: number;
  /** Why the room ended it; `null` when its socket failed. */
  readonly code: ErrorCode | null;
  readonly detail: string | undefined;
}

/** Takes the marks of a session. The room acts on them when its turn ends: whoever marks may be in a loop over sessions. */
export interface SessionMarks {
  /** Bytes that may be sent to a client that does not prove to have read them. */
  readonly maxUnreadBytes: number;
  /** The session's state is to be saved before the object may hibernate. */
  markChanged(session: Session): void;
  /** The session takes and sends nothing more. */
  markEnded(session: Session, ending: Ending): void;
  /** The session's rights changed. */
  markRightsChanged(session: Session): void;
  /** The session is to be asked to prove that it reads. */
  markUnproved(session: Session): void;
}

/** One socket: its identity, its rights, its counts, and the ways to answer it. Knows nothing of Yjs. */
export class Session {
  readonly socket: WebSocket;
  readonly state: SessionState;
  readonly #attachment: Attachment;
  readonly #marks: SessionMarks;
  #isEnded = false;

  private constructor(socket: WebSocket, state: SessionState, attachment: Attachment, marks: SessionMarks) {
    this.socket = socket;
    this.state = state;
    this.#attachment = attachment;
    this.#marks = marks;
  }

  /** A session for a socket that has just been admitted. */
  static open(
    socket: WebSocket,
    admission: Admission,
    rule: SubjectRule,
    identity: Identity,
    marks: SessionMarks,
  ): Session {
    const state = newState(admission, rule, identity);
    const attachment = new Attachment(socket);
    attachment.attach(state);
    return new Session(socket, state, attachment, marks);
  }

  /**
   * The session of a socket that outlived its object.
   * @returns `null` when another version of this code opened it; the socket should be closed then
   */
  static restore(socket: WebSocket, store: PresenceStore, marks: SessionMarks): Session | null {
    const attachment = new Attachment(socket);
    const state = attachment.read(store);
    return state === null ? null : new Session(socket, state, attachment, marks);
  }

  /** Whether its presence is too large for the attachment, now or as it was last saved. */
  get needsRow(): boolean {
    return this.#attachment.needsRow(this.state);
  }

  /** Writes the attachment, so that the session survives hibernation. Costs too much to be done for each message. */
  save(store: PresenceStore): void {
    this.#attachment.save(this.state, store);
  }

  /** Marks its state as changed, to be saved soon. */
  markChanged(): void {
    this.#marks.markChanged(this);
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Whether the room ended it: what it sent that is still under way is not read. */
  get isEnded(): boolean {
    return this.#isEnded;
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

  /**
   * Puts a fresh token's grant in the place of the former one.
   * @returns whether it says something new to others; its end is told to the session alone
   */
  setGrant(grant: Grant): boolean {
    const { name, capabilities } = this.state.grant;
    const isNews = name !== grant.name || !areSame(capabilities, grant.capabilities);
    this.state.grant = grant;
    if (isNews) this.#markRightsChanged();
    else {
      this.markChanged();
      this.tell({ type: "grant", ...this.rights });
    }
    return isNews;
  }

  /** Puts what moderators decided now in the place of what they decided before. */
  setRule(rule: SubjectRule): void {
    this.state.rule = rule;
    this.#markRightsChanged();
  }

  #markRightsChanged(): void {
    this.#marks.markChanged(this);
    this.#marks.markRightsChanged(this);
  }

  /** Milliseconds for which the grant still holds; `undefined` when it has no end. */
  get expiresIn(): number | undefined {
    const { expiresAt } = this.state.grant;
    return expiresAt === undefined ? undefined : expiresAt - Date.now();
  }

  /** Its capabilities and the time for which they hold, as its client is told. */
  get rights(): { capabilities: readonly Capability[]; expiresIn?: number } {
    const { capabilities, expiresIn } = this;
    return { capabilities, ...(expiresIn !== undefined && { expiresIn }) };
  }

  /** Whether the grant has ended. No timer waits for that: it is asked whenever something comes or goes. */
  get isExpired(): boolean {
    return (this.expiresIn ?? 1) <= 0;
  }

  /** Sends a binary frame. A session that ended is passed over. */
  send(frame: Uint8Array): void {
    this.#send(frame);
  }

  /** Sends a text message; a stock client, which understands none, is sent nothing. */
  tell(message: MessageFromRoom | EncodedMessage): void {
    if (!this.isStock) this.#send(typeof message === "string" ? message : encodeMessage(message));
  }

  #send(data: Uint8Array | string): void {
    if (this.#isEnded) return;
    if (this.isExpired) {
      this.end("session-expired");
      return;
    }
    try {
      this.socket.send(data);
    } catch {
      // Asked only now, since asking costs as much as sending. A socket that the client closed will be told of.
      if (!this.isOpen) return;
      // The client would miss this for good without knowing; after a reconnect it has everything.
      this.#end([1011, "a message could not be sent"], { code: null, detail: undefined });
      return;
    }
    this.#countUnread(data.length);
  }

  #countUnread(bytes: number): void {
    const verdict = countSent(this.state.backlog, bytes, this.#marks.maxUnreadBytes);
    switch (verdict) {
      case "fine":
        return;
      case "save":
        this.#marks.markChanged(this);
        return;
      case "probe":
        this.#marks.markUnproved(this);
        return;
      case "lost":
        this.end("slow-reader");
        return;
      default:
        verdict satisfies never;
    }
  }

  /** Whether so much waits for it that what can wait has to. */
  get isBehind(): boolean {
    return isBehind(this.state.backlog, this.#marks.maxUnreadBytes);
  }

  /** Whether it was asked to prove that it reads, and has not yet. */
  get owesProof(): boolean {
    return this.state.backlog.probe !== null;
  }

  /** Has it asked to prove that it reads, unless it was. */
  demandProof(): void {
    if (!this.owesProof) this.#marks.markUnproved(this);
  }

  /** Asks a client of `roomful.v1` to prove that it reads. A stock client proves it by its answer to a step 1. */
  probe(): void {
    const nonce = newNonce();
    this.#beginProbe(nonce);
    this.tell({ type: "probe", nonce });
  }

  /** Takes the answer to a probe. */
  acceptProbed(nonce: number): void {
    if (nonce !== STEP_1) this.#endProbe(nonce);
  }

  /** Sends a step 1, which a stock client answers by a step 2 once it has read what came before. */
  sendStep1(frame: Uint8Array): void {
    if (this.isStock) this.#beginProbe(STEP_1);
    this.send(frame);
  }

  /** Takes a step 2 as the proof that it is. */
  acceptStep2(): void {
    this.#endProbe(STEP_1);
  }

  #beginProbe(nonce: number): void {
    beginProbe(this.state.backlog, nonce);
    this.#marks.markChanged(this);
  }

  #endProbe(nonce: number): void {
    if (endProbe(this.state.backlog, nonce)) this.#marks.markChanged(this);
  }

  /** Tells of what may be refused soon. A stock client can't be told. */
  warn(code: WarningCode, message: string): void {
    this.tell({ type: "warning", code, message });
  }

  /** Answers a message that could not be used and was not a sync frame. */
  refuse(refusal: RoomfulError): void {
    const about = refusal instanceof MessageRefusal ? refusal.about : undefined;
    const { code, message } = refusal;
    this.#applyConsequence(refusal, false, { type: "error", code, message, ...(about !== undefined && { about }) });
    this.#marks.markChanged(this);
  }

  /** Answers a sync frame of which nothing was kept. @param frame its number */
  reject(frame: number, rejection: RoomfulError): void {
    this.state.wasRejected = true;
    const { code, message } = rejection;
    this.#applyConsequence(rejection, true, { type: "rejected", frame, code, message });
  }

  #applyConsequence({ code, message }: RoomfulError, isSync: boolean, told: MessageFromRoom): void {
    const consequence = consequenceOf(code, { isStock: this.isStock, isSync });
    switch (consequence) {
      case "tell":
        this.tell(told);
        return;
      case "strike":
        this.tell(told);
        this.state.strikes++;
        if (this.state.strikes > STRIKES) this.end(code);
        return;
      case "deny":
        this.send(encodePermissionDenied(message));
        return;
      case "close":
        this.end(code);
        return;
      default:
        consequence satisfies never;
    }
  }

  /**
   * Ends the session: its socket is closed, nothing more is taken from it or sent to it, and the room lets go of it when the
   * turn ends. The first ending counts.
   * @param detail what exactly was the matter, in ASCII
   */
  end(code: ErrorCode, detail?: string): void {
    this.#end(closeArguments(code, detail), { code, detail });
  }

  #end([closeCode, reason]: readonly [number, string], why: Omit<Ending, "closeCode">): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.close(closeCode, reason);
    this.#marks.markEnded(this, { closeCode, ...why });
  }

  /**
   * Closes the socket without a mark, for a session that the room lets go of itself. The attachment goes first: should the close
   * event wake a later object, that one must not let go of the session once more.
   */
  close(closeCode: number, reason: string): void {
    if (!this.isOpen) return;
    this.#attachment.discard();
    this.socket.close(closeCode, reason);
  }

  /** The participant that others may know it as. */
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

function areSame(some: readonly Capability[], others: readonly Capability[]): boolean {
  return some.length === others.length && some.every((capability) => others.includes(capability));
}
