import type { Session } from "../sessions/session.ts";

/** Owes each session the acknowledgement of the last sync frame of its that was applied, until that is committed. */
export class Acknowledgements {
  readonly #owed = new Map<Session, number>();

  /** @param frame its number on the session's socket */
  owe(session: Session, frame: number): void {
    this.#owed.set(session, frame);
  }

  /** Tells everybody that what was applied of its frames is durable. Called before the commit, it would be a lie. */
  payAll(): void {
    for (const [session, frame] of this.#owed) acknowledge(session, frame);
    this.#owed.clear();
  }

  /** Forgets what is owed: it was not committed. */
  forget(): void {
    this.#owed.clear();
  }
}

function acknowledge(session: Session, appliedFrame: number): void {
  const { state } = session;
  const frame = state.incompleteFrame === null ? appliedFrame : Math.min(appliedFrame, state.incompleteFrame - 1);
  if (frame <= state.framesSaved) return;
  state.framesSaved = frame;
  session.markChanged();
  session.tell({ type: "saved", frame });
}
