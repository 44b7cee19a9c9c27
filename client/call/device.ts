import type { DeviceState } from "./states.ts";

/** A microphone or a camera: at most one track, and what became of the wish for it. */
export class Device {
  readonly #changed: () => void;
  #state: DeviceState = { type: "off" };
  #track: MediaStreamTrack | null = null;

  /** @param changed called when the state or the track is another */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get state(): DeviceState {
    return this.#state;
  }

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  markAsking(): void {
    // A device that works goes on until there is another one.
    if (this.#track === null) this.#set({ type: "asking" });
  }

  /** Takes the place of the track before. */
  replaceTrack(track: MediaStreamTrack): void {
    this.#stopTrack();
    this.#track = track;
    track.onended = () => {
      this.#stopTrack();
      this.#set({ type: "missing" });
    };
    this.#set({ type: "on", deviceId: track.getSettings().deviceId ?? "", label: track.label });
  }

  /** A device that works goes on. @param thrown by `getUserMedia` */
  markFailed(thrown: unknown): void {
    if (this.#track === null) this.#set(failureOf(thrown));
  }

  stop(): void {
    this.#stopTrack();
    this.#set({ type: "off" });
  }

  #stopTrack(): void {
    if (this.#track === null) return;
    this.#track.onended = null;
    this.#track.stop();
    this.#track = null;
  }

  #set(state: DeviceState): void {
    this.#state = state;
    this.#changed();
  }
}

/** @see https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia */
function failureOf(thrown: unknown): DeviceState {
  const name = thrown instanceof Error ? thrown.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return { type: "denied" };
  if (name === "NotFoundError" || name === "OverconstrainedError") return { type: "missing" };
  return { type: "failed", cause: thrown };
}
