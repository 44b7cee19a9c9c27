import { decodeFrame } from "../../../shared/frames.ts";
import type { Session } from "../../../worker/sessions/session.ts";
import type { Random } from "../support/scale.ts";
import type { JumpyClock } from "./jumpy-clock.ts";
import type { EngineModules } from "./planted-modules.ts";

const MEMBERS = 4;

interface Member {
  readonly socket: WebSocket;
  readonly session: Session;
  readonly clientId: number;
  clock: number;
}

/** The engine's presence over sockets that only note what they are sent, with one that watches. */
export class PresenceModel {
  readonly coalesceMs = 16;
  readonly #modules: EngineModules;
  readonly #random: Random;
  readonly #sessions: EngineModules["sessions"]["Sessions"]["prototype"];
  readonly #presence: EngineModules["presence"]["Presence"]["prototype"];
  readonly #members: Member[];
  /** The newest clock that the watcher was sent for each client id. */
  readonly #watched = new Map<number, number>();

  constructor(modules: EngineModules, clock: JumpyClock, random: Random) {
    this.#modules = modules;
    this.#random = random;
    const noRows = { savePresence: () => {}, readPresence: () => null, deletePresence: () => {} };
    this.#sessions = new modules.sessions.Sessions([], {
      store: noRows,
      maxUnreadBytes: Number.POSITIVE_INFINITY,
      log: () => {},
      clock,
    });
    this.#presence = new modules.presence.Presence(this.#sessions, {
      coalesceMs: this.coalesceMs,
      maxBytes: 1_000,
      clock,
    });
    this.#open((frame) => this.#watch(frame));
    this.#members = Array.from({ length: MEMBERS }, (_, index) => ({ ...this.#open(), clientId: index + 1, clock: 0 }));
    for (const member of this.#members) this.move(member);
  }

  #watch(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    if (frame.type !== "awareness") return;
    for (const { clientId, clock } of frame.entries) this.#watched.set(clientId, clock);
  }

  #open(heard: (frame: Uint8Array) => void = () => {}): Pick<Member, "socket" | "session"> {
    const socket = {
      readyState: WebSocket.OPEN,
      send: (data: Uint8Array | string) => typeof data !== "string" && heard(data),
      close: () => {},
      serializeAttachment: () => {},
    } as unknown as WebSocket;
    const session = this.#sessions.open(
      socket,
      {
        grant: { capabilities: ["read", "write"] },
        subprotocol: "roomful.v1",
        origin: null,
        network: null,
      },
      {},
      this.#modules.attachment.newIdentity(""),
    );
    session.state.wantsPresence = true;
    this.#presence.add(session);
    return { socket, session };
  }

  someone(): Member {
    const member = this.#members[this.#random(this.#members.length)];
    if (member === undefined) throw new Error("nobody is there");
    return member;
  }

  /** A member changes its state. */
  move(member: Member): void {
    this.#announce(member.session, member.clientId, ++member.clock);
  }

  #announce(session: Session, clientId: number, clock: number): void {
    this.hear({ session });
    this.#presence.applyAwareness(session, [{ clientId, clock, state: new TextEncoder().encode(`{"at":${clock}}`) }]);
  }

  /** Anything at all arrives from a socket. */
  hear({ session }: Pick<Member, "session">): void {
    this.#presence.proveAlive(session);
  }

  get watcherIsUpToDate(): boolean {
    return this.#members.every(({ clientId, clock }) => this.#watched.get(clientId) === clock);
  }

  /** A further socket claims a member's id. */
  claim({ clientId, clock }: Member): Pick<Member, "socket" | "session"> {
    const claimant = this.#open();
    this.#announce(claimant.session, clientId, clock + 1);
    return claimant;
  }

  holds({ session, clientId }: Member): boolean {
    return session.state.presence?.clientId === clientId;
  }

  leave({ socket }: Pick<Member, "socket">): void {
    const session = this.#sessions.remove(socket);
    if (session !== null) this.#presence.remove(session);
  }

  /** A member that lost its id claims it again, with clocks that nobody has seen. */
  comeBack(member: Member): void {
    member.clock += 2;
    this.move(member);
  }
}
