import type { DeviceState } from "./states.ts";

/** A microphone or a camera: at most one track, and the state of the request for it. */
export class Device {
  readonly #changed: () => void;
  #state: DeviceState = { type: "off" };
  #track: MediaStreamTrack | null = null;

  /** @param changed is called when the state or the track changed */
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
    // A working device goes on until another one takes its place.
    if (this.#track === null) this.#set({ type: "asking" });
  }

  /** Stops the track before, and takes this one. */
  replaceTrack(track: MediaStreamTrack): void {
    this.#stopTrack();
    this.#track = track;
    track.onended = () => {
      this.#stopTrack();
      this.#set({ type: "missing" });
    };
    this.#set({ type: "on", deviceId: track.getSettings().deviceId ?? "", label: track.label });
  }

  /** A working device goes on. @param thrown by `getUserMedia` */
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
