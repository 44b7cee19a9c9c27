import type { ConnectionId, IceCandidate } from "../../shared/calls.ts";

/** What stands for a session description. */
interface Session {
  readonly kind: "offer" | "answer";
  /** Stands for the ICE credentials of who describes. */
  readonly credentials: string;
  /** Whether candidates are in it. */
  readonly hasCandidates: boolean;
  /** Of an answer: the credentials in the offer. */
  readonly to?: string;
}

/**
 * The rules of an RTCPeerConnection that a negotiation can break, without a network: signaling states, rollback, ICE
 * credentials, candidates. Each broken rule is noted.
 */
export class FakePeerConnection {
  readonly connection: ConnectionId;
  readonly #violations: string[];
  readonly #newCredentials: () => string;
  isClosed = false;
  answersMade = 0;
  answersTaken = 0;
  /** Whether something was added that the other side has to hear of. */
  needsNegotiation = false;
  /** What the last offer was to tell, in case it is rolled back. */
  #offered = { needsNegotiation: false, restarts: false };
  #signaling: "stable" | "have-local-offer" = "stable";
  #restarts = false;
  #isBusy = false;
  #local: string | null = null;
  #pending: string | null = null;
  #remote: string | null = null;
  #gathered = false;
  /** Credentials of theirs for which a candidate is known. */
  readonly #reached = new Set<string>();
  /** The session whose path a network took away. */
  #deadSession = "";

  constructor(connection: ConnectionId, violations: string[], newCredentials: () => string) {
    this.connection = connection;
    this.#violations = violations;
    this.#newCredentials = newCredentials;
  }

  /** Whether `negotiationneeded` would fire. */
  get wantsNegotiation(): boolean {
    const wants = this.needsNegotiation || this.#restarts;
    return wants && !this.isClosed && !this.#isBusy && this.#signaling === "stable";
  }

  get isSettled(): boolean {
    return this.#signaling === "stable" && !this.needsNegotiation && !this.#isBusy;
  }

  begin(): void {
    if (this.#isBusy) this.#violations.push("two operations at once");
    this.#isBusy = true;
  }

  end(): void {
    this.#isBusy = false;
  }

  offer(): string {
    if (this.#signaling !== "stable") this.#violations.push(`an offer in ${this.#signaling}`);
    this.#offered = { needsNegotiation: this.needsNegotiation, restarts: this.#restarts };
    this.#pending = this.#restarts || this.#local === null ? this.#newCredentials() : this.#local;
    if (this.#pending !== this.#local) this.#gathered = false;
    this.needsNegotiation = false;
    this.#restarts = false;
    this.#signaling = "have-local-offer";
    return this.localOffer();
  }

  localOffer(): string {
    if (this.#pending === null) this.#violations.push("no local offer");
    return write({ kind: "offer", credentials: this.#pending ?? "", hasCandidates: this.#gathered });
  }

  accept(sdp: string): string {
    const offer = read(sdp);
    if (offer.kind !== "offer") this.#violations.push("an answer taken for an offer");
    if (this.#signaling === "have-local-offer") this.#rollBack();
    const restarts = this.#remote !== null && this.#remote !== offer.credentials;
    if (this.#local === null || restarts) {
      this.#local = this.#newCredentials();
      this.#gathered = false;
      this.#restarts = false;
    }
    this.#take(offer);
    this.answersMade++;
    return write({
      kind: "answer",
      credentials: this.#local,
      hasCandidates: this.#gathered,
      to: offer.credentials,
    });
  }

  apply(sdp: string): void {
    const answer = read(sdp);
    if (this.#signaling !== "have-local-offer") this.#violations.push(`an answer in ${this.#signaling}`);
    if (answer.kind !== "answer" || answer.to !== this.#pending) this.#violations.push("an answer to another offer");
    this.#local = this.#pending;
    this.#pending = null;
    this.#signaling = "stable";
    this.#take(answer);
    this.answersTaken++;
  }

  addCandidates(candidates: readonly IceCandidate[]): void {
    if (this.#remote === null) this.#violations.push("a candidate before a remote description");
    for (const { usernameFragment } of candidates) this.#reached.add(usernameFragment ?? "");
  }

  restartIce(): void {
    this.#restarts = true;
  }

  /** @returns the candidates that are to be told, once for each credentials */
  gather(): readonly IceCandidate[] {
    const credentials = this.#pending ?? this.#local;
    if (this.#gathered || this.isClosed || credentials === null) return [];
    this.#gathered = true;
    return [{ candidate: "somewhere", usernameFragment: credentials }];
  }

  /** Takes the path away; another session can find one. */
  dropPath(): void {
    this.#deadSession = `${this.#local} ${this.#remote}`;
  }

  /** Whether media flows to another one. */
  isConnectedTo(other: FakePeerConnection): boolean {
    if (this.isClosed || other.isClosed || this.connection !== other.connection) return false;
    if (this.#local === null || other.#local === null) return false;
    if (this.#remote !== other.#local || other.#remote !== this.#local) return false;
    if (this.#deadSession === `${this.#local} ${this.#remote}`) return false;
    if (other.#deadSession === `${other.#local} ${other.#remote}`) return false;
    return this.#reached.has(other.#local) || other.#reached.has(this.#local);
  }

  #take({ credentials, hasCandidates }: Session): void {
    this.#remote = credentials;
    if (hasCandidates) this.#reached.add(credentials);
  }

  #rollBack(): void {
    this.#signaling = "stable";
    this.needsNegotiation ||= this.#offered.needsNegotiation;
    this.#restarts ||= this.#offered.restarts;
    this.#pending = null;
  }
}

function write(session: Session): string {
  return JSON.stringify(session);
}

function read(sdp: string): Session {
  return JSON.parse(sdp);
}
