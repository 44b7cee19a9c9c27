import { type ErrorCode, errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import type { Capability, PeerId } from "../../shared/rooms.ts";
import { type Admission, accountOf, readAdmission, refusalResponse, upgradeResponse } from "../access/admission.ts";
import { hashOfSecret, newSecret } from "../access/resume-secret.ts";
import type { RoomLimits } from "../access/room-limits.ts";
import type { Rules } from "../access/rules.ts";
import type { Call } from "../calls/call.ts";
import type { Places } from "../calls/places.ts";
import type { Signaling } from "../calls/signaling.ts";
import { WEBRTC_TAG, type WebrtcSignaling } from "../calls/webrtc-signaling.ts";
import type { Limiter } from "../metering/limiter.ts";
import { arrivalCost, connectionCost, rowCost } from "../metering/prices.ts";
import { type Refusals, refusalOf } from "../metering/refusals.ts";
import type { Participants } from "../people/participants.ts";
import type { Presence } from "../people/presence.ts";
import { type Log, logFailure } from "../runtime/logging.ts";
import { newIdentity } from "../sessions/attachment.ts";
import type { Ending, Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Settings } from "../settings/settings.ts";
import type { Sync } from "../sync/sync.ts";
import type { Lifetime } from "./lifetime.ts";

interface DoorOptions {
  /** The room's name. */
  readonly room: string;
  readonly sockets: Pick<DurableObjectState, "acceptWebSocket">;
  readonly settings: Settings;
  readonly rules: Rules;
  readonly limits: RoomLimits;
  readonly limiter: Limiter;
  readonly refusals: Refusals;
  readonly sessions: Sessions;
  readonly sync: Sync;
  readonly presence: Presence;
  readonly participants: Participants;
  readonly places: Places;
  readonly call: Call;
  readonly signaling: Signaling;
  readonly webrtc: WebrtcSignaling;
  readonly lifetime: Lifetime;
  readonly log: Log;
}

/** Rows that a place in the call takes whose holder's socket was lost: to keep it, and to hand it to whoever comes back. */
const KEPT_PLACE_ROWS = 3;

/** The door of a room: sessions begin here, and the sweep here lets go of all that ended and applies changed rights. */
export class Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Answers an upgrade that the Worker admitted, by the room's own rules. */
  answerUpgrade(request: Request): Response {
    const { rules, refusals } = this.#options;
    const admission = readAdmission(request);
    try {
      const capabilities = rules.admit(admission.grant, admission.origin);
      return admission.isSignaling ? this.#openWebrtc(admission, capabilities) : this.#open(admission, capabilities);
    } catch (caught) {
      const refusal = refusalOf(caught);
      refusals.refuseEntry(refusal);
      return refusalResponse(refusal.code);
    }
  }

  #open(admission: Admission, capabilities: readonly Capability[]): Response {
    const { room, sockets, settings, rules, limiter, sessions, places, presence, participants, lifetime, log } =
      this.#options;
    this.#demandPlace(admission, (subject) => sessions.openCount(subject));
    const secret = newSecret();
    const fresh = newIdentity(hashOfSecret(secret));
    const former =
      admission.resume === undefined ? null : places.resume(admission.resume, admission.grant, capabilities, fresh);
    const { 0: client, 1: server } = new WebSocketPair();
    sockets.acceptWebSocket(server);
    const identity = { ...fresh, ...former?.identity };
    if (former?.session) sessions.remove(former.session.socket);
    const session = sessions.open(server, admission, rules.of(admission.grant.subject), identity);
    if (former?.session) {
      limiter.handOver(former.session, session);
      presence.remove(former.session);
      former.session.close(1000, "the peer came back");
    }
    presence.add(session);
    session.tell({
      type: "welcome",
      room,
      peer: session.state.peer,
      resume: secret,
      ...session.rights,
      renewPresence: presence.needsRenewal,
      limits: { frameBytes: settings.MAX_FRAME_BYTES, presenceBytes: settings.MAX_PRESENCE_BYTES },
    });
    participants.add(session);
    limiter.spend(session, "joins", arrivalCost(sessions.size));
    if (sessions.size === 1) lifetime.arm();
    log("info", "opened", { peer: session.state.peer, protocol: session.state.protocol });
    return upgradeResponse(client, admission.subprotocol);
  }

  /** @throws RoomfulError `forbidden` */
  #openWebrtc(admission: Admission, capabilities: readonly Capability[]): Response {
    const { sockets, webrtc } = this.#options;
    if (!capabilities.includes("call")) throw new RoomfulError("forbidden", "call");
    this.#demandPlace(admission, (subject) => webrtc.count(subject));
    const { 0: client, 1: server } = new WebSocketPair();
    sockets.acceptWebSocket(server, [WEBRTC_TAG]);
    webrtc.open(server, admission);
    return upgradeResponse(client, admission.subprotocol);
  }

  /**
   * Demands a place for one connection more, and charges its account for it.
   * @throws RoomfulError `room-full`, `too-many-connections`, `rate-limited`
   */
  #demandPlace(admission: Admission, openCount: (subject?: string) => number): void {
    const { limits, limiter } = this.#options;
    const { subject } = admission.grant;
    if (openCount() >= limits.participants) throw new RoomfulError("room-full");
    if (subject !== undefined && openCount(subject) >= limits.participantsPerSubject) {
      throw new RoomfulError("too-many-connections");
    }
    const account = accountOf(admission);
    limiter.admit(account);
    limiter.charge(account, "joins", connectionCost());
  }

  /** Lets go of a socket that its client closed, or that was lost. */
  socketClosed(socket: WebSocket, closeCode: number): void {
    const { sessions, webrtc, lifetime } = this.#options;
    this.#orLog(() => {
      if (webrtc.remove(socket) && !lifetime.isOccupied) lifetime.arm();
      const session = sessions.remove(socket);
      if (session === null) return;
      this.#letGo(session, closeCode);
    });
  }

  /** Acts on all that the turn marked, and on what that marks. */
  sweep(): void {
    const { sessions, sync } = this.#options;
    for (let mark = sessions.takeMark(); mark !== null; mark = sessions.takeMark()) {
      const { session } = mark;
      switch (mark.type) {
        case "ended": {
          const { ending } = mark;
          this.#orLog(() => this.#letGoOfEnded(session, ending));
          break;
        }
        case "rights-changed":
          this.#orEnd(session, () => this.#applyRights(session));
          break;
        case "unproved":
          this.#orEnd(session, () => sync.askForProof(session));
          break;
        default:
          mark satisfies never;
      }
    }
  }

  #letGoOfEnded(session: Session, { code, closeCode, detail = "" }: Ending): void {
    const { refusals, log } = this.#options;
    // No refused message caused these two, so that nobody has counted them.
    if (code === "rate-limited" || code === "slow-reader") {
      refusals.count(code);
      log("warn", "refused", { peer: session.state.peer, code, detail });
    }
    this.#letGo(session, closeCode);
  }

  #letGo(session: Session, closeCode: number): void {
    const { limiter, sessions, presence, participants, lifetime, log } = this.#options;
    log("info", "closed", { peer: session.state.peer, closeCode });
    limiter.settle(session);
    if (this.#keepsPlace(session, closeCode)) limiter.charge(session.state.account, "joins", rowCost(KEPT_PLACE_ROWS));
    else participants.remove(session.state.peer);
    presence.remove(session);
    if (sessions.isEmpty) lifetime.settleEmpty();
  }

  #keepsPlace(session: Session, closeCode: number): boolean {
    try {
      return this.#options.call.keepPlace(session, closeCode);
    } catch (cause) {
      logFailure(this.#options.log, cause);
      return false;
    }
  }

  #applyRights(session: Session): void {
    const { signaling, webrtc, participants, sync } = this.#options;
    session.tell({ type: "grant", ...session.rights });
    if (!session.may("call")) signaling.leave(session);
    webrtc.enforceRights();
    participants.markChanged(session.state.peer);
    sync.askForEdits(session);
  }

  /** Ends what the holder of a token has here beside its sessions. */
  shutOut(subject: string, code: ErrorCode): void {
    const { webrtc, call } = this.#options;
    webrtc.end(code, subject);
    call.releasePlaces((participant) => participant.subject === subject);
  }

  /** Takes the place in the call from a peer that is reconnecting. @returns whether there was one */
  releasePlace(peer: PeerId): boolean {
    return this.#options.call.releasePlaces((participant) => participant.peer === peer) > 0;
  }

  /** Runs what concerns one session. If it fails the session ends: its client comes again and finds everything as it is. */
  #orEnd(session: Session, work: () => void): void {
    try {
      work();
    } catch (cause) {
      logFailure(this.#options.log, cause);
      session.end(errorCodeOf(cause) ?? "internal");
    }
  }

  #orLog(work: () => void): void {
    try {
      work();
    } catch (cause) {
      logFailure(this.#options.log, cause);
    }
  }
}
