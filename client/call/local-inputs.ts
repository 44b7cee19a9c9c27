import type { Media } from "../../shared/calls.ts";
import { Device } from "./device.ts";
import { heard, LevelMeter, SILENT, type Voice } from "./levels.ts";
import type { CallPlatform, Wish } from "./options.ts";
import type { LocalMedia } from "./states.ts";

export type Kind = "audio" | "video";

interface LocalInputsOptions {
  readonly platform: CallPlatform;
  /** The track to send changed; `null` for none. */
  readonly trackChanged: (kind: Kind, track: MediaStreamTrack | null) => void;
  /** Anything else changed. */
  readonly changed: () => void;
}

/** The microphone and the camera of this client, and the tracks that it sends. */
export class LocalInputs {
  readonly #options: LocalInputsOptions;
  readonly #microphone: Device;
  readonly #camera: Device;
  /** Numbers the requests of each kind: the result of an earlier one is dropped. */
  readonly #asked = { audio: 0, video: 0 };
  /** The constraints of the first request for the microphone. */
  #constraints: MediaTrackConstraints = {};
  #stream: MediaStream | null = null;
  #video: MediaStream | null = null;
  #meter: LevelMeter | null = null;
  #voice: Voice = SILENT;
  #isMuted = false;
  #isMutedByModerator = false;

  constructor(options: LocalInputsOptions) {
    this.#options = options;
    this.#microphone = new Device(() => this.#applyDevice("audio", this.#microphone));
    this.#camera = new Device(() => this.#applyDevice("video", this.#camera));
  }

  /** The stream of all sent tracks. */
  get stream(): MediaStream {
    this.#stream ??= new MediaStream();
    return this.#stream;
  }

  /** The media state that the peers see. */
  get media(): Media {
    const [audio, video] = [this.track("audio") !== null, this.track("video") !== null];
    return { audio, video, muted: this.#isMuted };
  }

  get state(): LocalMedia {
    const { level, isSpeaking } = this.#voice;
    return {
      microphone: this.#microphone.state,
      camera: this.#camera.state,
      video: this.#video,
      isMuted: this.#isMuted,
      isMutedByModerator: this.#isMutedByModerator,
      level,
      isSpeaking,
      isSpeakingWhileMuted: isSpeaking && this.#isSilent,
    };
  }

  track(kind: Kind): MediaStreamTrack | null {
    return (kind === "audio" ? this.#microphone : this.#camera).track;
  }

  /** Requests both devices at once, so that the browser asks the user once. It never rejects: `state` tells failures. */
  async start(audio: Wish, video: Wish): Promise<void> {
    if (typeof audio === "object") this.#constraints = audio;
    if (audio === false && video === false) return;
    if (audio !== false && video !== false) {
      if (await this.#open({ audio, video }).catch(() => false)) return;
    }
    // One of the two may be had without the other.
    if (audio !== false) await this.#open({ audio }).catch(() => {});
    if (video !== false) await this.#open({ video }).catch(() => {});
  }

  /** @throws the browser's error; a working microphone goes on then */
  async setMicrophone(deviceId: string | undefined): Promise<void> {
    const audio = deviceId === undefined ? this.#constraints : { ...this.#constraints, deviceId: { exact: deviceId } };
    await this.#open({ audio });
  }

  /** @throws the browser's error */
  async setCamera(wish: Wish): Promise<void> {
    if (wish !== false) {
      await this.#open({ video: wish });
      return;
    }
    this.#asked.video++;
    this.#camera.stop();
  }

  setMuted(isMuted: boolean): void {
    if (this.#isMuted === isMuted) return;
    this.#isMuted = isMuted;
    this.#applyMute();
    this.#options.changed();
  }

  setMutedByModerator(isMuted: boolean): void {
    if (this.#isMutedByModerator === isMuted) return;
    this.#isMutedByModerator = isMuted;
    this.#applyMute();
    this.#options.changed();
  }

  /** Measures the microphone's level. @param now milliseconds */
  listen(now: number): void {
    this.#voice = this.#meter === null ? SILENT : heard(this.#voice, this.#meter.level, now);
  }

  /** Resumes the level meter. Call it from a click handler. */
  resume(): void {
    this.#meter?.resume();
  }

  /** Lets go of all devices. */
  stop(): void {
    this.#asked.audio++;
    this.#asked.video++;
    this.#microphone.stop();
    this.#camera.stop();
    this.#isMuted = false;
    this.#isMutedByModerator = false;
    this.#stream = null;
    this.#voice = SILENT;
    this.#options.changed();
  }

  get #isSilent(): boolean {
    return this.#isMuted || this.#isMutedByModerator;
  }

  /** @returns false when a later request overtook this one @throws the browser's error */
  async #open(constraints: { audio?: Wish; video?: Wish }): Promise<boolean> {
    const kinds: Kind[] = (["audio", "video"] as const).filter((kind) => constraints[kind] !== undefined);
    const asked = kinds.map((kind) => ++this.#asked[kind]);
    const isCurrent = (kind: Kind) => this.#asked[kind] === asked[kinds.indexOf(kind)];
    for (const kind of kinds) this.#device(kind).markAsking();
    try {
      const { audio, video } = constraints;
      const stream = await this.#options.platform.getUserMedia({
        ...(audio !== undefined && { audio }),
        ...(video !== undefined && { video }),
      });
      for (const track of stream.getTracks()) {
        const kind = track.kind as Kind;
        if (kinds.includes(kind) && isCurrent(kind)) this.#device(kind).replaceTrack(track);
        else track.stop();
      }
      return kinds.every(isCurrent);
    } catch (thrown) {
      for (const kind of kinds) if (isCurrent(kind)) this.#device(kind).markFailed(thrown);
      throw thrown;
    }
  }

  #device(kind: Kind): Device {
    return kind === "audio" ? this.#microphone : this.#camera;
  }

  #applyDevice(kind: Kind, device: Device): void {
    const { track } = device;
    if (kind === "audio") {
      this.#meter?.close();
      this.#meter = track === null || typeof AudioContext === "undefined" ? null : new LevelMeter(track);
      this.#applyMute();
    } else this.#video = track === null ? null : new MediaStream([track]);
    this.#options.trackChanged(kind, track);
    this.#options.changed();
  }

  /** A disabled track sends silence. The device is kept, so that the browser does not ask the user again. */
  #applyMute(): void {
    const track = this.track("audio");
    if (track !== null) track.enabled = !this.#isSilent;
  }
}
