/** The values that a call shows to an app. Each is immutable: another one takes its place when something changed. */
import type { ErrorCode } from "../../shared/errors.ts";
import type { PeerId } from "../../shared/rooms.ts";

export type CallState =
  /** The client is not in the call. */
  | { readonly type: "idle" }
  /** The client waits for the microphone, for a connection, or for the room. */
  | { readonly type: "joining" }
  | { readonly type: "joined" }
  /** The connection to the room is lost. Media flows on; nobody new gets in until it is back. */
  | { readonly type: "reconnecting-signaling" }
  /** Media to or from some is interrupted. */
  | { readonly type: "reconnecting-media"; readonly peers: readonly PeerId[] }
  /** The room refused this client, or removed it from the call. */
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string };

/** A microphone or a camera. */
export type DeviceState =
  /** The app did not ask for the device. */
  | { readonly type: "off" }
  /** The browser asks, or the device starts. */
  | { readonly type: "asking" }
  | { readonly type: "on"; readonly deviceId: string; readonly label: string }
  /** The user or the browser's settings denied it. */
  | { readonly type: "denied" }
  /** There is no such device, or it was unplugged. */
  | { readonly type: "missing" }
  /** The browser can't read the device, for instance since another app uses it. */
  | { readonly type: "failed"; readonly cause: unknown };

/** The devices and media of this client. */
export interface LocalMedia {
  readonly microphone: DeviceState;
  readonly camera: DeviceState;
  /** The camera's picture, without sound; `null` while it is off. */
  readonly video: MediaStream | null;
  /** Whether `mute()` was called. */
  readonly isMuted: boolean;
  /** Whether a moderator silenced this client: it sends silence, and the peers drop its sound anyway. */
  readonly isMutedByModerator: boolean;
  /** The microphone's level from 0 to 1 (full scale), also while muted. */
  readonly level: number;
  /** Whether somebody speaks into it. */
  readonly isSpeaking: boolean;
  /** Whether somebody speaks and nobody hears it. */
  readonly isSpeakingWhileMuted: boolean;
}

/** How well media arrives from a peer, over the last seconds. */
export interface Quality {
  /** Packets lost, from 0 to 1. */
  readonly loss: number;
  /** Milliseconds to the peer and back; `null` as long as it is not measured. */
  readonly rttMs: number | null;
  /** Whether media goes through a TURN server. */
  readonly relayed: boolean;
}

/** Somebody else in the call. */
export interface CallPeer {
  readonly peer: PeerId;
  readonly state:
    | "connecting"
    | "connected"
    /** Its connection to the room is lost; media may flow on. */
    | "reconnecting-signaling"
    /** Media was connected, and is interrupted. */
    | "reconnecting-media";
  /** The received tracks, which come and go. The same object while the peer is in the call. */
  readonly stream: MediaStream;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Whether it muted itself. */
  readonly isMuted: boolean;
  /** Whether a moderator silenced it. Its sound is dropped here. */
  readonly isMutedByModerator: boolean;
  /** From 0 to 1 (full scale), in steps of 1/20. */
  readonly level: number;
  readonly isSpeaking: boolean;
  /** `null` until it is measured, some seconds after the peer connected. */
  readonly quality: Quality | null;
}

/** Whether the browser lets sound be played: most want a click first. */
export type Playback = "playing" | "blocked";

export interface CallEvents {
  state: (state: CallState) => void;
  /** Somebody came, left or changed. */
  peers: (peers: readonly CallPeer[]) => void;
  local: (local: LocalMedia) => void;
  /** On `blocked`, call `resumePlayback()` from a click handler. */
  playback: (playback: Playback) => void;
  /**
   * An RTCPeerConnection was made, and nothing is negotiated yet: add data channels here (`negotiated: true`, with an id of
   * the app's choice). Another one may take its place at any time, with an event of its own.
   */
  connection: (made: { readonly peer: PeerId; readonly connection: RTCPeerConnection }) => void;
  /** A failure that ends nothing, for logs: the browser or the room refused something. */
  problem: (problem: { readonly peer?: PeerId; readonly cause: unknown }) => void;
}
