import type { RoomProvider } from "../../client/index.ts";
import type { Box, Point } from "../model/box.ts";
import { NO_PREVIEW, type Preview } from "../tools/gesture.ts";
import { toWire, type User } from "./presence.ts";

/** About 30 samples a second: what comes between is drawn smoothly on the other side. */
const SAMPLE_MS = 33;

interface Told {
  readonly user: User;
  readonly cursor: Point | null;
  readonly selection: readonly string[];
  readonly view: Box | null;
  readonly preview: Preview;
}

/** Tells the others what this person does, sampled. */
export class Teller {
  readonly #awareness: RoomProvider["awareness"];
  #told: Told;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(awareness: RoomProvider["awareness"], user: User) {
    this.#awareness = awareness;
    this.#told = { user, cursor: null, selection: [], view: null, preview: NO_PREVIEW };
    this.#send();
  }

  /**
   * Tells in a later turn, together with what else is told by then. An edit of the present turn is sent before it: when a preview
   * ends as its shape is drawn, the others see no moment without the shape.
   */
  tell(fields: Partial<Told>): void {
    this.#told = { ...this.#told, ...fields };
    this.#timer ??= setTimeout(this.#send, Math.max(0, SAMPLE_MS - (performance.now() - this.#lastAt)));
  }

  /** At once, for what must not be seen after something that is in the document. */
  tellNow(fields: Partial<Told>): void {
    this.#told = { ...this.#told, ...fields };
    this.#send();
  }

  destroy(): void {
    clearTimeout(this.#timer);
  }

  readonly #send = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastAt = performance.now();
    this.#awareness.setLocalState(toWire(this.#told));
  };
}
