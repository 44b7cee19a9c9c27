import type { Playback } from "./states.ts";

/** Plays what peers send, and knows whether the browser lets it. Plays nothing where there is no document. */
export class Player {
  readonly #changed: () => void;
  readonly #elements = new Map<MediaStream, HTMLAudioElement>();
  #state: Playback = "playing";

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get state(): Playback {
    return this.#state;
  }

  /** Plays a stream. Called again when its tracks changed. */
  play(stream: MediaStream): void {
    if (typeof Audio === "undefined") return;
    let element = this.#elements.get(stream);
    if (element === undefined) {
      element = new Audio();
      element.srcObject = stream;
      this.#elements.set(stream, element);
    }
    if (stream.getAudioTracks().length > 0) this.#start(element);
  }

  stop(stream: MediaStream): void {
    const element = this.#elements.get(stream);
    if (element === undefined) return;
    element.srcObject = null;
    this.#elements.delete(stream);
    if (this.#elements.size === 0) this.#set("playing");
  }

  /** From a click: the browser lets it play then. */
  resume(): void {
    this.#set("playing");
    for (const element of this.#elements.values()) this.#start(element);
  }

  #start(element: HTMLAudioElement): void {
    element.play().catch((thrown: unknown) => {
      // Other failures are those of a stream that ended meanwhile.
      if (thrown instanceof Error && thrown.name === "NotAllowedError") this.#set("blocked");
    });
  }

  #set(state: Playback): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#changed();
  }
}
