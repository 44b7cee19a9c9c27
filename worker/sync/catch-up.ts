import { decodeFrame, encodeSyncStep1, encodeSyncStep2 } from "../../shared/frames.ts";
import type { RoomDocument } from "../document/document.ts";
import type { Outcome } from "../document/edit.ts";
import type { Limiter } from "../metering/limiter.ts";
import { answerCost, comparisonCost } from "../metering/prices.ts";
import type { Session } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Persistence } from "./persistence.ts";
import { Step2Cache } from "./step2-cache.ts";

interface CatchUpOptions {
  readonly sessions: Sessions;
  /** With everything applied that has arrived, whenever a method here is called. */
  readonly document: RoomDocument;
  readonly persistence: Persistence;
  readonly limiter: Limiter;
}

/** Brings a client what it lacks of the document, and asks it for what the room lacks. */
export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #step2Cache = new Step2Cache();
  /** The last step 1 and the version of the document that it is of. It names every client of the document. */
  #step1Cache: { readonly version: number; readonly frame: Uint8Array<ArrayBuffer> } | null = null;
  /** Sessions that were asked for what the room lacks and owe an answer. */
  readonly #asked = new WeakSet<Session>();

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /**
   * Answers step 1 with the room's own step 1, if the client may write, and with what the client lacks. In this order,
   * since a client answers with every deletion that it knows, and so need not tell the room those that it was just told.
   * @returns whether it was answered: the session may have had no room time left
   */
  answerStep1(session: Session, stateVector: Uint8Array): boolean {
    const { document, sessions, limiter } = this.#options;
    const size = { participants: sessions.size, documentBytes: document.bytes };
    if (!limiter.spend(session, "joins", comparisonCost(size))) return false;
    const answer = this.#step2(stateVector);
    if (!limiter.spend(session, "joins", answerCost(answer.length))) return false;
    session.state.wantsDocument = true;
    session.markChanged();
    this.askForEdits(session);
    session.send(answer);
    return true;
  }

  /** The update that step 2 would bring to who has this state vector. @throws RoomfulError `malformed-frame` */
  missing(stateVector: Uint8Array): Uint8Array {
    const frame = decodeFrame(this.#step2(stateVector));
    if (frame.type !== "sync-step-2") throw new Error("step 2 is of another type");
    return frame.update;
  }

  /** Asks a session that may write, and has asked for the document, for everything that the room lacks. */
  askForEdits(session: Session): void {
    const { persistence } = this.#options;
    if (session.may("write") && session.state.wantsDocument && persistence.readOnly === null) this.sendStep1(session);
  }

  sendStep1(session: Session): void {
    session.sendStep1(this.#step1());
  }

  /** Keeps track of what was dropped of a frame for want of dependencies, and asks for it. */
  followUp(session: Session, frame: number, isAnswer: boolean, outcome: Outcome): void {
    const { state } = session;
    // An answer holds everything that the client has.
    if (isAnswer) this.#asked.delete(session);
    switch (outcome.kind) {
      case "applied":
        if (isAnswer) Object.assign(state, { incompleteFrame: null, awaited: null });
        return;
      case "incomplete":
        state.incompleteFrame ??= frame;
        // The client itself waits for what its answer refers to: asked again before that comes, it would say the same.
        if (isAnswer) state.awaited = outcome.missing;
        else this.#ask(session);
        return;
      case "refused":
      case "postponed":
        return;
      default:
        outcome satisfies never;
    }
  }

  /** Asks the sessions again whose answer was incomplete, where the room now holds what that referred to. */
  askAwaited(): void {
    const { document, sessions } = this.#options;
    for (const session of sessions) {
      const { awaited } = session.state;
      if (awaited === null || !document.has(awaited)) continue;
      session.state.awaited = null;
      session.markChanged();
      this.#ask(session);
    }
  }

  /** Forgets the answers of the document that was discarded. */
  forget(): void {
    this.#step2Cache.forget();
    this.#step1Cache = null;
  }

  /** Asks for everything that the room lacks, unless an answer is owed. The session pays for the question. */
  #ask(session: Session): void {
    if (this.#asked.has(session)) return;
    const step1 = this.#step1();
    if (!this.#options.limiter.spend(session, "joins", answerCost(step1.length))) return;
    this.#asked.add(session);
    session.sendStep1(step1);
  }

  #step2(stateVector: Uint8Array): Uint8Array {
    const { document } = this.#options;
    return this.#step2Cache.frameFor(document.version, stateVector, () =>
      encodeSyncStep2(document.encodeMissing(stateVector)),
    );
  }

  #step1(): Uint8Array<ArrayBuffer> {
    const { document } = this.#options;
    if (this.#step1Cache?.version !== document.version) {
      const frame = encodeSyncStep1(document.encodeStateVector());
      // The version is read now: the encoding may have loaded the document.
      this.#step1Cache = { version: document.version, frame };
    }
    return this.#step1Cache.frame;
  }
}
