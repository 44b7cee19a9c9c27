import { beginProbe, countSent, endProbe } from "./backlog.ts";
import type { Session } from "./session.ts";

/** What the answer to step 1 counts as. A nonce of a probe is another number. */
const STEP_1 = 0;

interface SlowReadersOptions {
  /** Bytes that may be sent to a client that does not prove to have read them. */
  readonly maxBytes: number;
  /** Sends a step 1, which a stock client answers. */
  readonly sendStep1: (session: Session) => void;
  /** Told when what is known of a session should be saved soon. Must not send anything. */
  readonly changed: (session: Session) => void;
  /** Told when a client is too far behind. It is sent nothing more. */
  readonly lost: (session: Session) => void;
}

/** Notices who does not read what it is sent: all of that waits in memory, until the socket ends. */
export class SlowReaders {
  readonly #options: SlowReadersOptions;

  constructor(options: SlowReadersOptions) {
    this.#options = options;
  }

  /** To be called after something was sent. */
  sent(session: Session, bytes: number): void {
    const verdict = countSent(session.state.backlog, bytes, this.#options.maxBytes);
    switch (verdict) {
      case "fine":
        return;
      case "save":
        this.#options.changed(session);
        return;
      case "probe":
        this.#ask(session);
        return;
      case "lost":
        session.close("slow-reader");
        this.#options.lost(session);
        return;
      default:
        verdict satisfies never;
    }
  }

  /** To be called when a client answered a probe. */
  answered(session: Session, nonce: number): void {
    if (nonce !== STEP_1) this.#end(session, nonce);
  }

  /** To be called when a client was sent step 1: a stock client's answer proves that it reads. */
  askedByStep1(session: Session): void {
    if (session.isStock) this.#begin(session, STEP_1);
  }

  /** To be called when a client sent step 2. */
  answeredStep1(session: Session): void {
    this.#end(session, STEP_1);
  }

  #ask(session: Session): void {
    if (session.isStock) {
      this.#options.sendStep1(session);
      return;
    }
    const nonce = newNonce();
    this.#begin(session, nonce);
    session.tell({ type: "probe", nonce });
  }

  #begin(session: Session, nonce: number): void {
    beginProbe(session.state.backlog, nonce);
    this.#options.changed(session);
  }

  #end(session: Session, nonce: number): void {
    if (endProbe(session.state.backlog, nonce)) this.#options.changed(session);
  }
}

/** Not to be guessed: who does not read can't answer. */
function newNonce(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random + 1;
}
