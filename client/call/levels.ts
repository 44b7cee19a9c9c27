/** The level from which somebody speaks: -34 dB of full scale, above the noise of a room. */
const SPEAKING = 0.02;

/** Milliseconds for which somebody still speaks after a last loud moment: pauses between words are not the end. */
const HOLD_MS = 400;

/** Levels are told in steps, so that noise changes nothing. */
const STEPS = 20;

/** The loudness of somebody, and the time of the last loud moment. */
export interface Voice {
  readonly level: number;
  readonly isSpeaking: boolean;
  readonly lastLoud: number;
}

export const SILENT: Voice = { level: 0, isSpeaking: false, lastLoud: Number.NEGATIVE_INFINITY };

/** @param level from 0 to 1. @param now milliseconds */
export function heard(before: Voice, level: number, now: number): Voice {
  const lastLoud = level >= SPEAKING ? now : before.lastLoud;
  return { level: Math.round(level * STEPS) / STEPS, isSpeaking: now - lastLoud < HOLD_MS, lastLoud };
}

/** Measures the level of a track, also while another clone of it is silenced. */
export class LevelMeter {
  readonly #context: AudioContext;
  readonly #track: MediaStreamTrack;
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  /** @param track is left as it is: a clone of it is listened to */
  constructor(track: MediaStreamTrack) {
    this.#track = track.clone();
    this.#track.enabled = true;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(new MediaStream([this.#track])).connect(this.#analyser);
  }

  /** The root of the mean square, from 0 to 1. */
  get level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.min(1, Math.sqrt(sum / this.#samples.length));
  }

  /** Resumes a context that the browser suspended until a click. */
  resume(): void {
    void this.#context.resume();
  }

  close(): void {
    this.#track.stop();
    void this.#context.close();
  }
}
