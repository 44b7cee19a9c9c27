import type { Clock } from "../base/clock.ts";

/** Options of a call. */
export interface CallOptions {
  /**
   * `relay` lets media flow through TURN servers alone, so that nobody learns another one's address. Default: `all`.
   * @see https://www.w3.org/TR/webrtc/#rtcicetransportpolicy-enum
   */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** Whether the call plays the peers' sound. Default: true. Otherwise the app plays the `stream` of each peer. */
  readonly play?: boolean;
  /** Instead of the browser's, for tests and for environments that have another one. */
  readonly RTCPeerConnection?: new (
    configuration?: RTCConfiguration,
  ) => RTCPeerConnection;
  /** Instead of the browser's, for instance to send a processed microphone. Its tracks are stopped when the call is left. */
  readonly getUserMedia?: (constraints: MediaStreamConstraints) => Promise<MediaStream>;
  /** For tests. */
  readonly clock?: Clock;
}

/** Whether, and how, to use a kind of device. */
export type Wish = boolean | MediaTrackConstraints;

/** The media to bring into a call. */
export interface JoinOptions {
  /** Whether to speak, or the constraints of the microphone. Default: true. Without a microphone, or the right to it, one listens. */
  readonly audio?: Wish;
  /** Whether to be seen, or the constraints of the camera. Default: false. */
  readonly video?: Wish;
}

/** The parts of the browser that a call uses. */
export interface CallPlatform {
  readonly newConnection: (configuration: RTCConfiguration) => RTCPeerConnection;
  readonly getUserMedia: (constraints: MediaStreamConstraints) => Promise<MediaStream>;
}

/** Reads the browser's globals only when a call needs them: elsewhere there are none. */
export function platformOf(options: CallOptions): CallPlatform {
  return {
    newConnection: (configuration) => new (options.RTCPeerConnection ?? RTCPeerConnection)(configuration),
    getUserMedia: async (constraints) => {
      if (options.getUserMedia !== undefined) return options.getUserMedia(constraints);
      // Absent where the page is no secure context, as if there were no device.
      if (navigator.mediaDevices === undefined) throw new DOMException("not a secure context", "NotFoundError");
      return navigator.mediaDevices.getUserMedia(constraints);
    },
  };
}
